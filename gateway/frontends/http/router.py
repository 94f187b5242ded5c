"""The web kit's one screen: a table of routes → a Twisted site. Requests in, answers and one log line out.

klein finds the route and waits for the handler; nothing outside this file knows that it is klein. `wire` is Twisted's
request throughout, which carries no types worth the name."""

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote_to_bytes

import structlog
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from werkzeug.exceptions import HTTPException

from gateway.frontends.http.connection import FaceSite
from gateway.frontends.http.errors import HttpError, error_answer, verdict_of
from gateway.frontends.http.request import Answer, Request, Stream, without_nul
from gateway.frontends.http.streaming import ClientStalled, Pump
from gateway.model.errors import InvalidInput

Handler: TypeAlias = Callable[[Request], Awaitable[Answer | Stream]]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """`path` with its variable parts in angle brackets (`/users/<user_id>`); `operation` names it in logs and metrics."""

    method: str
    path: str
    operation: str
    handler: Handler


class Observe(Protocol):
    """Told of each request that was answered, for metrics. `operation` is a route's, or "" when none fitted."""

    def __call__(self, face: str, operation: str, status: int, seconds: float) -> None: ...


def observe_nothing(face: str, operation: str, status: int, seconds: float) -> None:
    """For a face without metrics."""


def make_site(
    name: str,
    routes: Sequence[Route],
    *,
    reactor: Any,
    observe: Observe = observe_nothing,
    quiet: bool = False,
    **limits: int,
) -> FaceSite:
    """The site that serves `routes`; `limits` are FaceSite's. Give it to a listening port; `close_connections` ends it.

    `quiet`: requests that succeed are logged for debugging only, where machines ask every few seconds.
    """
    face = Face(name, routes, reactor, observe, quiet=quiet)
    return FaceSite(name, FaceResource(face), reactor=reactor, **limits)


class Face:
    """Routes turned into klein's, with our request and answer values on the inside."""

    def __init__(
        self, name: str, routes: Sequence[Route], clock: IReactorTime, observe: Observe, *, quiet: bool = False
    ) -> None:
        self.name = name
        self.quiet = quiet
        self.klein = Klein()
        self._clock = clock
        self._observe = observe
        for route in routes:
            self._add(route)
        no_route: Any = self._no_route
        self.klein.handle_errors(HTTPException)(no_route)

    def _add(self, route: Route) -> None:
        async def endpoint(wire: Any, **arguments: str) -> bytes:
            return await self._run(route, wire, arguments)

        self.klein.route(route.path, methods=[route.method], endpoint=f"{route.method} {route.path}")(endpoint)

    async def _run(self, route: Route, wire: Any, arguments: dict[str, str]) -> bytes:
        """One request from its route to its last byte."""
        exchange = Exchange(self, wire, route.operation)
        try:
            answer = await route.handler(exchange.request(arguments))
            if isinstance(answer, Stream):
                await exchange.stream(answer)
                return b""
        except CancelledError:
            # The client has gone: there is nobody to answer.
            exchange.done(499, 0)
            raise
        except Exception as error:
            answer = exchange.failed(error)
        return exchange.answer(answer)

    def _no_route(self, wire: Any, failure: Any) -> bytes:
        exchange = Exchange(self, wire, "")
        return exchange.answer(error_answer(failure.value, exchange.id))


class Exchange:
    """One request and its answer on the wire; writes the log line when it is done."""

    def __init__(self, face: Face, wire: Any, operation: str) -> None:
        self.id = str(uuid.uuid4())
        self._face = face
        self._wire = wire
        self._operation = operation
        self._began = time.perf_counter()

    def request(self, arguments: dict[str, str]) -> Request:
        """The request as a value. Raises InvalidInput when its query is not ASCII, or its path holds NUL."""
        wire = self._wire
        return Request(
            id=self.id,
            method=wire.method.decode(),
            path=wire.path.decode(),
            peer=self._peer(),
            arguments={name: without_nul(name, value) for name, value in arguments.items()},
            query_string=_ascii(wire.uri.partition(b"?")[2]),
            headers={k.decode("latin-1").lower(): v[-1].decode("latin-1") for k, v in wire.requestHeaders.getAllRawHeaders()},
            body=wire.content.read(),
        )

    def answer(self, answer: Answer) -> bytes:
        """Set status and headers; returns the body for klein to write."""
        self._head(answer.status, answer.content_type, answer.headers)
        self._wire.setHeader(b"content-length", str(len(answer.body)).encode())
        self.done(answer.status, len(answer.body))
        return answer.body

    async def stream(self, stream: Stream) -> None:
        """Send a stream. One that breaks in the middle ends without its last chunk, so that the client sees it broken."""
        self._head(200, stream.content_type, stream.headers)
        if self._wire.method == b"HEAD":
            self.done(200, 0)
            return
        try:
            await Pump(self._wire, self._face._clock).run(stream.chunks)
        except CancelledError:
            raise
        except ClientStalled:
            self._break_off("the client did not read")
        except Exception:
            _log.exception("http_stream_failed", face=self._face.name, request_id=self.id)
            self._break_off("failed while it was sent")
        else:
            self.done(200, self._wire.sentLength)

    def failed(self, error: Exception) -> Answer:
        """The answer to an error, and what the log must know of it."""
        if not isinstance(error, (HttpError, HTTPException)) and verdict_of(error).logged:
            _log.error("http_request_failed", face=self._face.name, request_id=self.id, exc_info=error)
        return error_answer(error, self.id)

    def done(self, status: int, sent_bytes: int, note: str = "") -> None:
        """The one line of this request. The path only: a query may hold a secret."""
        seconds = time.perf_counter() - self._began
        wire = self._wire
        extra = {"note": note} if note else {}
        write = _log.debug if self._face.quiet and status < 400 else _log.info
        write(
            "http",
            face=self._face.name,
            method=wire.method.decode("latin-1"),
            path=wire.path.decode("latin-1"),
            status=status,
            milliseconds=round(seconds * 1000, 2),
            bytes=sent_bytes,
            peer=self._peer(),
            request_id=self.id,
            **extra,
        )
        self._face._observe(self._face.name, self._operation, status, seconds)

    def _head(self, status: int, content_type: str, headers: Any) -> None:
        wire = self._wire
        wire.setResponseCode(status)
        wire.setHeader(b"content-type", content_type.encode())
        wire.setHeader(b"server", b"directory-gateway")
        wire.setHeader(b"x-request-id", self.id.encode())
        wire.setHeader(b"cache-control", b"no-store")
        wire.setHeader(b"x-content-type-options", b"nosniff")
        for name, value in headers.items():
            wire.setHeader(name.encode(), value.encode())

    def _break_off(self, note: str) -> None:
        self.done(200, self._wire.sentLength, note)
        self._wire.channel.transport.abortConnection()

    def _peer(self) -> str:
        return str(getattr(self._wire.getClientAddress(), "host", ""))


class FaceResource(Resource):
    """The door to klein: what klein would answer in its own words is answered in ours before it gets there."""

    isLeaf = True

    def __init__(self, face: Face) -> None:
        super().__init__()
        self._face = face
        self._klein = face.klein.resource()

    def render(self, wire: Any) -> Any:
        """Twisted's entry."""
        # No route depends on the host, so a malformed Host header must not reach the router, which would choke on it.
        wire.requestHeaders.setRawHeaders(b"host", [b"gateway"])
        try:
            wire.method.decode("ascii")
            unquote_to_bytes(wire.path).decode()
        except UnicodeDecodeError:
            exchange = Exchange(self._face, wire, "")
            return exchange.answer(error_answer(InvalidInput("The path is not UTF-8."), exchange.id))
        return self._klein.render(wire)


def _ascii(query: bytes) -> str:
    try:
        return query.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidInput("The query holds bytes that are not percent-encoded.") from None
