"""The output of commands: lines and tables for people, JSON for programs, and progress on a terminal. What a terminal obeys is
escaped here, and here alone."""

from __future__ import annotations

import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TextIO

import click

from gateway.model.printable_text import printable, printable_json

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option of every command that prints data; tests/app/commands/test_json_option.py walks over them."""

PROGRESS_SECONDS = 0.2


def print_json(value: object) -> None:
    """Print `value` on standard output; times as RFC 3339, sets and tuples as lists."""
    click.echo(printable_json(value, indent=2, default=_plain))


def print_line(text: str = "", *, err: bool = False) -> None:
    """Print one line on standard output, or on standard error. Values of clients and sources may stand in it: what a terminal
    obeys is escaped. Every command prints by this module, never by click.echo."""
    click.echo(printable(text), err=err)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns as wide as their widest value; nothing but the headings when there are no rows."""
    cells = [list(headings), *([_text(value) for value in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        padded = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        print_line("  ".join(padded).rstrip())


def print_listing(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, object]],
    *,
    as_json: bool,
    words: Callable[[str, object], object] = lambda _, value: value,
) -> None:
    """Print the rows: as JSON with all that they have, or the columns as a table, each value in `words`."""
    if as_json:
        print_json(rows)
    else:
        print_table(columns, ([words(column, row[column]) for column in columns] for row in rows))


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return the time since then in its largest unit: "12 s", "3 min", "5 h", "2 d"; "never" for None."""
    if moment is None:
        return "never"
    seconds = max(0, int(((now or datetime.now(UTC)) - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return printable(str(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value)


def _width(text: str) -> int:
    """Return the terminal columns: East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Progress:
    """A line of a terminal that is written over and over, with the seconds it has taken, and cleared at the end; silent when
    `stream` is no terminal. A thread keeps it moving while the work is silent."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._began = time.monotonic()
        self._detail = ""
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._ticking = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._ticking.start()
        return self

    def show(self, detail: str) -> None:
        """Set the text behind the label; it is drawn every PROGRESS_SECONDS."""
        with self._lock:
            self._detail = printable(detail)

    def print_line(self, line: str) -> None:
        """Print a line that stays, on standard output."""
        with self._lock:
            self._clear()
            print_line(line)

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._done.set()
        if self._ticking.is_alive():
            self._ticking.join()
        with self._lock:
            self._clear()

    def _tick(self) -> None:
        while not self._done.wait(PROGRESS_SECONDS):
            with self._lock:
                if self._detail:
                    seconds = int(time.monotonic() - self._began)
                    self._write(f"\r\x1b[K{self._label}: {self._detail} {f'({seconds} s)' if seconds else ''}")

    def _clear(self) -> None:
        if self._stream.isatty():
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
