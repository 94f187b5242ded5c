"""SyncRun: what one run of a source did, in numbers an administrator can read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.model.objects import Kind


class Outcome(StrEnum):
    """What became of a record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


class Result(StrEnum):
    """Whether it worked. `skipped`: the record cannot become an object; `failed`: applying it went wrong."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """How a run ended, or that it has not."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    """The deletion guard stopped it: a person must look, then `gateway sync SOURCE --allow-deletions`."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts by kind, outcome and result. Zero counts are not in the map."""

    counts: Mapping[tuple[Kind, Outcome, Result], int] = field(default_factory=dict)

    def __add__(self, other: "Statistics") -> "Statistics":
        merged = dict(self.counts)
        for key, count in other.counts.items():
            merged[key] = merged.get(key, 0) + count
        return Statistics(merged)

    def total(self, outcome: Outcome, result: Result = Result.SUCCEEDED, kind: Kind | None = None) -> int:
        """The sum over all kinds, or of one."""
        return sum(n for (k, o, r), n in self.counts.items() if o is outcome and r is result and kind in (None, k))


@dataclass(frozen=True, slots=True)
class SyncRun:
    """`mode`: "incremental" or "full"; `trigger`: "schedule", "start", "push" or "manual"."""

    id: int
    source_id: str
    mode: str
    trigger: str
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None = None
    statistics: Statistics = Statistics()
    error: str = ""
