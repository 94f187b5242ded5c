"""Retention of the change log: what is older than the days that are kept is deleted from its beginning, at most a thousand
changes in a transaction, by one node of all; and old sync requests with it.

A reader that is further behind is told so, and begins with a snapshot: a view is built anew, a nextToken gets 410. Named
readers (store/log/positions.py) are waited for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from twisted.internet.interfaces import IReactorTime

from gateway.store.engine.database import Connection, Database
from gateway.store.log import retention
from gateway.store.operations import sync_requests
from gateway.sync.lifecycle.leased_sweep import LeasedSweep

AT_ONCE: Final = 1_000
LEASE: Final = "change log"

_log = structlog.get_logger("gateway.retention")


class LogRetention(LeasedSweep):
    """The sweep of one process. `kept`: the age from which on changes are deleted."""

    def __init__(
        self, database: Database, kept: timedelta, holder: str, now: Callable[[], datetime], clock: IReactorTime
    ) -> None:
        super().__init__(database, LEASE, holder, now, clock)
        self._kept = kept
        self._now = now

    def sweep(self, connection: Connection) -> int:
        before = self._now() - self._kept
        return retention.prune(connection, before, AT_ONCE) + sync_requests.prune(connection, before, AT_ONCE)

    def report(self, swept: int) -> None:
        _log.info("the change log is as long as it is kept", deleted=swept, kept_days=self._kept.days)
