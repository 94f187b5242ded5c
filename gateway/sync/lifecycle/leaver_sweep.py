"""The sweep at the end of the grace period: leavers that no source has taken back are deleted, at most a thousand records in a
transaction, by one node of all. The deletion guard has counted them when they left, and does not stop this.

Leavers of a source that is not in the configuration any more stay: an administrator decides about them (source_retirement.py,
source_finalization.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from gateway.model.errors import LeaseLost, StoreUnavailable
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.records import leavers
from gateway.sync.inbound import Inbound
from gateway.sync.lifecycle.grace_period import GRACE_DAYS, GracePeriods
from gateway.sync.runner.lease import Lease

AT_ONCE: Final = 1_000
SWEEP_SECONDS: Final = 600.0  # grace is counted in days: ten minutes more are none
LEASE: Final = "leavers"

_log = structlog.get_logger("gateway.leavers")


def sweep(connection: Connection, door: Inbound, grace: GracePeriods) -> int:
    """Delete the next leavers whose grace period is over; return the number of records. A piece of work for
    `Database.write`."""
    now = door.now()
    for source_id, time in sorted(grace.of(connection).items()):
        overdue = leavers.due(connection, source_id, now - time, AT_ONCE)
        if overdue:
            door.expire(connection, overdue)
            return len(overdue)
    unclaimed = leavers.without_records(connection, now - timedelta(days=GRACE_DAYS), AT_ONCE)
    if unclaimed:
        door.erase(connection, dict.fromkeys(unclaimed, Kind.USER))
    return len(unclaimed)


class LeaverSweep:
    """The sweep of one process, through the door of the source `local`, every SWEEP_SECONDS of `clock`; of several
    nodes the one that holds the lease sweeps."""

    def __init__(
        self,
        database: Database,
        door: Inbound,
        grace: GracePeriods,
        holder: str,
        now: Callable[[], datetime],
        clock: IReactorTime,
    ) -> None:
        self._door = door
        self._grace = grace
        self._lease = Lease(database, LEASE, holder, now, clock, lost=lambda: None)
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clock
        self._stopping = False
        self._turning: Deferred[None] | None = None

    def start(self) -> None:
        """Begin; to be called once."""
        self._loop.start(SWEEP_SECONDS)

    async def stop(self) -> None:
        """Return when the transaction in progress is over and the lease is given back."""
        self._stopping = True
        if self._loop.running:
            self._loop.stop()
        if self._turning is not None:
            await self._turning
        try:
            await self._lease.release()
        except StoreUnavailable:
            _log.warning("the lease for leavers could not be given back; it ends by itself")

    def _turn(self) -> Deferred[None]:
        self._turning = ensureDeferred(self.run())
        return self._turning

    async def run(self) -> None:
        """Sweep once, to the end unless it is stopped, if this node holds the lease."""
        swept = 0
        try:
            if await self._lease.acquire():
                while not self._stopping and self._lease.held:
                    count = await self._lease.write(partial(sweep, door=self._door, grace=self._grace))
                    swept += count
                    if not count:
                        break
        except LeaseLost:
            pass  # another node sweeps
        except StoreUnavailable as error:
            _log.warning(f"leavers are not deleted: {error}; it is tried again in {SWEEP_SECONDS / 60:g} minutes")
        except Exception as error:  # the next sweep must not fail of it
            _log.error("leavers cannot be deleted", error=repr(error), exc_info=error)
        if swept:
            _log.info("the grace period is over: leavers are deleted", records=swept)
