"""A crowd that connects at once is let in by and by, and little of what it sends unread is kept."""

import socket
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import Factory, Protocol

from gateway.twisted_internals.bounded_port import ACCEPTS_IN_A_TURN, UNREAD_BYTES, BoundedPort
from tests.frontends.http.serving import until

CROWD = 5 * ACCEPTS_IN_A_TURN


class Noting(Factory):
    """Notes the connections that are made and that have ended, and the room that the kernel gives each."""

    noisy = False

    def __init__(self) -> None:
        self.rooms: list[int] = []
        self.ended = 0

    def buildProtocol(self, addr: object) -> Protocol:
        factory = self

        class Connection(Protocol):
            def connectionMade(self) -> None:
                transport: Any = self.transport
                factory.rooms.append(transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))

            def connectionLost(self, reason: object = None) -> None:
                factory.ended += 1

        return Connection()


@pytest_twisted.ensureDeferred
async def test_a_crowd_is_accepted_a_few_in_each_turn_with_little_room_for_each() -> None:
    factory = Noting()
    port: Any = BoundedPort(0, factory, 128, "127.0.0.1", reactor)
    port.startListening()
    crowd = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(CROWD)]
    at_once = []
    while len(factory.rooms) < CROWD:
        before = len(factory.rooms)
        port.doRead()
        at_once.append(len(factory.rooms) - before)
    assert max(at_once) == ACCEPTS_IN_A_TURN
    assert set(factory.rooms) == {2 * UNREAD_BYTES}, "Linux doubles it"
    for one in crowd:
        one.close()
    await until(lambda: factory.ended == CROWD)
    await maybeDeferred(port.stopListening)
