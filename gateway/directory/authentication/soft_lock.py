"""The soft lock: who fails too often waits, before anybody upstream is asked (law 13). Only failures count.

Kept in memory, per process, bounded."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

MAX_KEYS = 50_000
"""Names remembered at the same time; the longest unused go first. Some 10 MB of them, 40 MB at most."""

MAX_KEY_CHARACTERS = 200
"""A stranger's name may be as long as a message: a longer key is remembered by its digest."""


def bounded(key: str) -> str:
    """The key as it is remembered: itself, or its SHA-256 when it is long."""
    return key if len(key) <= MAX_KEY_CHARACTERS else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class _Failures:
    began: float
    count: int = 0


@dataclass(slots=True)
class _Asking:
    count: int = 0
    waiting: list[Deferred[None]] = field(default_factory=list)


class SoftLock:
    """Counts failures by key. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float], max_failures: int, window_seconds: float) -> None:
        self._now = now
        self._max_failures = max_failures
        self._window_seconds = window_seconds
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._asking: dict[str, _Asking] = {}

    async def enter(self, key: str) -> bool:
        """Whether a bind may go on and ask; if so, `leave` must follow. Waits while as many binds of the key are being answered
        as it has failures left: guesses that are sent at the same time do not outrun the lock."""
        while not self.is_locked(key):
            asking = self._asking.setdefault(key, _Asking())
            if asking.count < self._failures_left(key):
                asking.count += 1
                return True
            turn: Deferred[None] = Deferred()
            asking.waiting.append(turn)
            await turn
        return False

    def leave(self, key: str) -> None:
        """The bind has been answered (and `failed` or `succeeded` said so)."""
        asking = self._asking[key]
        asking.count -= 1
        waiting, asking.waiting = asking.waiting, []
        if not asking.count:
            del self._asking[key]
        for turn in waiting:
            if not turn.called:
                turn.callback(None)

    def is_locked(self, key: str) -> bool:
        """Whether the key must wait: a lock ends one window after its first failure."""
        return self._failures_left(key) <= 0

    def failed(self, key: str) -> bool:
        """One more failure; whether it locked the key."""
        entry = self._current(key)
        if entry is None:
            entry = self._failures[key] = _Failures(self._now())
        entry.count += 1
        self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)
        return entry.count == self._max_failures

    def succeeded(self, key: str) -> None:
        """The key's failures are forgotten."""
        self._failures.pop(key, None)

    def _failures_left(self, key: str) -> int:
        entry = self._current(key)
        return self._max_failures - (entry.count if entry is not None else 0)

    def _current(self, key: str) -> _Failures | None:
        entry = self._failures.get(key)
        if entry is not None and self._now() - entry.began >= self._window_seconds:
            del self._failures[key]
            return None
        return entry
