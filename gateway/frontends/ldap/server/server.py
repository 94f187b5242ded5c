"""Listening for LDAP clients: one object for each connection, counted and limited by address; one sweep for all time limits."""

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import LoopingCall

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.ldap.core.limits import SWEEP_SECONDS
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.server.connection import LDAPConnection
from gateway.frontends.ldap.server.connection_limits import Admission, CountedAdmission, host_of, peer_of
from gateway.frontends.ldap.server.fast_path import FastPaths
from gateway.frontends.ldap.server.receive_budget import ReceiveBudget
from gateway.frontends.ldap.server.revocation_sweep import RevocationSweep
from gateway.wire.limits import Limits
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")

STOPPING = "the gateway is stopping; connect again shortly"


class LDAPServer:
    """All listeners of one process share this: limits hold over all of them. `admission`: counts connections, if not this
    process."""

    def __init__(self, services: Services, admission: Admission | None = None) -> None:
        self.services = services
        self.wire_limits = Limits(max_message_bytes=services.limits.max_message_bytes)
        unbound = min(services.limits.max_message_bytes, services.limits.max_unbound_message_bytes)
        self.unbound_limits = Limits(max_message_bytes=unbound)
        self.receive_budget = ReceiveBudget()
        self.line_sums = LineSums(services.reactor, "connections ended", _log)
        self.fast_paths = FastPaths(services)
        self.connections: set[LDAPConnection] = set()
        self.admission = admission or CountedAdmission(services.limits, services.counters, services.reactor)
        self._time_limits = LoopingCall(self._sweep)
        self._time_limits.clock = services.reactor
        self._revocation = (
            None if services.revocation is None else RevocationSweep(self.connections, services.revocation, services.reactor)
        )
        self._stopped: Deferred[None] | None = None

    def factory(self, *, encrypted: bool = False) -> "LDAPFactory":
        """Return the factory of a listener; `encrypted`: the transport is TLS already (LDAPS)."""
        return LDAPFactory(self, encrypted)

    def start(self) -> None:
        """Check time limits, and rights that end, from now on."""
        self._time_limits.start(SWEEP_SECONDS, now=False)
        if self._revocation is not None:
            self._revocation.start()

    def stop(self) -> "Deferred[None]":
        """Send every client a notice of disconnection (RFC 4511 §4.4.1), and end; fires when the last has gone."""
        if self._time_limits.running:
            self._time_limits.stop()
        if self._revocation is not None:
            self._revocation.stop()
        self.line_sums.close()
        stopped = self._stopped = Deferred()
        for connection in list(self.connections):
            connection.disconnect(ResultCode.UNAVAILABLE, STOPPING)
        self._check_stopped()
        return stopped

    def drop_all(self) -> None:
        """End the connections that did not go by themselves."""
        for connection in list(self.connections):
            connection.drop("the gateway is stopping")

    def opened(self, connection: LDAPConnection, host: str) -> None:
        """Take up a connection."""
        self.connections.add(connection)
        self.admission.opened(host)

    def closed(self, connection: LDAPConnection, host: str) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        self.admission.closed(host)
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
        host, peer = host_of(addr), peer_of(addr)
        if self._server.admission.refuses(host, peer):
            return None
        connection = LDAPConnection(
            self._server.services,
            self._server,
            peer,
            encrypted=self._encrypted,
            closed=lambda one: self._server.closed(one, host),
        )
        self._server.opened(connection, host)
        return connection
