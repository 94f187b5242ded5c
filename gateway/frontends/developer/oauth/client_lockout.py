"""Soft lock on client secrets: a client that is wrong too often waits, before the store is asked (law 13).

By client id and address together, so that a guesser elsewhere locks no client out. An address with many failures is slowed
down, so that a new id each time does not help; it is never locked, because it may be a proxy for many applications: a client
that was right from there lately does not wait."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from gateway.directory.authentication.soft_lock.lock import SoftLock

T = TypeVar("T")

MAX_FAILURES = 10
"""Failures of one client id from one address within WINDOW_SECONDS: a wrong setting retried a few times stays below."""

MAX_FAILURES_PER_ADDRESS = 100
"""The same for one address, whatever the client ids, before it is slowed down."""

WINDOW_SECONDS = 300
"""Failures are forgotten, and a lock ends, so long after the first of them."""

BRAKE_SECONDS = 1
"""From a slowed address one client id is looked at in so much time."""

MAX_REMEMBERED = 10_000
"""Clients that were right lately, and addresses that are slowed down; the longest unused go first."""


class Lockout:
    """Counter of failures. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._clients = SoftLock(now, MAX_FAILURES, WINDOW_SECONDS)
        self._addresses = SoftLock(now, MAX_FAILURES_PER_ADDRESS, WINDOW_SECONDS)
        self._right: OrderedDict[str, None] = OrderedDict()
        self._next_at: OrderedDict[str, float] = OrderedDict()

    def seconds_to_wait(self, client_id: str, address: str) -> int:
        """Return the seconds after which this client may try again; 0: it may be looked at now, and its address's turn is
        taken."""
        key = _key(client_id, address)
        if self._clients.is_locked(key):
            return WINDOW_SECONDS
        if key in self._right or not self._addresses.is_locked(address):
            return 0
        now = self._now()
        if now < self._next_at.get(address, now):
            return BRAKE_SECONDS
        _remember(self._next_at, address, now + BRAKE_SECONDS)
        return 0

    def failed(self, client_id: str, address: str) -> None:
        """Count a wrong secret."""
        self._clients.failed(_key(client_id, address))
        self._addresses.failed(address)

    def succeeded(self, client_id: str, address: str) -> None:
        """Forget the client's wrong secrets: it gave the right one."""
        key = _key(client_id, address)
        self._clients.succeeded(key)
        _remember(self._right, key, None)


def _key(client_id: str, address: str) -> str:
    return f"{address} {client_id[:128]}"


def _remember(known: OrderedDict[str, T], key: str, value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_REMEMBERED:
        known.popitem(last=False)
