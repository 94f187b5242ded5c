"""Direct writes over real sockets: at once when nothing is queued, in order and whole when the client does not read."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread

from gateway.twisted_internals import direct_writes

MEBIBYTE = 1 << 20
_reactor: Any = reactor


class Served(Protocol):
    """The server's end of a connection."""

    def __init__(self, connected: "Deferred[Served]") -> None:
        self._connected = connected

    def connectionMade(self) -> None:
        self._connected.callback(self)


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[ITransport, Connection, socket.socket]]:
    """Both ends of a connection: the server's transport twice, as it is and as TCP; the client's blocking socket."""
    connected: Deferred[Served] = Deferred()
    port = _reactor.listenTCP(0, Factory.forProtocol(lambda: Served(connected)), interface="127.0.0.1")
    client = await deferToThread(socket.create_connection, ("127.0.0.1", port.getHost().port), 10)
    served = await connected
    tcp = direct_writes.tcp_below(served.transport)
    assert served.transport is not None
    assert tcp is not None
    try:
        with closing(client):
            yield served.transport, tcp, client
    finally:
        tcp.abortConnection()  # type: ignore[no-untyped-call]
        await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_what_the_socket_takes_has_left_when_the_write_returns() -> None:
    async with connection() as (_, tcp, client):
        direct_writes.writer(tcp)(b"answer")
        client.setblocking(False)  # the reactor has had no turn: only the write itself can have sent it
        assert client.recv(100) == b"answer"


@pytest_twisted.ensureDeferred
async def test_what_the_socket_does_not_take_follows_in_order_with_all_that_is_written_behind_it() -> None:
    async with connection() as (_, tcp, client):
        write = direct_writes.writer(tcp)
        sent = [bytes([number]) * MEBIBYTE for number in range(16)]
        for data in sent:
            write(data)
        assert tcp._tempDataBuffer or tcp.dataBuffer
        received = await deferToThread(receive, client, 16 * MEBIBYTE)
        assert received == b"".join(sent)


@pytest_twisted.ensureDeferred
async def test_a_closing_transport_sends_what_is_queued_before_what_is_written_then() -> None:
    async with connection() as (transport, tcp, client):
        write = direct_writes.writer(tcp)
        write(b"x" * MEBIBYTE * 16)
        transport.loseConnection()
        write(b"late")
        received = await deferToThread(receive, client, 17 * MEBIBYTE)
        assert received == b"x" * MEBIBYTE * 16 + b"late"


def test_a_transport_that_is_not_twisteds_tcp_has_no_direct_writes() -> None:
    transport: Any = StringTransport
    assert direct_writes.tcp_below(transport()) is None


def receive(client: socket.socket, most: int) -> bytes:
    """Read until the end, or `most` octets."""
    pieces = []
    while most > 0 and (piece := client.recv(MEBIBYTE)):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)
