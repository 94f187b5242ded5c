"""Streams: back-pressure, breaking off, and clients that go away."""

import contextlib
import http.client
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.task import Clock

from gateway.frontends.http import limits
from gateway.frontends.http.request import Answer, Request, Stream, json_answer
from gateway.frontends.http.router import Route
from tests.frontends.http.conftest import Serve
from tests.frontends.http.serving import exchange, fetch, turn, until


class _SilentProtocol(Protocol):
    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        transport.pauseProducing()


class _Silent(ClientFactory):
    """A client that asks and never reads."""

    protocol = _SilentProtocol
    connector: Any = None

    def startedConnecting(self, connector: Any) -> None:
        self.connector = connector


def _stream_route(chunks: Callable[[], AsyncIterator[bytes]]) -> list[Route]:
    async def handler(request: Request) -> Stream:
        return Stream(chunks())

    return [Route("GET", "/stream", "Stream", handler)]


@pytest_twisted.ensureDeferred
async def test_a_stream_arrives_whole(serve: Serve) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1000):
            yield b"%d\n" % number

    answer = await fetch(serve(_stream_route(chunks)).port, "GET", "/stream")
    assert answer.body == b"".join(b"%d\n" % number for number in range(1000))


@pytest_twisted.ensureDeferred
async def test_a_stream_that_fails_in_the_middle_does_not_look_complete(serve: Serve) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first\n"
        raise RuntimeError("lost")

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await fetch(serve(_stream_route(chunks)).port, "GET", "/stream")


@pytest_twisted.ensureDeferred
async def test_a_stream_waits_for_a_client_that_does_not_read_and_then_gives_up(serve: Serve) -> None:
    made = 0
    ended: Deferred[None] = Deferred()

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal made
        try:
            while True:
                made += 1
                yield b"x" * 65_536
        finally:
            ended.callback(None)

    clock = Clock()
    serving = serve(_stream_route(chunks), clock=clock)
    any_reactor: Any = reactor
    client = _Silent()
    any_reactor.connectTCP("127.0.0.1", serving.port, client)
    await until(lambda: bool(clock.getDelayedCalls()) and made > 1)
    seen = -1
    while seen != made:
        seen = made
        for _ in range(20):
            await turn()
    assert made * 65_536 < 32 * 1024 * 1024
    clock.advance(limits.STALL_SECONDS)
    await ended
    await until(lambda: serving.site.open_connections == 0)
    client.connector.disconnect()


@pytest_twisted.ensureDeferred
async def test_a_client_that_goes_away_ends_the_work_for_it(serve: Serve) -> None:
    cancelled: Deferred[None] = Deferred()

    async def handler(request: Request) -> Answer:
        never: Deferred[None] = Deferred(lambda _: cancelled.callback(None))
        await never
        return json_answer({})

    serving = serve([Route("GET", "/wait", "Wait", handler)])
    answer = exchange(serving.port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: serving.site.open_connections == 1)
    for _ in range(20):
        await turn()
    serving.site.close_connections()
    with contextlib.suppress(ConnectionResetError):
        await answer
    await cancelled
