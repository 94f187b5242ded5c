"""One read of a source as the store sees it: its run, the run's statistics, and its end.

Every function here that takes a Connection is work for `Database.write`: it does not wait, and changes nothing of its own
before the commit; the caller reports the commit to `SourceRead.committed`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.model.deltas import Batch, Watermark
from gateway.model.errors import HistoryChanged
from gateway.model.runs import Outcome, RunStatistics, RunStatus
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state, sync_requests, sync_runs
from gateway.store.operations.sync_requests import Request
from gateway.sync.inbound import Inbound

FULL, INCREMENTAL = "full", "incremental"
HEARD_SECONDS: Final = 20.0  # how stale `heard_at` may be while nothing happens: a write each second would be for nothing
WENT_BACK: Final = "the store went back in time while the source was read (restored, or failed over); it is compared in full"
PUSH_SECONDS: Final = 60.0  # pushed changes within this time are one run, else the history would be one run for each change
LEFT_BEHIND: Final = "the process ended before this run did"


class Trigger(StrEnum):
    """The reason for which a source is read (`SyncRun.trigger`)."""

    START = "start"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """The order for a read: `full` compares everything; `request` is the administrator's that a running gateway serves."""

    trigger: Trigger
    full: bool = False
    request: Request | None = None
    allow_deletions: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run in progress. `id` None: nothing has happened yet that is worth one."""

    id: int | None
    trigger: Trigger
    mode: str
    started_at: datetime
    statistics: RunStatistics = field(default_factory=RunStatistics)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended."""

    run: Run
    status: RunStatus
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunStep:
    """The effect of one transaction: the run afterwards, the run that it ended, sentences about records that were left out.
    `stamp`: of the source's state (source_state.py), by which the next transaction knows that it follows this one.
    `held`: the sentence about deletions that the guard holds, "" when it holds none."""

    run: Run
    heard_at: datetime
    caught_up: bool
    ended: EndedRun | None = None
    problems: tuple[str, ...] = ()
    stamp: tuple[str, int | None] | None = None
    held: str = ""


class SourceRead:
    """One read of one source. `now` returns aware UTC times."""

    def __init__(self, inbound: Inbound, order: RunOrder, now: Callable[[], datetime]) -> None:
        self._inbound = inbound
        self._order = order
        self._now = now
        self.run = Run(None, order.trigger, FULL if order.full else INCREMENTAL, now())
        self.heard_at = self.run.started_at
        self.caught_up_at: datetime | None = None
        self._stamp: tuple[str, int | None] | None = None

    def committed(self, step: RunStep) -> None:
        """Take over the outcome of a transaction that is committed."""
        self.run, self.heard_at, self._stamp = step.run, step.heard_at, step.stamp
        if step.caught_up and self.caught_up_at is None:
            self.caught_up_at = step.heard_at

    def begin(self, connection: Connection) -> tuple[Watermark | None, RunStep]:
        """Return the watermark to read from. A run that an administrator waits for starts at once, any other with the first
        batch that reports something: a source that is down for a week is not ten thousand runs."""
        now, source_id = self._now(), self._inbound.source_id
        source_state.ensure(connection, source_id, self._inbound.source_type)
        sync_runs.abandon(connection, source_id, now, LEFT_BEHIND)
        # Deletions that pass are those of a full comparison: what one refused may never be reported again by increments.
        compares = self._order.full or self._order.allow_deletions
        watermark = None if compares else self._inbound.watermark(connection)
        run = replace(self.run, mode=INCREMENTAL if watermark is not None else FULL, started_at=now)
        if self._order.trigger is Trigger.MANUAL:
            run = self._started(connection, run)
        if self._order.request is not None and run.id is not None:
            sync_requests.answer(connection, self._order.request.id, run.id)
        return watermark, RunStep(run, now, caught_up=False, stamp=source_state.stamp(connection, source_id))

    def wants(self, batch: Batch) -> bool:
        """Return True when the batch is worth a transaction. An idle source sends empty ones all the time."""
        reports = batch.deltas or batch.begins or batch.completes or batch.watermark is not None or batch.reading
        quiet = batch.heard and self._now() - self.heard_at >= timedelta(seconds=HEARD_SECONDS)
        arrives = batch.caught_up and (self.run.id is not None or self.caught_up_at is None)
        return bool(reports) or quiet or arrives

    def apply(self, connection: Connection, batch: Batch) -> RunStep:
        """Apply the batch and store the run's progress. The run ends when the source's present state is reached; changes that
        are pushed later go into runs of their own. Raises as `Inbound.apply` does, and HistoryChanged when the store has lost
        what this read wrote before: what the source goes on with is then no continuation."""
        if source_state.stamp(connection, self._inbound.source_id) != self._stamp:
            raise HistoryChanged(WENT_BACK)
        now, run = self._now(), self.run
        if batch.begins and run.mode != FULL:  # the source could not go on from where it was
            run = replace(run, mode=FULL)
            if run.id is not None:
                sync_runs.set_mode(connection, run.id, FULL)
        if run.id is None and _is_worth_a_run(batch, run.trigger):
            run = self._started(connection, replace(run, started_at=now) if run.trigger is Trigger.PUSH else run)
        # Once: what is pushed after the run that a person let pass is guarded again.
        allow = self._order.allow_deletions and self.caught_up_at is None
        applied = self._inbound.apply(connection, batch, allow_deletions=allow)
        source_state.note_heard(connection, self._inbound.source_id, now, caught_up=batch.caught_up)
        if batch.reading:
            source_state.set_reading(connection, self._inbound.source_id, batch.reading)
        if applied.held:
            source_state.note_error(connection, self._inbound.source_id, applied.held, now)
        stamp = source_state.stamp(connection, self._inbound.source_id)
        statistics = (run.statistics + applied.statistics).without(Outcome.DELETED, applied.put_back)
        run = replace(run, statistics=statistics)
        if not _is_over(run, batch, now):
            if run.id is not None:
                sync_runs.progress(connection, run.id, run.statistics)
            return RunStep(run, now, batch.caught_up, problems=applied.problems, stamp=stamp, held=applied.held)
        ended = None
        if run.id is not None:
            ended = EndedRun(run, RunStatus.REFUSED if applied.held else RunStatus.SUCCEEDED, applied.held)
            sync_runs.finish(connection, run.id, ended.status, run.statistics, now, ended.error)
        pushed = Run(None, Trigger.PUSH, INCREMENTAL, now)
        return RunStep(pushed, now, batch.caught_up, ended, applied.problems, stamp, applied.held)

    def end(self, connection: Connection) -> RunStep:
        """End the read without an error: the source has nothing more to report, or the gateway stops."""
        now = self._now()
        if self.run.id is None:
            return RunStep(self.run, self.heard_at, caught_up=False)
        held = self._inbound.held(connection)
        if self.caught_up_at is None:
            status, error = RunStatus.FAILED, "it was stopped before it was done"
        else:
            status, error = (RunStatus.REFUSED, held) if held else (RunStatus.SUCCEEDED, "")
        sync_runs.finish(connection, self.run.id, status, self.run.statistics, now, error)
        return RunStep(replace(self.run, id=None), now, caught_up=False, ended=EndedRun(self.run, status, error), held=held)

    def fail(self, connection: Connection, error: Exception, sentence: str, *, is_news: bool) -> RunStep:
        """End the read because of `error`, which `sentence` describes. A failure that is not news makes no run of its own."""
        now, run, source_id = self._now(), self.run, self._inbound.source_id
        if isinstance(error, HistoryChanged):  # the store may have lost the run, and given its number to another
            run, is_news = replace(run, id=None), True
        source_state.ensure(connection, source_id, self._inbound.source_type)
        source_state.note_error(connection, source_id, sentence, now)
        if run.id is None and is_news:
            run = self._started(connection, run)
        if run.id is None:
            return RunStep(run, self.heard_at, caught_up=False)
        sync_runs.finish(connection, run.id, RunStatus.FAILED, run.statistics, now, sentence)
        ended = EndedRun(run, RunStatus.FAILED, sentence)
        return RunStep(replace(run, id=None), self.heard_at, caught_up=False, ended=ended)

    def _started(self, connection: Connection, run: Run) -> Run:
        return replace(run, id=sync_runs.start(connection, self._inbound.source_id, run.mode, run.trigger, run.started_at))


def _is_worth_a_run(batch: Batch, trigger: Trigger) -> bool:
    """Return True when the batch is worth a run."""
    if trigger is Trigger.PUSH:
        return bool(batch.deltas)
    return bool(batch.deltas or batch.begins or batch.completes or batch.watermark is not None)


def _is_over(run: Run, batch: Batch, now: datetime) -> bool:
    """Return True at the end of a run: one of pushed changes ends when the source is quiet, any other when its present state is
    reached."""
    if run.trigger is not Trigger.PUSH:
        return batch.caught_up
    return not batch.deltas or now - run.started_at >= timedelta(seconds=PUSH_SECONDS)
