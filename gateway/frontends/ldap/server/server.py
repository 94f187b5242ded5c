"""Listening for LDAP clients: one object for each connection, counted and limited by address; one sweep for all time limits."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import LoopingCall

from gateway.frontends.ldap.core.limits import SWEEP_SECONDS
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.server.connection import LDAPConnection
from gateway.frontends.ldap.server.connection_limits import Admission, CountedAdmission, host_of, peer_of
from gateway.frontends.ldap.server.revocation_sweep import Revoking
from gateway.wire.limits import Limits
from gateway.wire.result_codes import ResultCode

STOPPING = "the gateway is stopping; connect again shortly"


class LDAPServer:
    """All listeners of one process share this: limits hold over all of them. `admission`: who counts, if not this process."""

    def __init__(self, services: Services, admission: Admission | None = None) -> None:
        self.services = services
        self.wire_limits = Limits(max_message_bytes=services.limits.max_message_bytes)
        self.connections: set[LDAPConnection] = set()
        self.admission = admission or CountedAdmission(services.limits, services.statistics)
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = services.reactor
        self._revoking = Revoking(self, services.revocation) if services.revocation is not None else None
        self._stopped: Deferred[None] | None = None

    def factory(self, *, encrypted: bool = False) -> "LDAPFactory":
        """For a listener; `encrypted`: the transport is TLS already (LDAPS)."""
        return LDAPFactory(self, encrypted)

    def start(self) -> None:
        """Begins to look at time limits and at rights that end."""
        self._sweeping.start(SWEEP_SECONDS, now=False)
        if self._revoking is not None:
            self._revoking.start()

    def stop(self) -> "Deferred[None]":
        """Tells every client (notice of disconnection, RFC 4511 §4.4.1) and ends; fires when the last has gone."""
        if self._sweeping.running:
            self._sweeping.stop()
        if self._revoking is not None:
            self._revoking.stop()
        stopped = self._stopped = Deferred()
        for connection in list(self.connections):
            connection.disconnect(ResultCode.UNAVAILABLE, STOPPING)
        self._check_stopped()
        return stopped

    def drop_all(self) -> None:
        """Ends what did not go by itself."""
        for connection in list(self.connections):
            connection.drop("the gateway is stopping")

    def opened(self, connection: LDAPConnection, host: str) -> None:
        """Knows a connection."""
        self.connections.add(connection)
        self.admission.opened(host)

    def closed(self, connection: LDAPConnection, host: str) -> None:
        """Forgets a connection."""
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
            self._server.wire_limits,
            peer,
            encrypted=self._encrypted,
            closed=lambda one: self._server.closed(one, host),
        )
        self._server.opened(connection, host)
        return connection
