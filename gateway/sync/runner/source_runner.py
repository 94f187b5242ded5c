"""The life of one source: hold its lease, read it, apply each batch in one transaction, wait, again. It never works in a circle
without a pause, and whatever a source does, its life ends only when the gateway stops.

The source blocks in a thread; the next batch is fetched while the last one is applied.
"""

from __future__ import annotations

import random as randomness
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.model.backoff import Backoff
from gateway.model.connector import Source
from gateway.model.deltas import Batch
from gateway.model.errors import DeletionsRefused, GatewayError, StoreUnavailable
from gateway.model.runs import RunStatus
from gateway.store.engine.database import Database
from gateway.store.operations import sync_requests
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound
from gateway.sync.runner.lease import Lease
from gateway.sync.runner.lease_name import name_for
from gateway.sync.runner.retry_delays import delays_for
from gateway.sync.runner.run_log import RunLog
from gateway.sync.runner.sync_run import FULL, EndedRun, RunOrder, RunStep, SourceRead, Trigger

LEASE_RETRY_SECONDS: Final = 5.0
SHORT_SECONDS: Final = 1.0  # never none: whatever goes wrong, there is no busy loop
STEADY_SECONDS: Final = 60.0  # a source that was read well for this long and then fails starts again from the first delay


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a source that cannot push is read again, and how often everything is compared. Seconds."""

    seconds: float = 300.0
    full_seconds: float = 86_400.0


@dataclass(frozen=True, slots=True)
class ProcessServices:
    """What a runner needs of the process: `clock` for waiting, `reactor` and `threads` for what blocks, `now` for what is
    stored, `holder` to hold leases by, `random` (0 to 1) for jitter, `on_run` to hear of each run that ended."""

    database: Database
    clock: Any
    reactor: Any
    threads: ThreadPool
    now: Callable[[], datetime]
    holder: str
    random: Callable[[], float] = randomness.random
    on_run: Callable[[str, EndedRun], object] = lambda *_: None


class Fetched(NamedTuple):
    """What the source's thread brought: a batch, an error, or neither when the read is at its end."""

    batch: Batch | None = None
    error: Exception | None = None


class SourceRunner:
    """Reads one source from `start` to `stop`. Every method belongs to the reactor's thread."""

    def __init__(self, source: Source, inbound: Inbound, schedule: Schedule, process: ProcessServices) -> None:
        self._source = source
        self._inbound = inbound
        self._schedule = schedule
        self._process = process
        self._lease = Lease(
            process.database, name_for(source.id), process.holder, process.now, process.clock, self._lease_is_lost
        )
        self._backoff = Backoff(process.random)
        self._tell = RunLog(source.id, process.clock.seconds)
        self._trigger = Trigger.START
        self._compared_at: float = process.clock.seconds()
        self._stopping = self._wanted = False
        self._reading: SourceRead | None = None
        self._pausing: Deferred[None] | None = None
        self._life: Deferred[None] | None = None

    @property
    def source_id(self) -> str:
        return self._source.id

    def start(self) -> None:
        """Begin; to be called once."""
        self._life = ensureDeferred(self._live())

    async def stop(self) -> None:
        """Returns when the batch in progress is in the store and the lease is given back."""
        self._stopping = True
        self._interrupt()
        if self._life is not None:
            await self._life

    def wake(self) -> None:
        """Somebody has asked for a run: see to it now. A read that is still behind is not cut short for it."""
        self._wanted = True
        if self._reading is None or self._reading.caught_up_at is not None:
            self._interrupt()

    def _interrupt(self) -> None:
        pausing, self._pausing = self._pausing, None
        if pausing is not None:
            pausing.callback(None)
        elif self._reading is not None:
            self._source.close()

    def _lease_is_lost(self) -> None:
        self._tell.warn("another node reads it now; it is left to that one")
        self._interrupt()

    async def _live(self) -> None:
        while not self._stopping:
            try:
                await self._pause(await self._turn())
            except Exception as error:  # the store is away, or we have a defect: neither may end the source's life
                self._tell.failure(error)
                await self._pause(self._backoff.failed(delays_for(error)))
        try:
            await self._lease.release()
        except StoreUnavailable:
            self._tell.warn("its lease could not be given back; it ends by itself")

    async def _turn(self) -> float:
        """One read, if it is ours to do; the seconds until the next turn."""
        self._wanted = False
        if not await self._lease.acquire():
            return LEASE_RETRY_SECONDS
        delay = await self._read(await self._next_order())
        return delay if self._lease.held else LEASE_RETRY_SECONDS

    async def _next_order(self) -> RunOrder:
        """A person's request first; else the schedule, which now and then compares everything."""
        holder = self._process.holder
        request = await self._process.database.write(lambda connection: sync_requests.take(connection, self.source_id, holder))
        if request is not None:
            return RunOrder(Trigger.MANUAL, request.full, request, request.allow_deletions)
        trigger, self._trigger = self._trigger, Trigger.SCHEDULE
        return RunOrder(trigger, full=self._must_compare())

    async def _read(self, order: RunOrder) -> float:
        """One read from its order to its end; the seconds to wait before the next."""
        reading = self._reading = SourceRead(self._inbound, order, self._process.now)
        database, clock = self._process.database, self._process.clock
        began = clock.seconds()
        try:
            await self._fill_keys()
            watermark, step = await database.write(reading.begin)
            self._note(reading, step)
            await self._pull(reading, self._source.read(watermark, follow=True))
            self._note(reading, await database.write(reading.end))
        except Exception as error:
            sentence, is_news = self._tell.failure(error)
            failure = error
            step = await database.write(lambda connection: reading.fail(connection, failure, sentence, is_news=is_news))
            self._note(reading, step)
            if reading.caught_up_at is not None and clock.seconds() - began >= STEADY_SECONDS:
                self._backoff.succeeded()
            # A refused deletion does not pass in seconds: the upstream becomes whole again, or a person decides.
            if isinstance(error, DeletionsRefused):
                return self._schedule.seconds
            return self._backoff.failed(delays_for(error))
        finally:
            self._reading = None
        self._backoff.succeeded()
        return SHORT_SECONDS if self._must_compare() else self._schedule.seconds

    async def _fill_keys(self) -> None:
        """Rules may look for objects by other attributes than they did: every object gets its keys before a record comes."""
        database, wanted = self._process.database, self._inbound.settings.key_names
        if await database.read(partial(correlation_keys.is_done, wanted=wanted)):
            return
        place = await database.write(partial(correlation_keys.begin, wanted=wanted))
        while place is not None and not self._stopping:
            place = await database.write(correlation_keys.step(place))

    async def _pull(self, reading: SourceRead, batches: Iterator[Batch]) -> None:
        upcoming = self._next(batches)
        try:
            while not self._must_leave(reading):
                fetched = await upcoming
                if fetched.error is not None:
                    raise fetched.error
                if fetched.batch is None:
                    return
                upcoming = self._next(batches)
                if reading.wants(fetched.batch):
                    await self._apply(reading, fetched.batch)
        except GatewayError:
            if not self._must_leave(reading):  # else it is what our own close() brought about
                raise
        finally:
            if not upcoming.called:
                self._source.close()
            await upcoming
            await self._in_thread(getattr(batches, "close", _nothing))

    async def _apply(self, reading: SourceRead, batch: Batch) -> None:
        step = await self._process.database.write(lambda connection: reading.apply(connection, batch))
        self._note(reading, step)

    def _must_leave(self, reading: SourceRead) -> bool:
        caught_up = reading.caught_up_at is not None
        return self._stopping or not self._lease.held or (caught_up and (self._wanted or self._must_compare()))

    def _must_compare(self) -> bool:
        return bool(self._process.clock.seconds() - self._compared_at >= self._schedule.full_seconds)

    def _next(self, batches: Iterator[Batch]) -> Deferred[Fetched]:
        return self._in_thread(lambda: _fetch(batches))

    def _in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        return deferToThreadPool(self._process.reactor, self._process.threads, work)

    async def _pause(self, seconds: float) -> None:
        if self._stopping or self._wanted:
            return
        pausing = self._pausing = Deferred()
        timer = self._process.clock.callLater(seconds, self._interrupt)
        await pausing
        if timer.active():
            timer.cancel()

    def _note(self, reading: SourceRead, step: RunStep) -> None:
        """A transaction is committed: remember it and tell of it."""
        was_behind = reading.caught_up_at is None
        reading.committed(step)
        self._tell.problems(step.problems)
        if was_behind and step.caught_up:
            self._tell.well_again(self._backoff.failures)
        if step.ended is not None:
            self._note_end(step.ended)

    def _note_end(self, ended: EndedRun) -> None:
        run = ended.run
        if ended.status is RunStatus.SUCCEEDED:
            if run.mode == FULL:
                self._compared_at = self._process.clock.seconds()
            self._tell.success(run)
        self._process.on_run(self.source_id, ended)


def _fetch(batches: Iterator[Batch]) -> Fetched:
    try:
        return Fetched(next(batches, None))
    except Exception as error:  # whatever it is, it is the reader's to deal with, and may come after the reader has left
        return Fetched(error=error)


def _nothing() -> None:
    """For iterators that are no generators and have nothing to close."""
