"""Router: a table of routes → a Twisted site. klein finds the route and waits for the handler; only this module knows klein."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from urllib.parse import unquote_to_bytes

import structlog
from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from werkzeug.exceptions import HTTPException

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.http.connection import ArrivingRequest, FaceSite
from gateway.frontends.http.errors import error_answer
from gateway.frontends.http.exchange import Face, HttpExchange, Observe, observe_nothing
from gateway.frontends.http.request import Answer, Request, Stream
from gateway.model.errors import InvalidInput
from gateway.model.trusted_networks import NOBODY, TrustedNetworks

_log = structlog.get_logger()

Handler: TypeAlias = Callable[[Request], Awaitable[Answer | Stream]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` with its variable parts in angle brackets (`/users/<user_id>`); `operation` names it in logs and metrics."""

    method: str
    path: str
    operation: str
    handler: Handler


def make_site(
    name: str,
    routes: Sequence[Route],
    *,
    reactor: IReactorTime,
    observe: Observe = observe_nothing,
    quiet: bool = False,
    trusted_proxies: TrustedNetworks = NOBODY,
    **limits: int,
) -> FaceSite:
    """Return the site that serves `routes`; `limits` are FaceSite's. Give it to a listening port; `close_connections` ends it.

    `quiet`: requests that succeed are logged for debugging only, where machines ask every few seconds. `trusted_proxies`: what
    they say of a client's address is taken.
    """
    sums = LineSums(reactor, "HTTP refusals", _log)
    router = Router(Face(name, quiet, reactor, observe, sums, trusted_proxies), routes)
    resource = RouterResource(router)
    return FaceSite(name, resource, reactor=reactor, line_sums=sums, trusted_proxies=trusted_proxies, **limits)


class Router:
    """Routes turned into klein's, with our request and answer values on the inside."""

    def __init__(self, face: Face, routes: Sequence[Route]) -> None:
        self.face = face
        self.klein = Klein()
        for route in routes:
            self._add(route)
        no_route: Any = self._no_route  # klein wants any IRequest, and is given FaceSite's
        self.klein.handle_errors(HTTPException)(no_route)

    def _add(self, route: Route) -> None:
        async def endpoint(wire: ArrivingRequest, **arguments: str) -> bytes:
            return await self._run(route, wire, arguments)

        self.klein.route(route.path, methods=[route.method], endpoint=f"{route.method} {route.path}")(endpoint)

    async def _run(self, route: Route, wire: ArrivingRequest, arguments: dict[str, str]) -> bytes:
        """Serve one request from its route to its last byte; returns what klein is to write."""
        exchange = HttpExchange(self.face, wire, route.operation)
        try:
            answer = await route.handler(exchange.request(arguments))
            if isinstance(answer, Stream):
                await exchange.stream(answer)
                return b""
        except CancelledError:
            # The client has gone: there is no connection to answer on.
            exchange.done(499, 0)
            raise
        except Exception as error:
            answer = exchange.failed(error)
        return exchange.answer(answer)

    def _no_route(self, wire: ArrivingRequest, failure: Failure) -> bytes:
        exchange = HttpExchange(self.face, wire, "")
        return exchange.answer(error_answer(cast(HTTPException, failure.value), exchange.id))


class RouterResource(Resource):
    """The way to klein: what klein would answer in its own words is answered in ours before it gets there."""

    isLeaf = True

    def __init__(self, router: Router) -> None:
        super().__init__()
        self._face = router.face
        self._klein = router.klein.resource()

    def render(self, wire: ArrivingRequest) -> bytes | int:
        """Answer a request: Twisted's entry."""
        hosts = wire.requestHeaders.getRawHeaders(b"host", [])
        # No route depends on the host, so a malformed Host header must not reach klein's router, which would choke on it.
        wire.requestHeaders.setRawHeaders(b"host", [b"gateway"])
        if len(hosts) > 1 or (not hosts and wire.clientproto == b"HTTP/1.1"):  # RFC 9112 §3.2
            exchange = HttpExchange(self._face, wire, "")
            return exchange.answer(error_answer(InvalidInput("An HTTP/1.1 request has one Host header."), exchange.id))
        try:
            wire.method.decode("ascii")
            unquote_to_bytes(wire.path).decode()
        except UnicodeDecodeError:
            exchange = HttpExchange(self._face, wire, "")
            return exchange.answer(error_answer(InvalidInput("The path is not UTF-8."), exchange.id))
        return cast("bytes | int", self._klein.render(wire))
