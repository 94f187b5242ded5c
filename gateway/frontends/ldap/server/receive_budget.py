"""Receive budget: the octets of half-received messages that clients without a bind may have in memory, in all and by address.

When there are more, the message that was begun first is dropped, with its connection (law 13)."""

from collections import Counter
from typing import Protocol

from gateway.frontends.ldap.core.limits import UNBOUND_BYTES, UNBOUND_BYTES_PER_ADDRESS


class Receiver(Protocol):
    """A connection, as the budget needs it."""

    def drop(self, reason: str, cure: str | None = None) -> None:
        """End at once."""


class ReceiveBudget:
    """The budget of one process. Connections that hold nothing are not in it."""

    def __init__(self) -> None:
        self._held: dict[Receiver, tuple[str, int]] = {}
        """Host and octets of each connection, the one that began first in first place."""
        self.by_host: Counter[str] = Counter()
        self.total = 0

    def hold(self, receiver: Receiver, host: str, octets: int) -> None:
        """Set the octets that a connection holds; drop the oldest ones, perhaps this one, while there are too many."""
        before = self._held.get(receiver, (host, 0))[1]
        self._held[receiver] = host, octets
        self._add(host, octets - before)
        while self.by_host[host] > UNBOUND_BYTES_PER_ADDRESS:
            self._drop(next(one for one, (its_host, _) in self._held.items() if its_host == host))
        while self.total > UNBOUND_BYTES:
            self._drop(next(iter(self._held)))

    def release(self, receiver: Receiver) -> None:
        """Forget a connection: its message is complete, it is bound, or it has gone. Harmless when it holds nothing."""
        held = self._held.pop(receiver, None)
        if held is not None:
            self._add(held[0], -held[1])

    def _add(self, host: str, octets: int) -> None:
        self.total += octets
        self.by_host[host] += octets
        if not self.by_host[host]:
            del self.by_host[host]

    def _drop(self, receiver: Receiver) -> None:
        self.release(receiver)
        receiver.drop("it and others like it hold too many octets of unfinished requests without a bind")
