"""The soft lock of several nodes: failures are counted in the store that they share, so that all of them together ask a source
as often as one may, and at the most once more for each further node.

A name without failures costs no write: its bind goes on, and only a failure is counted. At each node such binds go one by one,
so that at the most one for each node is under way uncounted while the others count; with failures each bind is counted before
it asks, and taken back when it was right or had no answer. The names of applications are counted in each node's memory: their
secrets are asked of no source."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog
from twisted.internet.defer import Deferred, ensureDeferred

from gateway.directory.authentication.bind_names import is_application_key
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.model.errors import StoreUnavailable
from gateway.store.engine.batched_reads import BatchedReads
from gateway.store.engine.database import Connection, Database
from gateway.store.operations import soft_locks

SWEEP_SECONDS = 60.0
"""The time from one removal of rows that have ended to the next."""

_log = structlog.get_logger("gateway.bind")


@dataclass(slots=True)
class _Turn:
    """A bind under way. `counted`: failures of the name with this bind's own, counted before; 0: none is counted yet.
    `is_right`: the outcome, None without one."""

    counted: int = 0
    is_right: bool | None = None
    waiting: list[Deferred[None]] = field(default_factory=list)


class SharedSoftLock(SoftLock):
    """The soft lock of one node of several. `now` gives seconds that only go forward."""

    def __init__(self, database: Database, now: Callable[[], float], max_failures: int, window_seconds: float) -> None:
        super().__init__(now, max_failures, window_seconds)
        self._database = database
        self._turns: dict[str, _Turn] = {}
        self._stored_failures = BatchedReads(database, _failures)
        self._swept_at = now()

    async def enter(self, key: str) -> bool:
        """See SoftLock.enter. Raises StoreUnavailable."""
        if is_application_key(key):
            return await super().enter(key)
        while key in self._turns:
            turn: Deferred[None] = Deferred()
            self._turns[key].waiting.append(turn)
            await turn
        self._turns[key] = _Turn()
        try:
            counted = await self._counted(key)
        except BaseException:
            self._next(key)
            raise
        if counted is None:
            self._next(key)
            return False
        self._turns[key].counted = counted
        return True

    def failed(self, key: str) -> bool:
        """See SoftLock.failed; what was not counted before is with `leave`."""
        if is_application_key(key):
            return super().failed(key)
        turn = self._turns[key]
        turn.is_right = False
        return (turn.counted or 1) >= self._max_failures

    def succeeded(self, key: str) -> None:
        """See SoftLock.succeeded."""
        if is_application_key(key):
            super().succeeded(key)
        else:
            self._turns[key].is_right = True

    def leave(self, key: str) -> None:
        """See SoftLock.leave. The next bind of the name begins when the outcome is stored."""
        if is_application_key(key):
            super().leave(key)
            return
        turn = self._turns[key]
        if turn.is_right is False and not turn.counted:
            self._store(key, partial(soft_locks.count, key=key, window_seconds=self._window_seconds))
        elif turn.is_right and turn.counted:
            self._store(key, partial(soft_locks.forget, keys=(key,)))
        elif turn.is_right is None and turn.counted:
            self._store(key, partial(soft_locks.give_back, key=key))
        else:
            self._next(key)

    async def _counted(self, key: str) -> int | None:
        """Return the failures of the key with the bind that is to begin; 0: it has none; None: it is locked."""
        failures = await self._stored_failures.get(key)
        if failures >= self._max_failures:
            return None
        if not failures:
            return 0
        window, most = self._window_seconds, self._max_failures
        return await self._database.write(partial(soft_locks.count, key=key, window_seconds=window, most=most))

    def _store(self, key: str, work: Callable[[Connection], object]) -> None:
        ensureDeferred(self._stored(key, work)).addErrback(
            lambda failure: _log.error("soft lock", error=repr(failure.value), exc_info=failure.value)
        )

    async def _stored(self, key: str, work: Callable[[Connection], object]) -> None:
        try:
            await self._database.write(work)
        except StoreUnavailable as error:
            _log.warning("a failure or a success is not counted for the soft lock", dn=key, error=str(error))
        finally:
            self._next(key)
        if self._now() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = self._now()
            await self._database.write(soft_locks.sweep)

    def _next(self, key: str) -> None:
        """Let the binds look again that wait for this one."""
        for waiting in self._turns.pop(key).waiting:
            if not waiting.called:
                waiting.callback(None)


def _failures(connection: Connection, keys: set[str]) -> dict[str, int]:
    found = soft_locks.among(connection, keys)
    return {key: found[key].failures if key in found else 0 for key in keys}
