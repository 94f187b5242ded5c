"""Soft lock on client secrets: a client that is wrong too often waits, before the store is asked (law 13).

By client id and address together, so that a guesser elsewhere locks no client out; and by address, so that a new id each time
does not help. A right secret forgets the first, not the second."""

from collections.abc import Callable

from gateway.directory.authentication.soft_lock import SoftLock

MAX_FAILURES = 10
"""Failures of one client id from one address within WINDOW_SECONDS: a wrong setting retried a few times stays below."""

MAX_FAILURES_PER_ADDRESS = 100
"""The same for one address, whatever the client ids."""

WINDOW_SECONDS = 300
"""Failures are forgotten, and a lock ends, so long after the first of them."""


class Lockout:
    """Counter of failures. `now` gives seconds that only go forward (`reactor.seconds`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._clients = SoftLock(now, MAX_FAILURES, WINDOW_SECONDS)
        self._addresses = SoftLock(now, MAX_FAILURES_PER_ADDRESS, WINDOW_SECONDS)

    def is_locked(self, client_id: str, address: str) -> bool:
        """Return True when this client must wait; WINDOW_SECONDS at most."""
        return self._clients.is_locked(f"{address} {client_id[:128]}") or self._addresses.is_locked(address)

    def failed(self, client_id: str, address: str) -> None:
        """Count a wrong secret."""
        self._clients.failed(f"{address} {client_id[:128]}")
        self._addresses.failed(address)

    def succeeded(self, client_id: str, address: str) -> None:
        """Forget the client's wrong secrets: it gave the right one."""
        self._clients.succeeded(f"{address} {client_id[:128]}")
