"""Listening for LDAP clients: one object for each connection, counted and limited by address; one sweep for all time limits."""

from collections import Counter
from typing import Any

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import LoopingCall

from gateway.frontends.ldap.connection import LDAPConnection
from gateway.frontends.ldap.limits import SWEEP_SECONDS
from gateway.frontends.ldap.services import Services
from gateway.wire.limits import Limits
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")

STOPPING = "the gateway is stopping; connect again shortly"


class LDAPServer:
    """All listeners of one process share this: limits hold over all of them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.wire_limits = Limits(max_message_bytes=services.limits.max_message_bytes)
        self.connections: set[LDAPConnection] = set()
        self._by_address: Counter[str] = Counter()
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = services.reactor
        self._stopped: Deferred[None] | None = None

    def factory(self, *, encrypted: bool = False) -> "LDAPFactory":
        """For a listener; `encrypted`: the transport is TLS already (LDAPS)."""
        return LDAPFactory(self, encrypted)

    def start(self) -> None:
        """Begins to look at time limits."""
        self._sweeping.start(SWEEP_SECONDS, now=False)

    def stop(self) -> "Deferred[None]":
        """Tells every client (notice of disconnection, RFC 4511 §4.4.1) and ends; fires when the last has gone."""
        if self._sweeping.running:
            self._sweeping.stop()
        stopped = self._stopped = Deferred()
        for connection in list(self.connections):
            connection.disconnect(ResultCode.UNAVAILABLE, STOPPING)
        self._check_stopped()
        return stopped

    def drop_all(self) -> None:
        """Ends what did not go by itself."""
        for connection in list(self.connections):
            connection.drop("the gateway is stopping")

    def admit(self, host: str) -> str | None:
        """None when one more connection from this address may be had, else why not."""
        limits = self.services.limits
        if len(self.connections) >= limits.connections:
            return "connections"
        return "connections_per_address" if self._by_address[host] >= limits.connections_per_address else None

    def opened(self, connection: LDAPConnection, host: str) -> None:
        """Counts a connection."""
        self.connections.add(connection)
        self._by_address[host] += 1
        self.services.statistics.connections = len(self.connections)
        self.services.statistics.connections_total += 1

    def closed(self, connection: LDAPConnection, host: str) -> None:
        """Forgets a connection."""
        self.connections.discard(connection)
        self._by_address[host] -= 1
        if self._by_address[host] <= 0:
            del self._by_address[host]
        self.services.statistics.connections = len(self.connections)
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self._stopped is not None and not self.connections and not self._stopped.called:
            self._stopped.callback(None)

    def _sweep(self) -> None:
        now = self.services.reactor.seconds()
        for connection in list(self.connections):
            connection.sweep(now)


class LDAPFactory(ServerFactory):
    """One listener."""

    noisy = False

    def __init__(self, server: LDAPServer, encrypted: bool) -> None:
        self._server = server
        self._encrypted = encrypted

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        host, peer = str(getattr(addr, "host", "local")), _peer(addr)
        reason = self._server.admit(host)
        if reason is not None:
            self._server.services.statistics.refused_connections[reason] += 1
            _log.warning("connection refused", peer=peer, limit=reason, cure=f"raise [limits] {reason}, or look at that client")
            return None
        connection = LDAPConnection(
            self._server.services,
            self._server.wire_limits,
            peer,
            encrypted=self._encrypted,
            closed=lambda one: self._server.closed(one, host),
        )
        self._server.opened(connection, host)
        return connection


def _peer(address: Any) -> str:
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    return f"{host}:{port}" if host is not None else str(address)
