"""The runner of one source: hold its lease, read it, apply each batch in one transaction, pause, again.

It never loops without a pause, and no error of a source ends it: only the stop of the gateway does. The source blocks in a
thread (prefetched_batches.py).
"""

from __future__ import annotations

import random as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import inf
from typing import Final

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.threadpool import ThreadPool

from gateway.model.backoff import Backoff
from gateway.model.connector import Source
from gateway.model.deltas import Batch
from gateway.model.errors import GatewayError, HistoryChanged, LeaseLost, StoreUnavailable
from gateway.model.runs import RunStatus
from gateway.store.engine.database import Database
from gateway.store.operations import sync_requests
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound
from gateway.sync.runner.lease import Lease
from gateway.sync.runner.lease_name import name_for
from gateway.sync.runner.prefetched_batches import PrefetchedBatches
from gateway.sync.runner.retry_delays import delays_for
from gateway.sync.runner.run_log import RunLog
from gateway.sync.runner.sync_run import FULL, EndedRun, RunOrder, RunStep, SourceRead, Trigger

LEASE_RETRY_SECONDS: Final = 2.0
SHORT_SECONDS: Final = 1.0  # never none: whatever goes wrong, there is no busy loop
STEADY_SECONDS: Final = 60.0  # a source that was read well for this long and then fails starts again from the first delay


@dataclass(frozen=True, slots=True)
class Schedule:
    """The intervals, in seconds, between reads of a source that cannot push, and between reconciliations."""

    seconds: float = 300.0
    full_seconds: float = 86_400.0


@dataclass(frozen=True, slots=True)
class ProcessServices:
    """The services of the process to its runners: `clock` for waiting, `reactor` and `threads` for blocking work, `now` for
    stored times, `holder` of the leases, `random` (0 to 1) for jitter, `on_run` as a listener to each run that ended."""

    database: Database
    clock: IReactorTime
    reactor: IReactorFromThreads
    threads: ThreadPool
    now: Callable[[], datetime]
    holder: str
    random: Callable[[], float] = randomness.random
    on_run: Callable[[str, EndedRun], object] = lambda *_: None


class SourceRunner:
    """The runner of one source, from `start` to `stop`. Every method belongs to the reactor's thread."""

    def __init__(self, source: Source, inbound: Inbound, schedule: Schedule, process: ProcessServices) -> None:
        self._source = source
        self._inbound = inbound
        self._schedule = schedule
        self._process = process
        self._lease = Lease(
            process.database, name_for(source.id), process.holder, process.now, process.clock, self._lease_is_lost
        )
        self._backoff = Backoff(process.random)
        self._log = RunLog(source.id, process.clock.seconds)
        self._trigger = Trigger.START
        self._reconciled_at: float = process.clock.seconds()
        self._stopping = self._wanted = False
        self._reading: SourceRead | None = None
        self._pausing: Deferred[None] | None = None
        self._running: Deferred[None] | None = None

    @property
    def source_id(self) -> str:
        return self._source.id

    def start(self) -> None:
        """Begin; to be called once."""
        self._running = ensureDeferred(self._run())

    async def stop(self) -> None:
        """Return when the batch in progress is stored and the lease released."""
        self._stopping = True
        self._interrupt()
        if self._running is not None:
            await self._running

    def wake(self) -> None:
        """Serve a request for a run now. A read that is still behind is not cut short for it."""
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
        self._log.warn("another node reads it now; it is left to that one")
        self._interrupt()

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._pause(await self._turn())
            except Exception as error:  # the store is away, or we have a defect: neither may end the runner
                self._log.failure(error)
                await self._pause(self._backoff.failed(delays_for(error)))
        try:
            await self._lease.release()
        except StoreUnavailable:
            self._log.warn("its lease could not be given back; it ends by itself")

    async def _turn(self) -> float:
        """Read once, if this node holds the lease; return the seconds until the next turn."""
        self._wanted = False
        if not await self._lease.acquire():
            return LEASE_RETRY_SECONDS
        try:
            delay = await self._read(await self._next_order())
        except LeaseLost:  # _lease_is_lost has logged it
            return LEASE_RETRY_SECONDS
        return delay if self._lease.held else LEASE_RETRY_SECONDS

    async def _next_order(self) -> RunOrder:
        """Return the order of an administrator's request; else that of the schedule, with a reconciliation when it is due."""
        holder = self._process.holder
        request = await self._lease.write(lambda connection: sync_requests.take(connection, self.source_id, holder))
        if request is not None:
            return RunOrder(Trigger.MANUAL, request.full, request, request.allow_deletions)
        trigger, self._trigger = self._trigger, Trigger.SCHEDULE
        return RunOrder(trigger, full=self._reconciliation_is_due())

    async def _read(self, order: RunOrder) -> float:
        """Read from the order to its end; return the seconds to wait before the next read."""
        reading = self._reading = SourceRead(self._inbound, order, self._process.now)
        clock = self._process.clock
        began = clock.seconds()
        try:
            await self._backfill_keys()
            watermark, step = await self._lease.write(reading.begin)
            self._note(reading, step)
            batches = self._source.read(watermark, follow=True)
            await self._pull(reading, PrefetchedBatches(self._source, batches, self._process.reactor, self._process.threads))
            self._note(reading, await self._lease.write(reading.end))
        except LeaseLost:
            raise
        except Exception as error:
            sentence, is_news = self._log.failure(error)
            failure = error
            step = await self._lease.write(lambda connection: reading.fail(connection, failure, sentence, is_news=is_news))
            self._note(reading, step)
            if reading.caught_up_at is not None and clock.seconds() - began >= STEADY_SECONDS:
                self._backoff.succeeded()
            if isinstance(error, HistoryChanged):
                self._reconciled_at = -inf
                return SHORT_SECONDS
            return self._backoff.failed(delays_for(error))
        finally:
            self._reading = None
        self._backoff.succeeded()
        return SHORT_SECONDS if self._reconciliation_is_due() else self._schedule.seconds

    async def _backfill_keys(self) -> None:
        """Give every object its keys before a record comes: rules may look for objects by other attributes than they did."""
        database, wanted = self._process.database, self._inbound.settings.key_names
        if await database.read(partial(correlation_keys.is_done, wanted=wanted)):
            return
        place = await database.write(partial(correlation_keys.begin, wanted=wanted))
        while place is not None and not self._stopping:
            place = await database.write(correlation_keys.step(place), None)

    async def _pull(self, reading: SourceRead, batches: PrefetchedBatches) -> None:
        try:
            while not self._must_end(reading):
                batch = await batches.next()
                if batch is None:
                    return
                if reading.wants(batch):
                    await self._apply(reading, batch)
        except GatewayError:
            if not self._must_end(reading):  # else it is what our own close() brought about
                raise
        finally:
            await batches.close()

    async def _apply(self, reading: SourceRead, batch: Batch) -> None:
        step = await self._lease.write(lambda connection: reading.apply(connection, batch))
        self._note(reading, step)

    def _must_end(self, reading: SourceRead) -> bool:
        caught_up = reading.caught_up_at is not None
        return self._stopping or not self._lease.held or (caught_up and (self._wanted or self._reconciliation_is_due()))

    def _reconciliation_is_due(self) -> bool:
        return self._process.clock.seconds() - self._reconciled_at >= self._schedule.full_seconds

    async def _pause(self, seconds: float) -> None:
        if self._stopping or self._wanted:
            return
        pausing = self._pausing = Deferred()
        timer = self._process.clock.callLater(seconds, self._interrupt)
        await pausing
        if timer.active():
            timer.cancel()

    def _note(self, reading: SourceRead, step: RunStep) -> None:
        """Note and log a committed transaction."""
        was_behind = reading.caught_up_at is None
        reading.committed(step)
        self._log.problems(step.problems)
        if step.held:
            if step.ended is not None or (was_behind and step.caught_up):
                self._log.held(step.held)
        elif was_behind and step.caught_up:
            self._log.recovered(self._backoff.failures)
        if step.ended is not None:
            self._note_end(step.ended)

    def _note_end(self, ended: EndedRun) -> None:
        run = ended.run
        if ended.status in (RunStatus.SUCCEEDED, RunStatus.REFUSED):  # one that was refused has read everything
            if run.mode == FULL:
                self._reconciled_at = self._process.clock.seconds()
            self._log.success(run)
        self._process.on_run(self.source_id, ended)
