"""Connections of an HTTP face: how many are accepted, how much and how slowly a request may arrive.

Twisted's HTTP/1.1 parser with our limits around it; every refusal has the shape of our errors, then the connection ends."""

import uuid
from collections import Counter
from io import BytesIO
from typing import Any

import structlog
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import RESPONSES
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.http import limits
from gateway.frontends.http.errors import shape
from gateway.model.trusted_networks import NOBODY, TrustedNetworks
from gateway.twisted_internals.http_channel import ExtensibleChannel

_log = structlog.get_logger()
_GONE = Failure(ConnectionDone())


class ArrivingRequest(Request):
    """Twisted's request, whose body is kept in memory and never longer than MAX_BODY_BYTES."""

    defaultContentType = None
    content: BytesIO
    channel: "Channel"

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is announced too long, before a byte of it is read: the headers are complete."""
        self.content = BytesIO()
        if length is not None and length > limits.MAX_BODY_BYTES:
            self._refuse_length()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; a chunked one shows its length only here."""
        if self.content.tell() + len(data) > limits.MAX_BODY_BYTES:
            self._refuse_length()
        else:
            self.content.write(data)

    def _refuse_length(self) -> None:
        self.channel.refuse(413, "BodyTooLarge", f"The body is longer than {limits.MAX_BODY_BYTES} bytes.")


class Channel(ExtensibleChannel):
    """One connection."""

    maxHeaders = limits.MAX_HEADERS
    totalHeadersSize = limits.MAX_HEADER_BYTES
    site: "FaceSite"
    transport: ITCPTransport
    _arrival: IDelayedCall | None = None
    _linger: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.site.opened(self)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self._arrival is None and not self.discards_input and not self.is_handling_request:
            self._arrival = self.callLater(limits.ARRIVAL_SECONDS, self._too_slow)
        super().dataReceived(data)

    def allContentReceived(self) -> None:
        self._end_deadlines()
        super().allContentReceived()

    def _too_slow(self) -> None:
        self._arrival = None
        self.refuse(408, "RequestTimeout", f"The request did not arrive within {limits.ARRIVAL_SECONDS} seconds.")

    def malformed(self) -> None:
        """Refuse what Twisted's parser gave up on."""
        self.refuse(400, "MalformedRequest", "This is not an HTTP/1.1 request, or its headers are too long.")

    def _end_deadlines(self) -> None:
        for call in (self._arrival, self._linger):
            if call is not None and call.active():
                call.cancel()
        self._arrival = self._linger = None

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answer without a handler, end our side, throw away what arrives for LINGER_SECONDS, and close."""
        if self.discards_input:
            return
        self.discards_input = True
        self._end_deadlines()
        request_id = str(uuid.uuid4())
        body = shape(status, code, message, request_id).body
        head = f"HTTP/1.1 {status} {RESPONSES[status].decode()}\r\nContent-Type: application/json\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        self.transport.loseWriteConnection()
        self._linger = self.callLater(limits.LINGER_SECONDS, self.loseConnection)
        if not self.site.line_sums.is_written(_host(self)):
            return
        _log.info("http_refused", face=self.site.name, status=status, code=code, peer=_host(self), request_id=request_id)

    def connectionLost(self, reason: Failure = _GONE) -> None:
        self._end_deadlines()
        self.site.closed(self)
        super().connectionLost(reason)


class FaceSite(Site):
    """A listener's connections: counted, limited, and closed when the service stops."""

    protocol = Channel  # type: ignore[assignment]  # as Site wants it, but for HTTP/2
    requestFactory = ArrivingRequest

    def __init__(
        self,
        name: str,
        resource: IResource,
        *,
        reactor: IReactorTime,
        max_connections: int = limits.MAX_CONNECTIONS,
        max_connections_per_address: int = limits.MAX_CONNECTIONS_PER_ADDRESS,
        trusted_proxies: TrustedNetworks = NOBODY,
        line_sums: LineSums | None = None,
    ) -> None:
        """`trusted_proxies`: they have no limit of their own, because their connections are those of many clients. `line_sums`:
        the sums of the face's refusals, if it has them already."""
        super().__init__(resource, parsePOSTFormSubmission=False, timeout=limits.IDLE_SECONDS, reactor=reactor)
        self.name = name
        self.line_sums = line_sums or LineSums(reactor, "HTTP refusals", _log)
        self.max_connections = max_connections
        self.max_connections_per_address = max_connections_per_address
        self._trusted_proxies = trusted_proxies
        self._channels: set[Channel] = set()
        self._per_address: Counter[str] = Counter()

    def startFactory(self) -> None:
        """Do nothing: Twisted's access log, its file and its clock are not used."""

    def log(self, request: http.Request) -> None:
        """Do nothing: the face writes its own line."""

    def acceptableProtocols(self) -> list[bytes]:
        """Offer HTTP/1.1 only; HTTP/2 would go round the limits of Channel."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Any:  # its type is a private class of Twisted
        """Return a channel, or None (the connection is closed at once) when there are too many."""
        host = str(getattr(addr, "host", ""))
        if len(self._channels) >= self.max_connections or self._has_too_many(host):
            if self.line_sums.is_written(host):
                _log.warning("http_connection_refused", face=self.name, peer=host, open=len(self._channels))
            return None
        return super().buildProtocol(addr)

    def _has_too_many(self, host: str) -> bool:
        return self._per_address[host] >= self.max_connections_per_address and not self._trusted_proxies.include(host)

    def opened(self, channel: Channel) -> None:
        """Count a channel that has its connection."""
        self._channels.add(channel)
        self._per_address[_host(channel)] += 1

    def closed(self, channel: Channel) -> None:
        """Discount a channel that has lost its connection."""
        self._channels.discard(channel)
        host = _host(channel)
        self._per_address[host] -= 1
        if self._per_address[host] <= 0:
            del self._per_address[host]

    @property
    def open_connections(self) -> int:
        """Number of open connections."""
        return len(self._channels)

    def close_connections(self) -> None:
        """End every connection, in the middle of an answer too; for the end of the service."""
        self.line_sums.close()
        for channel in list(self._channels):
            channel.transport.abortConnection()


def _host(channel: Channel) -> str:
    return str(getattr(channel.transport.getPeer(), "host", ""))
