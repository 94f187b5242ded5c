"""The sweep at the end of the grace period: leavers that no source has taken back are deleted, at most a thousand records in a
transaction, by one node of all. The deletion guard has counted them when they left, and does not stop this.

Leavers of a source that is not in the configuration any more stay: an administrator decides about them (source_retirement.py,
source_finalization.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from twisted.internet.interfaces import IReactorTime

from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.records import leavers
from gateway.sync.inbound import Inbound
from gateway.sync.lifecycle.grace_period import GRACE_DAYS, GracePeriods
from gateway.sync.lifecycle.leased_sweep import LeasedSweep

AT_ONCE: Final = 1_000
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


class LeaverSweep(LeasedSweep):
    """The sweep of one process, through the door of the source `local`."""

    def __init__(
        self,
        database: Database,
        door: Inbound,
        grace: GracePeriods,
        holder: str,
        now: Callable[[], datetime],
        clock: IReactorTime,
    ) -> None:
        super().__init__(database, LEASE, holder, now, clock)
        self._door = door
        self._grace = grace

    def sweep(self, connection: Connection) -> int:
        return sweep(connection, self._door, self._grace)

    def report(self, swept: int) -> None:
        _log.info("the grace period is over: leavers are deleted", records=swept)
