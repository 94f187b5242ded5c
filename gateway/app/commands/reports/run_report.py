"""The outcome of a run of a source, or of a dry run: in words for people, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from gateway.app.commands.exit_codes import exit_code
from gateway.app.commands.reports.output import print_line
from gateway.model.errors import DeletionsRefused
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result, RunStatistics, RunStatus, SyncRun
from gateway.sync.runner.dry_run import DryRunReport
from gateway.sync.runner.statistics_text import in_words

PROBLEMS_SHOWN = 10


class RunReport(TypedDict, total=False):
    """A run, a dry run, or the error in their place. `exit_code`: the code that the command ends with for it."""

    source: str
    run: int | None
    mode: str
    status: str
    counts: dict[str, int]
    examples: Mapping[str, Sequence[str]]
    links: dict[str, int]
    held: dict[str, int]
    problems: Sequence[str]
    records_with_left_out_values: int
    error: str
    exit_code: int


def of_run(run: SyncRun) -> RunReport:
    """Return a run as JSON shows it, with the exit code that it means."""
    code = {RunStatus.SUCCEEDED: 0, RunStatus.REFUSED: exit_code(DeletionsRefused())}.get(run.status, 4)
    return {
        "source": run.source_id,
        "run": run.id,
        "mode": run.mode,
        "status": run.status.value,
        "counts": _counts(run.statistics),
        "error": run.error,
        "exit_code": code,
    }


def print_run(run: SyncRun) -> None:
    """Print a run in words, its error on standard error."""
    if run.error:
        print_line(f"gateway: {named(run.source_id, run.error)}", err=True)
    print_line(f"source {run.source_id}: {run.mode} run {run.id} {run.status.value}: {in_words(run.statistics)}")
    for line in _table(run.statistics):
        print_line(f"  {line}")


def of_foreseen(name: str, foreseen: DryRunReport) -> RunReport:
    """Return a dry run as JSON shows it, with the exit code that a real one would have."""
    return {
        "source": name,
        "status": "dry run",
        "counts": _counts(foreseen.statistics),
        "examples": {f"{kind} {outcome}": names for (kind, outcome), names in foreseen.examples.items()},
        "held": {kind.value: count for kind, count in foreseen.held.items()},
        "links": {kind.value: count for kind, count in foreseen.links.items() if count},
        "problems": foreseen.problems,
        "error": foreseen.refusal,
        "exit_code": exit_code(DeletionsRefused()) if foreseen.refusal else 0,
    }


def print_foreseen(name: str, foreseen: DryRunReport) -> None:
    """Print a dry run in words."""
    print_line(f"source {name}: nothing is stored; this would happen:")
    for kind in Kind:
        for outcome in Outcome:
            count = foreseen.statistics.total(outcome, kind=kind)
            if count:
                names = ", ".join(foreseen.examples.get((kind, outcome), ()))
                shown = f": {names}{', …' if count > len(foreseen.examples.get((kind, outcome), ())) else ''}" if names else ""
                print_line(f"  {count} {kind}s {outcome}{shown if outcome is not Outcome.UNCHANGED else ''}")
        left_out = sum(foreseen.statistics.total(outcome, Result.SKIPPED, kind) for outcome in Outcome)
        if left_out:
            print_line(f"  {left_out} {kind}s left out")
    for what, counts, examples in (
        ("linked", foreseen.links, foreseen.link_examples),
        ("held, not deleted", foreseen.held, foreseen.held_examples),
    ):
        for kind, count in counts.items():
            first = examples.get(kind, ())
            if count:
                print_line(f"  {count} {kind}s {what}: {', '.join(first)}{', …' if count > len(first) else ''}")
    for problem in foreseen.problems[:PROBLEMS_SHOWN]:
        print_line(f"  left out: {problem}")
    if len(foreseen.problems) > PROBLEMS_SHOWN:
        print_line(f"  and {len(foreseen.problems) - PROBLEMS_SHOWN} more problems")
    if foreseen.refusal:
        print_line(f"gateway: {named(name, foreseen.refusal)}", err=True)


def _counts(statistics: RunStatistics) -> dict[str, int]:
    return {" ".join(key): count for key, count in sorted(statistics.counts.items())}


def _table(statistics: RunStatistics) -> Iterator[str]:
    """Yield a line for each kind that was met."""
    for kind in Kind:
        of_kind = RunStatistics({key: count for key, count in statistics.counts.items() if key[0] is kind})
        if of_kind.counts:
            unchanged = of_kind.total(Outcome.UNCHANGED)
            yield f"{kind}s: {in_words(of_kind)}{f', {unchanged} unchanged' if unchanged else ''}"


def named(source_id: str, sentence: str) -> str:
    """Return the sentence with the source in front, once."""
    prefix = f"source {source_id}: "
    return sentence if sentence.startswith(prefix) else prefix + sentence
