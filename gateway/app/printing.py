"""What commands print: lines and tables for people, JSON for programs, and progress for whoever watches a terminal."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TextIO

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option that every listing has."""

PROGRESS_SECONDS = 0.1


def print_json(value: Any) -> None:
    """`value` on standard output; times as RFC 3339, sets and tuples as lists."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest value; nothing but the headings when there are no rows."""
    cells = [list(headings), *([_text(value) for value in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        padded = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, in the largest unit that says something: "12 s", "3 min", "5 h", "2 d"; "never" for None."""
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
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value)


def _width(text: str) -> int:
    """Terminal columns: East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Progress:
    """One line of a terminal that is written over and over, and cleared at the end; silent when `stream` is no terminal."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._shown = False
        self._last = float("-inf")

    def __enter__(self) -> Self:
        return self

    def show(self, detail: str) -> None:
        """Show `detail` behind the label; at most every PROGRESS_SECONDS."""
        now = time.monotonic()
        if not self._stream.isatty() or now - self._last < PROGRESS_SECONDS:
            return
        self._last, self._shown = now, True
        self._stream.write(f"\r\x1b[K{self._label}: {detail}")
        self._stream.flush()

    def clear(self) -> None:
        """Make room for a line that stays."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._shown, self._last = False, float("-inf")

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.clear()
