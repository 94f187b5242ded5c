"""One filled store and view for the session; a server over them for each test that wants its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.frontends.ldap.serving import Serving, World
from tests.servers.pki import Pki

Serve = Callable[..., Serving]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The company in a store, and its view. Tests that change it put it right again."""
    made = World(tmp_path_factory.mktemp("ldap"))
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serve(world: World) -> Iterator[Serve]:
    """A function that serves the world with these options, until the test ends."""
    started: list[Serving] = []

    def start(pki: Pki | None = None, **options: Any) -> Serving:
        started.append(Serving(world, pki, **options))
        return started[-1]

    yield start
    for serving in started:
        pytest_twisted.blockon(ensureDeferred(serving.end()))


@pytest.fixture
def serving(serve: Serve) -> Serving:
    """A server with the default limits and no certificate."""
    return serve()


@pytest.fixture
def tls_serving(serve: Serve, pki: Pki) -> Serving:
    """A server with a certificate: StartTLS, and LDAPS on a port of its own."""
    return serve(pki)
