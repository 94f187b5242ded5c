"""Subscription limit: searches that follow changes without an end are counted, for each connection, for each party and in
all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.frontends.ldap.core.limits import SUBSCRIPTIONS, SUBSCRIPTIONS_PER_CONNECTION


class TooManySubscriptions(Exception):
    """There are as many such searches as there may be."""


class SubscriptionLimit:
    """The subscriptions of one process."""

    def __init__(self) -> None:
        self._of_connection: Counter[str] = Counter()
        self._of_party: Counter[str] = Counter()
        self.total = 0

    @contextmanager
    def counted(self, connection: str, party: str) -> Iterator[None]:
        """Count one subscription for as long as the context lasts. Raises TooManySubscriptions. `connection`: its client's
        address and port; `party`: the name of its share."""
        if self._of_connection[connection] >= SUBSCRIPTIONS_PER_CONNECTION:
            raise TooManySubscriptions(
                f"a connection may follow changes with {SUBSCRIPTIONS_PER_CONNECTION} searches at the most"
            )
        if self.total >= SUBSCRIPTIONS:
            raise TooManySubscriptions(f"{SUBSCRIPTIONS} searches follow changes already; try again later")
        if self._of_party[party] >= SUBSCRIPTIONS - self.total:
            raise TooManySubscriptions(
                f"{self._of_party[party]} searches of this application follow changes already, and the rest is for others"
            )
        self._of_connection[connection] += 1
        self._of_party[party] += 1
        self.total += 1
        try:
            yield
        finally:
            self.total -= 1
            self._of_connection[connection] -= 1
            if not self._of_connection[connection]:
                del self._of_connection[connection]
            self._of_party[party] -= 1
            if not self._of_party[party]:
                del self._of_party[party]
