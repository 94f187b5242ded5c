"""A face with a handful of routes, and the fixture that serves it."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.frontends.http.router import Route, make_site
from gateway.model.errors import NotFound, StoreUnavailable
from tests.frontends.http.serving import Serving


class Wish(msgspec.Struct, rename="camel"):
    """The body of the echo route."""

    display_name: str
    age: int = 0


async def _echo(request: Request) -> Answer:
    wish = request.json_as(Wish)
    return json_answer({"displayName": wish.display_name, "name": request.arguments["name"], **request.query()})


async def _hello(request: Request) -> Answer:
    return json_answer({"hello": "world"})


async def _missing(request: Request) -> Answer:
    raise NotFound("There is no such thing.")


async def _store(request: Request) -> Answer:
    raise StoreUnavailable("/var/lib/secret-place/gateway.db: disk full")


async def _broken(request: Request) -> Answer:
    raise RuntimeError("password=hunter2")


ROUTES = [
    Route("GET", "/hello", "Hello", _hello),
    Route("POST", "/echo/<name>", "Echo", _echo),
    Route("GET", "/missing", "Missing", _missing),
    Route("GET", "/store", "Store", _store),
    Route("GET", "/broken", "Broken", _broken),
]

Serve = Callable[..., Serving]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves routes until the test ends."""
    started: list[Serving] = []

    def start(routes: list[Route] = ROUTES, clock: Any = reactor, **options: Any) -> Serving:
        started.append(Serving(make_site("test", routes, reactor=clock, **options)))
        return started[-1]

    yield start
    for serving in started:
        pytest_twisted.blockon(Deferred.fromCoroutine(serving.end()))
