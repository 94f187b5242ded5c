"""The soft lock of one node alone, in memory, whose locks of users are shown in the store: `gateway user show` reads them
there, and `gateway user unlock` ends them by removing them. Nothing waits for the store but the answer to a locked name."""

from collections.abc import Callable
from functools import partial

import structlog
from twisted.internet.defer import ensureDeferred

from gateway.directory.authentication.bind_names import is_user_key
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.store.engine.database import Connection, Database
from gateway.store.operations import soft_locks

_log = structlog.get_logger("gateway.bind")


class ShownSoftLock(SoftLock):
    """The soft lock of the one process that counts. Only locks of users are shown: as many rows as there are users."""

    def __init__(self, database: Database, now: Callable[[], float], max_failures: int, window_seconds: float) -> None:
        super().__init__(now, max_failures, window_seconds)
        self._database = database
        self._shown: set[str] = set()
        self._is_fresh = True

    async def enter(self, key: str) -> bool:
        """See SoftLock.enter. A lock that is in the store no more is lifted."""
        if self._is_fresh:  # what an earlier process has shown is not in this one's memory
            self._is_fresh = False
            self._store(soft_locks.forget_all)
        if key in self._shown and self.is_locked(key) and not await self._is_kept(key):
            self._shown.discard(key)
            super().succeeded(key)
        return await super().enter(key)

    def failed(self, key: str) -> bool:
        """See SoftLock.failed."""
        is_locked_now = super().failed(key)
        if is_locked_now and is_user_key(key):
            ensureDeferred(self._show(key))
        return is_locked_now

    def succeeded(self, key: str) -> None:
        """See SoftLock.succeeded."""
        super().succeeded(key)
        if key in self._shown:
            self._shown.discard(key)
            self._store(partial(soft_locks.forget, keys=(key,)))

    async def _is_kept(self, key: str) -> bool:
        return await self._database.read_inline(partial(soft_locks.is_kept, key=key))

    async def _show(self, key: str) -> None:
        entry = self._locked[key]
        left = self._window_seconds - (self._now() - entry.began)
        try:
            await self._database.write(partial(soft_locks.keep, key=key, failures=entry.count, seconds=left))
        except Exception as error:  # it counts nevertheless
            _log.warning("a soft lock cannot be shown", dn=key, error=str(error))
        else:
            self._shown.add(key)

    def _store(self, work: Callable[[Connection], object]) -> None:
        self._database.write(work).addErrback(
            lambda failure: _log.warning("a soft lock that has ended is still shown", error=str(failure.value))
        )
