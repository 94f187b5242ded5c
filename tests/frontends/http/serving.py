"""A face on a loopback port, and clients that are not ours: http.client and a bare socket, each in a thread."""

import http.client
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.frontends.http.connection import FaceSite

TIMEOUT_SECONDS = 20


class Serving:
    """A site that listens on 127.0.0.1."""

    def __init__(self, site: FaceSite) -> None:
        any_reactor: Any = reactor
        self.site = site
        self._port = any_reactor.listenTCP(0, site, interface="127.0.0.1")
        self.port: int = self._port.getHost().port

    async def end(self) -> None:
        """Close the port and every connection, and wait until both are gone."""
        await self._port.stopListening()
        self.site.close_connections()
        while self.site.open_connections:
            await turn()


@dataclass(frozen=True)
class Response:
    """An answer as http.client read it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def turn() -> "Deferred[None]":
    """One turn of the reactor."""
    waiting: Deferred[None] = Deferred()
    any_reactor: Any = reactor
    any_reactor.callLater(0.001, waiting.callback, None)
    return waiting


async def until(condition: Callable[[], bool]) -> None:
    """Turn the reactor until `condition` holds; the test's timeout is the limit."""
    while not condition():
        await turn()


def fetch_blocking(port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """One request on a connection of its own. A dict is sent as JSON, bytes and iterables of bytes as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, data, dict(headers or {}))
        answer = connection.getresponse()
        return Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def fetch(
    port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> "Deferred[Response]":
    """`fetch_blocking` in a thread."""
    return deferToThread(fetch_blocking, port, method, path, body, headers)


def exchange_blocking(port: int, data: bytes) -> bytes:
    """Send `data` on a bare connection and read until the server closes it."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def exchange(port: int, data: bytes) -> "Deferred[bytes]":
    """`exchange_blocking` in a thread."""
    return deferToThread(exchange_blocking, port, data)
