"""Admission of connections: they are counted in all and by address, and refused beyond the limits (law 13).

One for all listeners; where workers serve, the process that accepts has the one that counts for all of them."""

from collections import Counter
from typing import Protocol

import structlog
from twisted.internet.interfaces import IAddress, IReactorTime

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.ldap.core.counters import ServerCounters
from gateway.frontends.ldap.core.limits import ServerLimits

_log = structlog.get_logger("gateway.ldap")


class Admission(Protocol):
    """`host`: the client's address without its port. After `opened`, `closed` must follow."""

    def refuses(self, host: str, peer: str) -> bool: ...
    def opened(self, host: str) -> None: ...
    def closed(self, host: str) -> None: ...


class CountedAdmission:
    """Admission by counts of its own. `clock`: by which log lines are summed up; None: each is written."""

    def __init__(self, limits: ServerLimits, counters: ServerCounters, clock: IReactorTime | None = None) -> None:
        self._line_sums = LineSums(clock, "connections refused", _log)
        self._limits = limits
        self._counters = counters
        self.by_address: Counter[str] = Counter()

    def refuses(self, host: str, peer: str) -> bool:
        """Return whether no more connections may be had, in all or from this address; if so, count and log it."""
        reason = self._reason(host)
        if reason is None:
            return False
        self._counters.refused_connections[reason] += 1
        if self._line_sums.is_written(host):
            _log.warning("connection refused", peer=peer, limit=reason, cure=f"raise [limits] {reason}, or look at that client")
        return True

    def _reason(self, host: str) -> str | None:
        if self._counters.connections >= self._limits.connections:
            return "connections"
        return "connections_per_address" if self.by_address[host] >= self._limits.connections_per_address else None

    def opened(self, host: str) -> None:
        """Count a connection."""
        self.by_address[host] += 1
        self._counters.connections += 1
        self._counters.connections_total += 1

    def closed(self, host: str) -> None:
        """Forget a connection."""
        self.by_address[host] -= 1
        self._counters.connections -= 1
        if self.by_address[host] <= 0:
            del self.by_address[host]


def host_of(address: IAddress | None) -> str:
    """Return the address by which a client's connections are counted."""
    return str(getattr(address, "host", "local"))


def peer_of(address: IAddress | None) -> str:
    """Return the address and port by which log lines name a client."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    return f"{host}:{port}" if host is not None else str(address)
