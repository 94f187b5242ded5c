"""SyncRun: one run of a source, with the counts of its outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.model.objects import Kind


class Outcome(StrEnum):
    """The outcome of applying one record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


class Result(StrEnum):
    """The success of applying one record. `skipped`: it cannot become an object; `failed`: applying it raised an error."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    """It has read everything, and the deletion guard holds deletions: an administrator must decide, then `gateway sync SOURCE
    --allow-deletions`."""


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Counts by kind, outcome and result. Zero counts are not in the map."""

    counts: Mapping[tuple[Kind, Outcome, Result], int] = field(default_factory=dict)

    def __add__(self, other: "RunStatistics") -> "RunStatistics":
        merged = dict(self.counts)
        for key, count in other.counts.items():
            merged[key] = merged.get(key, 0) + count
        return RunStatistics(merged)

    def without(self, outcome: Outcome, counts: Mapping[Kind, int]) -> "RunStatistics":
        """Return the counts without as many of this outcome, as far as there are so many: what was done was taken back."""
        left = {
            key: n - counts.get(key[0], 0) if key[1:] == (outcome, Result.SUCCEEDED) else n for key, n in self.counts.items()
        }
        return RunStatistics({key: n for key, n in left.items() if n > 0})

    def total(self, outcome: Outcome, result: Result = Result.SUCCEEDED, kind: Kind | None = None) -> int:
        """Return the sum over all kinds, or the count of one."""
        return sum(n for (k, o, r), n in self.counts.items() if o is outcome and r is result and kind in (None, k))


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One run. `mode`: "incremental" or "full"; `trigger`: "schedule", "start", "push" or "manual"."""

    id: int
    source_id: str
    mode: str
    trigger: str
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None = None
    statistics: RunStatistics = RunStatistics()
    error: str = ""
