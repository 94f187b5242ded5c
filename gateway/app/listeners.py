"""Listening ports: opened all or none, each failure naming table, address and cure."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IOpenSSLContextFactory, IProtocolFactory
from twisted.internet.protocol import Factory, ServerFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from gateway.app.process.certificates import Certificate
from gateway.app.value_types import Endpoint
from gateway.app.workers.accepting_port import AcceptingFactory
from gateway.frontends.ldap.cldap.ping import MAX_PING_BYTES
from gateway.frontends.ldap.cldap.responder import PingResponder
from gateway.frontends.ldap.server.proxy_protocol import Announced, HeaderReading
from gateway.model.errors import ConfigurationError
from gateway.model.trusted_networks import NOBODY, TrustedNetworks
from gateway.twisted_internals.bare_socket_port import BareSocketPort
from gateway.twisted_internals.bounded_port import BoundedPort
from gateway.twisted_internals.reactor import IReactor

BACKLOG = 1024  # connections that the kernel keeps for us while we are busy; Linux cuts it to net.core.somaxconn

CURES = {
    errno.EADDRINUSE: "another program listens there (perhaps another gateway): stop it, or choose another port",
    errno.EACCES: "ports below 1024 need a privilege: choose a higher one, or see AmbientCapabilities in conf/gateway.service",
    errno.EADDRNOTAVAIL: "this machine has no such address: use one that it has, or 0.0.0.0",
}


@dataclass(frozen=True, slots=True)
class Listener:
    """A factory and the endpoints that it answers at. `key` is the table and key that configure it; `certificate` makes it TLS
    from the first byte; connections from `trusted_proxies` begin with a header of the PROXY protocol. A factory of workers
    (AcceptingFactory) opens its ports itself. A PingResponder answers datagrams."""

    key: str
    endpoints: Sequence[Endpoint]
    factory: IProtocolFactory | PingResponder
    certificate: Certificate | None = None
    trusted_proxies: TrustedNetworks = NOBODY


class Ports:
    """The open ports of the process."""

    def __init__(self, reactor: IReactor) -> None:
        self._reactor = reactor
        self._open: list[tuple[str, IListeningPort]] = []

    def open(self, listeners: Sequence[Listener]) -> None:
        """Listen at every endpoint. Raises ConfigurationError at the first that is not to be had; those before stay open."""
        for listener in listeners:
            for endpoint in listener.endpoints:
                self._open.append((listener.key, self._listen(listener, endpoint)))

    def addresses(self) -> dict[str, list[str]]:
        """Return the addresses where we listen, by key, with the real numbers of ports that were configured as 0."""
        found: dict[str, list[str]] = {}
        for key, port in self._open:
            host = cast(IPv4Address | IPv6Address, port.getHost())
            found.setdefault(key, []).append(str(Endpoint(host.host, host.port)))
        return found

    async def close(self) -> None:
        """Accept no more connections; those that are open stay."""
        ports, self._open = self._open, []
        await DeferredList([maybeDeferred(port.stopListening) for _, port in ports], consumeErrors=True)

    def _listen(self, listener: Listener, endpoint: Endpoint) -> IListeningPort:
        try:
            if isinstance(listener.factory, PingResponder):
                return self._reactor.listenUDP(
                    endpoint.port, listener.factory.protocol(), _numeric(endpoint.host), MAX_PING_BYTES + 1
                )
            if isinstance(listener.factory, AcceptingFactory):
                return listener.factory.listen(self._reactor, endpoint.port, _numeric(endpoint.host), BACKLOG)
            factory = cast(ServerFactory, listener.factory)  # any factory serves; only Twisted's types want this one
            if listener.trusted_proxies:
                return self._listen_to_proxies(listener, factory, endpoint)
            port = BoundedPort(endpoint.port, _encrypted(listener, factory), BACKLOG, _numeric(endpoint.host), self._reactor)
            port.startListening()
        except CannotListenError as error:
            number = getattr(error.socketError, "errno", None)
            cure = CURES.get(number or 0, str(error.socketError))
            raise ConfigurationError(f"[{listener.key}] cannot listen on {endpoint}: {cure}") from None
        except OSError as error:
            raise ConfigurationError(f"[{listener.key}] cannot listen on {endpoint}: {error.strerror or error}") from None
        return port

    def _listen_to_proxies(self, listener: Listener, factory: ServerFactory, endpoint: Endpoint) -> IListeningPort:
        factory = _encrypted(listener, factory)

        def deliver(connection: socket.socket, client: IAddress) -> None:
            with connection, suppress(OSError):  # the client has gone meanwhile
                connection.setblocking(False)
                self._reactor.adoptStreamConnection(connection.fileno(), connection.family, Announced(factory, client))

        reading = HeaderReading(listener.trusted_proxies, deliver, self._reactor)
        port = BareSocketPort(endpoint.port, cast(Factory, reading.factory()), BACKLOG, _numeric(endpoint.host), self._reactor)
        port.startListening()
        return port


def _encrypted(listener: Listener, factory: ServerFactory) -> ServerFactory:
    """Return the factory of what a listener speaks: TLS around it where there is a certificate."""
    if listener.certificate is None:
        return factory
    context = cast(IOpenSSLContextFactory, listener.certificate)  # in form, not by declaration
    return cast(ServerFactory, TLSMemoryBIOFactory(context, False, factory))


def _numeric(host: str) -> str:
    """Return the first address of a name of this machine: Twisted listens on addresses only."""
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
