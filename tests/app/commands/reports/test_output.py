"""The output of commands: tables for wide and narrow letters, times in words, and progress on a terminal only."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app.commands.reports import output as printing
from gateway.app.commands.reports.output import Progress, ago, print_json, print_table
from tests.app.installation import until

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
