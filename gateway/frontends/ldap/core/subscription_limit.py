"""Who follows changes: searches that go on for ever are counted, for each connection and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.frontends.ldap.core.limits import FOLLOWING_PER_CONNECTION, FOLLOWING_SEARCHES


class NoSeat(Exception):
    """There are too many such searches already."""


class Seats:
    """Of one process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self.total = 0

    @contextmanager
    def taken(self, connection: str) -> Iterator[None]:
        """One seat, for as long as the search goes on. Raises NoSeat. `connection`: its client's address and port."""
        if self._taken[connection] >= FOLLOWING_PER_CONNECTION:
            raise NoSeat(f"a connection may follow changes with {FOLLOWING_PER_CONNECTION} searches at the most")
        if self.total >= FOLLOWING_SEARCHES:
            raise NoSeat(f"{FOLLOWING_SEARCHES} searches follow changes already; try again later")
        self._taken[connection] += 1
        self.total += 1
        try:
            yield
        finally:
            self.total -= 1
            self._taken[connection] -= 1
            if not self._taken[connection]:
                del self._taken[connection]
