"""The soft lock: a name with too many failures must wait before a source is asked (law 13). Only failures count.

Kept in memory, bounded: that of the primary, where workers ask it (app/workers/primary_proxies.py). What is laid over it:
shown.py for one node, shared.py for several."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

MAX_KEYS = 50_000
"""Names remembered at the same time; the longest unused go first. Some 10 MB of them, 40 MB at most."""

MAX_LOCKED = 50_000
"""Names that are locked at the same time, kept apart: names that are not locked never take their place. The first that was
locked goes first."""

MAX_KEY_CHARACTERS = 200
"""The longest key that is remembered as it is: a stranger's name may be as long as a message, and is remembered by its
digest."""


def bounded(key: str) -> str:
    """Return the key as it is remembered: itself, or its SHA-256 when it is long."""
    return key if len(key) <= MAX_KEY_CHARACTERS else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class _Failures:
    began: float
    count: int = 0


@dataclass(slots=True)
class _InFlight:
    count: int = 0
    waiting: list[Deferred[None]] = field(default_factory=list)


class SoftLock:
    """The failures by key. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float], max_failures: int, window_seconds: float) -> None:
        self._now = now
        self._max_failures = max_failures
        self._window_seconds = window_seconds
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._locked: OrderedDict[str, _Failures] = OrderedDict()
        self._in_flight: dict[str, _InFlight] = {}

    async def enter(self, key: str) -> bool:
        """Return whether a bind may ask the source; if so, `leave` must follow. Waits while as many binds of the key are in
        flight as it has failures left: guesses that are sent at the same time do not outrun the lock."""
        while not self.is_locked(key):
            in_flight = self._in_flight.setdefault(key, _InFlight())
            if in_flight.count < self._failures_left(key):
                in_flight.count += 1
                return True
            turn: Deferred[None] = Deferred()
            in_flight.waiting.append(turn)
            await turn
        return False

    def leave(self, key: str) -> None:
        """Leave after the bind has been answered, and `failed` or `succeeded` was called."""
        in_flight = self._in_flight[key]
        in_flight.count -= 1
        waiting, in_flight.waiting = in_flight.waiting, []
        if not in_flight.count:
            del self._in_flight[key]
        for turn in waiting:
            if not turn.called:
                turn.callback(None)

    def is_locked(self, key: str) -> bool:
        """Return whether the key must wait: a lock ends one window after its first failure."""
        return self._failures_left(key) <= 0

    def failed(self, key: str) -> bool:
        """Count a failure; return whether it locked the key."""
        entry = self._current(key)
        if entry is None:
            entry = self._failures[key] = _Failures(self._now())
        entry.count += 1
        if entry.count >= self._max_failures:
            self._failures.pop(key, None)
            self._locked[key] = entry
            if len(self._locked) > MAX_LOCKED:
                self._locked.popitem(last=False)
            return entry.count == self._max_failures
        self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)
        return False

    def succeeded(self, key: str) -> None:
        """Reset the key's failures."""
        self._failures.pop(key, None)
        self._locked.pop(key, None)

    def _failures_left(self, key: str) -> int:
        entry = self._current(key)
        return self._max_failures - (entry.count if entry is not None else 0)

    def _current(self, key: str) -> _Failures | None:
        entry = self._locked.get(key) or self._failures.get(key)
        if entry is not None and self._now() - entry.began >= self._window_seconds:
            self.succeeded(key)
            return None
        return entry
