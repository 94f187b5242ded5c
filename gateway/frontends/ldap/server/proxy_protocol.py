"""The PROXY protocol on accepted sockets: from the addresses of trusted proxies, and from no other, a connection must begin
with a header that tells the client's address. It comes before everything else, TLS included.

A connection of a trusted proxy without the header is ended: whether there is one must not be guessed, or a client behind a
proxy that does not send it could send one of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final, cast

import structlog
from twisted.internet.interfaces import IAddress, IReadDescriptor, ITransport
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.ldap.server.connection_limits import host_of, peer_of
from gateway.model.trusted_networks import TrustedNetworks
from gateway.twisted_internals.proxy_header import MalformedHeader, client_address, missing_bytes
from gateway.twisted_internals.reactor import IReactor

HEADER_SECONDS: Final = 5.0
"""A proxy sends its header with the connection's first octets."""

MAX_AWAITED: Final = 1_000
"""Connections whose header has not come, each with 4 KiB at most; a proxy that works has none."""

CURE: Final = "let the proxy at that address send the PROXY protocol, or take it out of [ldap] trusted_proxies"

_log = structlog.get_logger("gateway.ldap")

Deliver = Callable[[socket.socket, IAddress], None]
"""Takes a connection over, with its client's address. Called in the reactor."""


class HeaderReading:
    """The state that all connections of one listener share."""

    def __init__(self, trusted: TrustedNetworks, deliver: Deliver, reactor: IReactor) -> None:
        self.deliver = deliver
        self.reactor = reactor
        self.awaited = 0
        self.line_sums = LineSums(reactor, "connections without a PROXY header", _log)
        self._trusted = trusted

    def factory(self) -> ServerFactory:
        """Return the factory for a BareSocketPort."""
        return _Factory(self)

    def take(self, connection: socket.socket, address: IAddress) -> None:
        """Take an accepted connection."""
        if not self._trusted.include(host_of(address)):
            self.deliver(connection, address)
        elif self.awaited >= MAX_AWAITED:
            connection.close()
            self.report("connection refused", address, "too many without their PROXY header")
        else:
            connection.setblocking(False)
            _Header(self, connection, address).begin()

    def report(self, event: str, proxy: IAddress, reason: str) -> None:
        """Log, or count, what a trusted proxy did wrong."""
        if self.line_sums.is_written(host_of(proxy)):
            _log.warning(event, peer=peer_of(proxy), reason=reason, cure=CURE)


class _Factory(ServerFactory):
    noisy = False

    def __init__(self, reading: HeaderReading) -> None:
        self._reading = reading

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        return None if addr is None else _Accepted(self._reading, addr)


class _Accepted(Protocol):
    """The protocol of an accepted socket. Its "transport" is the socket: see BareSocketPort."""

    def __init__(self, reading: HeaderReading, address: IAddress) -> None:
        self._reading, self._address = reading, address

    def makeConnection(self, transport: ITransport) -> None:
        self._reading.take(cast(socket.socket, transport), self._address)


@implementer(IReadDescriptor)
class _Header:
    """A header that is being read, and not an octet more."""

    def __init__(self, reading: HeaderReading, connection: socket.socket, proxy: IAddress) -> None:
        self._reading, self._connection, self._proxy = reading, connection, proxy
        self._data = b""

    def begin(self) -> None:
        """Read, now or when it comes."""
        self._reading.awaited += 1
        self._reading.reactor.addReader(self)
        self._timer = self._reading.reactor.callLater(HEADER_SECONDS, self._refuse, "its PROXY header did not come in time")

    def fileno(self) -> int:
        return self._connection.fileno()

    def logPrefix(self) -> str:
        return "PROXY protocol"

    def doRead(self) -> None:
        try:
            while missing := missing_bytes(self._data):
                piece = self._connection.recv(missing)
                if not piece:  # as monitors do that look whether a port is open
                    self._end()
                    self._connection.close()
                    return
                self._data += piece
            client = client_address(self._data)
        except BlockingIOError:
            return
        except OSError:
            self._refuse("the connection was cut")
        except MalformedHeader:
            self._refuse("it does not begin with a header of the PROXY protocol")
        else:
            self._end()
            self._reading.deliver(self._connection, client or self._proxy)

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002
        """The reactor stops."""
        self._end()
        self._connection.close()

    def _refuse(self, reason: str) -> None:
        self._end()
        self._connection.close()
        self._reading.report("client disconnected", self._proxy, reason)

    def _end(self) -> None:
        self._reading.awaited -= 1
        self._reading.reactor.removeReader(self)
        if self._timer.active():
            self._timer.cancel()


class Announced(ServerFactory):
    """A factory for one connection whose client has another address than its socket says."""

    def __init__(self, factory: ServerFactory, address: IAddress) -> None:
        self._factory, self._address = factory, address

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # noqa: ARG002
        return cast(Protocol | None, self._factory.buildProtocol(self._address))
