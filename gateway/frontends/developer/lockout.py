"""The soft lock on client secrets: who guesses wrong too often waits, before the store is asked (law 13).

Kept in memory, per node, bounded; only failures count, and a right secret forgets them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_FAILURES = 10
"""Failures of one client id from one address within WINDOW_SECONDS: a wrong setting retried a few times stays below."""

MAX_FAILURES_PER_ADDRESS = 100
"""The same for one address, whatever the client ids: stops a guesser that takes a new id each time."""

WINDOW_SECONDS = 300
"""Failures are forgotten, and a lock ends, so long after the first of them."""

MAX_ENTRIES = 10_000
"""Entries kept; the oldest go first. Some 2 MB at most."""


@dataclass(slots=True)
class _Failures:
    began: float
    count: int = 0


class Lockout:
    """Counts failures. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def seconds_left(self, client_id: str, address: str) -> int:
        """How long this client must wait before it may try again; 0 when it need not."""
        return max(
            self._left((client_id, address), MAX_FAILURES),
            self._left(("", address), MAX_FAILURES_PER_ADDRESS),
        )

    def failed(self, client_id: str, address: str) -> None:
        """A wrong secret."""
        self._count((client_id, address))
        self._count(("", address))

    def succeeded(self, client_id: str, address: str) -> None:
        """A right secret: this client's failures are forgotten, the address's others are not."""
        self._failures.pop((client_id, address), None)

    def _left(self, key: tuple[str, str], limit: int) -> int:
        entry = self._current(key)
        if entry is None or entry.count < limit:
            return 0
        return max(1, round(entry.began + WINDOW_SECONDS - self._now()))

    def _current(self, key: tuple[str, str]) -> _Failures | None:
        entry = self._failures.get(key)
        if entry is not None and self._now() - entry.began >= WINDOW_SECONDS:
            del self._failures[key]
            return None
        return entry

    def _count(self, key: tuple[str, str]) -> None:
        entry = self._current(key)
        if entry is None:
            entry = self._failures[key] = _Failures(self._now())
        entry.count += 1
        while len(self._failures) > MAX_ENTRIES:
            self._failures.popitem(last=False)
