"""An empty store and a fixture that serves the management face over it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.frontends.admin.endpoints import Management
from gateway.frontends.admin.health import HealthCheck
from gateway.frontends.admin.metrics import Metrics
from gateway.frontends.http.router import make_site
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from tests.frontends.http.serving import Serving

Serve = Callable[[Sequence[HealthCheck], Metrics], Serving]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    opened = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def serve(database: Database) -> Iterator[Serve]:
    """A function that serves the management face with these checks and metrics."""
    started: list[Serving] = []

    def start(checks: Sequence[HealthCheck], metrics: Metrics) -> Serving:
        routes = Management(database, checks, metrics, clock=reactor).routes()
        started.append(Serving(make_site("management", routes, reactor=reactor, quiet=True)))
        return started[-1]

    yield start
    for serving in started:
        pytest_twisted.blockon(Deferred.fromCoroutine(serving.end()))
