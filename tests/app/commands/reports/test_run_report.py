"""Runs and dry runs in words: each record is in one number, under the same word in both."""

from __future__ import annotations

import pytest

from gateway.app.commands.reports import run_report
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result, RunStatistics
from gateway.sync.runner.dry_run import DryRunReport
from gateway.sync.runner.statistics_text import in_words

STATISTICS = RunStatistics(
    {
        (Kind.USER, Outcome.CREATED, Result.SUCCEEDED): 301,
        (Kind.USER, Outcome.CREATED, Result.SKIPPED): 2,
        (Kind.USER, Outcome.UNCHANGED, Result.SUCCEEDED): 10,
        (Kind.USER, Outcome.UNCHANGED, Result.SKIPPED): 3,
        (Kind.GROUP, Outcome.CREATED, Result.SKIPPED): 1,
    }
)


def test_the_numbers_of_a_dry_run_add_up_and_are_those_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    run_report.print_foreseen("hr", DryRunReport(STATISTICS, {}, (), "", {}, {}))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  301 users created",
        "  10 users unchanged",
        "  5 users left out",
        "  1 groups left out",
    ]
    assert in_words(STATISTICS) == "301 created, 6 left out"
