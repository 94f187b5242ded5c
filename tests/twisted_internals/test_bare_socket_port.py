"""The port that hands out bare sockets."""

import socket
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from gateway.twisted_internals.bare_socket_port import BareSocketPort


@pytest_twisted.ensureDeferred
async def test_a_protocol_is_given_the_accepted_socket_which_the_reactor_does_not_touch() -> None:
    accepted: Deferred[socket.socket] = Deferred()
    any_reactor: Any = reactor

    class Taker(Protocol):
        def makeConnection(self, transport: Any) -> None:
            accepted.callback(transport)

    port: Any = BareSocketPort(0, Factory.forProtocol(Taker), interface="127.0.0.1", reactor=any_reactor)
    port.startListening()
    try:
        with await deferToThread(socket.create_connection, ("127.0.0.1", port.getHost().port), 10) as client:
            taken = await accepted
            with taken:
                assert isinstance(taken, socket.socket)
                assert taken.fileno() not in {reader.fileno() for reader in any_reactor.getReaders()}
                taken.sendall(b"by another process")
                assert await deferToThread(client.recv, 100) == b"by another process"
    finally:
        await port.stopListening()
