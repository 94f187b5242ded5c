"""One read of a source as the store sees it: its run, what it did so far, how it ended.

Every function here is a piece of work for `Database.write`: it gets a Connection, does not wait, and changes nothing of its own
before the commit: what was committed is told to `SourceRead.committed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.model.deltas import Batch, Watermark
from gateway.model.errors import DeletionsRefused
from gateway.model.runs import RunStatus, Statistics
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state, sync_requests, sync_runs
from gateway.store.operations.sync_requests import Request
from gateway.sync.inbound import Inbound

FULL, INCREMENTAL = "full", "incremental"
HEARD_SECONDS: Final = 20.0  # how stale `heard_at` may be while nothing happens: a write each second would be for nothing
PUSH_SECONDS: Final = 60.0  # pushed changes within this time are one run, else the history would be one run for each change
LEFT_BEHIND: Final = "the process ended before this run did"


class Trigger(StrEnum):
    """Why a source is read (`SyncRun.trigger`)."""

    START = "start"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What is to be read: `full` compares everything; `request` is the person's who asked a running gateway for it."""

    trigger: Trigger
    full: bool = False
    request: Request | None = None
    allow_deletions: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way. `id` None: nothing has happened that is worth one."""

    id: int | None
    trigger: Trigger
    mode: str
    started_at: datetime
    statistics: Statistics = field(default_factory=Statistics)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over, for the log."""

    run: Run
    status: RunStatus
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunStep:
    """What one transaction did: the run afterwards, the run that it ended, sentences about records that were left out."""

    run: Run
    heard_at: datetime
    caught_up: bool
    ended: EndedRun | None = None
    problems: tuple[str, ...] = ()


class SourceRead:
    """One read of one source. `now` gives aware UTC times."""

    def __init__(self, inbound: Inbound, order: RunOrder, now: Callable[[], datetime]) -> None:
        self._inbound = inbound
        self._order = order
        self._now = now
        self.run = Run(None, order.trigger, FULL if order.full else INCREMENTAL, now())
        self.heard_at = self.run.started_at
        self.caught_up_at: datetime | None = None

    def committed(self, step: RunStep) -> None:
        """The transaction that made `step` is in the store."""
        self.run, self.heard_at = step.run, step.heard_at
        if step.caught_up and self.caught_up_at is None:
            self.caught_up_at = step.heard_at

    def begin(self, connection: Connection) -> tuple[Watermark | None, RunStep]:
        """Where to read from. A run that a person waits for starts at once, any other with the first batch that tells
        something: a source that is down for a week is not ten thousand runs."""
        now, source_id = self._now(), self._inbound.source_id
        source_state.ensure(connection, source_id, self._inbound.source_type)
        sync_runs.abandon(connection, source_id, now, LEFT_BEHIND)
        watermark = None if self._order.full else self._inbound.watermark(connection)
        run = replace(self.run, mode=INCREMENTAL if watermark is not None else FULL, started_at=now)
        if self._order.trigger is Trigger.MANUAL:
            run = self._started(connection, run)
        if self._order.request is not None and run.id is not None:
            sync_requests.answer(connection, self._order.request.id, run.id)
        return watermark, RunStep(run, now, caught_up=False)

    def wants(self, batch: Batch) -> bool:
        """Whether the batch is worth a transaction. An idle source sends empty ones all the time."""
        tells = batch.deltas or batch.begins or batch.completes or batch.watermark is not None
        quiet = self._now() - self.heard_at >= timedelta(seconds=HEARD_SECONDS)
        arrives = batch.caught_up and (self.run.id is not None or self.caught_up_at is None)
        return bool(tells) or quiet or arrives

    def apply(self, connection: Connection, batch: Batch) -> RunStep:
        """Apply the batch and note how far the run is. The run ends when the source's present state is reached; changes that
        are pushed later go into runs of their own. Raises as `Inbound.apply` does."""
        now, run = self._now(), self.run
        if batch.begins and run.mode != FULL:  # the source could not go on from where it was
            run = replace(run, mode=FULL)
            if run.id is not None:
                sync_runs.set_mode(connection, run.id, FULL)
        if run.id is None and _tells(batch, run.trigger):
            run = self._started(connection, replace(run, started_at=now) if run.trigger is Trigger.PUSH else run)
        applied = self._inbound.apply(connection, batch, allow_deletions=self._order.allow_deletions)
        source_state.note_heard(connection, self._inbound.source_id, now, caught_up=batch.caught_up)
        run = replace(run, statistics=run.statistics + applied.statistics)
        if not _is_over(run, batch, now):
            if run.id is not None:
                sync_runs.progress(connection, run.id, run.statistics)
            return RunStep(run, now, batch.caught_up, problems=applied.problems)
        ended = None
        if run.id is not None:
            sync_runs.finish(connection, run.id, RunStatus.SUCCEEDED, run.statistics, now)
            ended = EndedRun(run, RunStatus.SUCCEEDED)
        return RunStep(Run(None, Trigger.PUSH, INCREMENTAL, now), now, batch.caught_up, ended, applied.problems)

    def end(self, connection: Connection) -> RunStep:
        """The read is over without an error: the source has nothing more to say, or the gateway stops."""
        now = self._now()
        if self.run.id is None:
            return RunStep(self.run, self.heard_at, caught_up=False)
        whole = self.caught_up_at is not None
        status, error = (RunStatus.SUCCEEDED, "") if whole else (RunStatus.FAILED, "it was stopped before it was done")
        sync_runs.finish(connection, self.run.id, status, self.run.statistics, now, error)
        return RunStep(replace(self.run, id=None), now, caught_up=False, ended=EndedRun(self.run, status, error))

    def fail(self, connection: Connection, error: Exception, sentence: str, *, is_news: bool) -> RunStep:
        """The read is over because of `error`, which `sentence` tells. A failure that is not news makes no run of its own."""
        now, run, source_id = self._now(), self.run, self._inbound.source_id
        status = RunStatus.REFUSED if isinstance(error, DeletionsRefused) else RunStatus.FAILED
        source_state.ensure(connection, source_id, self._inbound.source_type)
        source_state.note_error(connection, source_id, sentence, now)
        if run.id is None and is_news:
            run = self._started(connection, run)
        if run.id is None:
            return RunStep(run, self.heard_at, caught_up=False)
        sync_runs.finish(connection, run.id, status, run.statistics, now, sentence)
        return RunStep(replace(run, id=None), self.heard_at, caught_up=False, ended=EndedRun(run, status, sentence))

    def _started(self, connection: Connection, run: Run) -> Run:
        return replace(run, id=sync_runs.start(connection, self._inbound.source_id, run.mode, run.trigger, run.started_at))


def _tells(batch: Batch, trigger: Trigger) -> bool:
    """Whether the batch is worth a run."""
    if trigger is Trigger.PUSH:
        return bool(batch.deltas)
    return bool(batch.deltas or batch.begins or batch.completes or batch.watermark is not None)


def _is_over(run: Run, batch: Batch, now: datetime) -> bool:
    """What was pushed is one run until the source is quiet; what was asked for ends when the present state is reached."""
    if run.trigger is not Trigger.PUSH:
        return batch.caught_up
    return not batch.deltas or now - run.started_at >= timedelta(seconds=PUSH_SECONDS)
