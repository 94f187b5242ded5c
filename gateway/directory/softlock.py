"""The soft lock: who fails too often waits, before anybody upstream is asked (law 13). Only failures count.

Kept in memory, per process, bounded."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEYS = 50_000
"""Names remembered at the same time; the longest unused go first. Some 10 MB at most."""


@dataclass(slots=True)
class _Failures:
    began: float
    count: int = 0


class SoftLock:
    """Counts failures by key. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float], max_failures: int, window_seconds: float) -> None:
        self._now = now
        self._max_failures = max_failures
        self._window_seconds = window_seconds
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def is_locked(self, key: str) -> bool:
        """Whether the key must wait: a lock ends one window after its first failure."""
        entry = self._current(key)
        return entry is not None and entry.count >= self._max_failures

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

    def _current(self, key: str) -> _Failures | None:
        entry = self._failures.get(key)
        if entry is not None and self._now() - entry.began >= self._window_seconds:
            del self._failures[key]
            return None
        return entry
