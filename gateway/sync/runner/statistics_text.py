"""The statistics of a run as a clause of a sentence, for log lines and commands."""

from gateway.model.runs import Outcome, Result, RunStatistics


def in_words(statistics: RunStatistics) -> str:
    """Return the statistics as a clause: "3 created, 1 deleted, 2 left out"; "nothing changed" when that is
    so. A record is in one of the numbers."""
    parts = [(statistics.total(outcome), outcome.value) for outcome in Outcome if outcome is not Outcome.UNCHANGED]
    for result, word in ((Result.SKIPPED, "left out"), (Result.FAILED, "failed")):
        parts.append((sum(statistics.total(outcome, result) for outcome in Outcome), word))
    return ", ".join(f"{count} {word}" for count, word in parts if count) or "nothing changed"
