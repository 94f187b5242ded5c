"""The output of commands: tables for wide and narrow letters, times in words, and progress on a terminal only."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.app import commands as commands_package
from gateway.app.commands.reports import output as printing
from gateway.app.commands.reports.output import Progress, ago, print_json, print_line, print_listing, print_table
from tests.app.installation import until
from tests.model.hostile_text import HOSTILE, RAW

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d"), (-5, "0 s")],
)
def test_a_time_is_told_in_the_largest_unit_that_says_something(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_time_that_never_was_is_never() -> None:
    assert ago(None) == "never"


def test_columns_stand_under_each_other_also_with_wide_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "town"), [("王伟", "上海"), ("Zoë", None), ("Zoe\u0308", "x")])
    assert capsys.readouterr().out.splitlines() == ["name  town", "王伟  上海", "Zoë   -", "Zoe\u0308   x"]


def test_json_has_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": NOW, "photo": b"1234", "names": frozenset({"b", "a"})})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-01T00:00:00Z", "photo": "(4 bytes)", "names": ["a", "b"]}


def test_progress_moves_on_a_terminal_and_is_cleared_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "PROGRESS_SECONDS", 0.001)
    terminal = Terminal()
    with Progress("source hr", terminal) as progress:
        progress.show("5 records …")
        until(lambda: "source hr: 5 records …" in terminal.getvalue(), "it is drawn")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_progress_is_silent_where_nobody_watches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(printing, "PROGRESS_SECONDS", 0.0)
    output = io.StringIO()
    with Progress("source hr", output) as progress:
        progress.show("5 records …")
        progress.print_line("a line that stays")
    assert (output.getvalue(), capsys.readouterr().out) == ("", "a line that stays\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_terminal_obeys_is_escaped_by_every_printer(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    print_line(f"a {text}")
    print_line(f"a {text}", err=True)
    print_table(["name", "other"], [[text, text]])
    with Progress("label") as progress:
        progress.print_line(text)
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 4 and len(err.splitlines()) == 1
    assert not (RAW - {"\n"}) & set(out + err)
    print_json({"name": text})
    printed = capfd.readouterr().out
    assert not (RAW - {"\n"}) & set(printed)
    assert json.loads(printed) == {"name": text}


def test_a_drawn_detail_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "PROGRESS_SECONDS", 0.001)
    terminal = Terminal()
    with Progress("label", terminal) as progress:
        progress.show("a\x9b31m")
        until(lambda: "label: a" in terminal.getvalue(), "it is drawn")
    assert "a\\x9b31m" in terminal.getvalue()


def test_commands_print_by_this_module_alone() -> None:
    commands = Path(commands_package.__file__).parent
    printing_themselves = [
        path.name
        for path in commands.rglob("*.py")
        if path.name != "output.py" and re.search(r"click\.echo|click\.secho|\bprint\(|sys\.stdout", path.read_text())
    ]
    assert printing_themselves == [], "print by reports/output.py, which escapes what upstreams and clients say"


def test_a_listing_is_a_table_of_some_columns_in_words_or_all_that_its_rows_have(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "hr", "enabled": True, "id": "7"}]
    print_listing(("name", "enabled"), rows, as_json=False, words=lambda column, value: f"{column}={value}")
    assert capsys.readouterr().out == "name     enabled\nname=hr  enabled=True\n"
    print_listing(("name", "enabled"), rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows
