"""The management listener: /healthz, /readyz, /metrics.

There is no authentication: it belongs on an address that strangers cannot reach."""

from collections.abc import Sequence
from dataclasses import asdict

from prometheus_client import CONTENT_TYPE_LATEST
from twisted.internet.interfaces import IReactorTime

from gateway.frontends.admin.health import HealthCheck, examine
from gateway.frontends.admin.metric_collectors import read_figures
from gateway.frontends.admin.metrics import Metrics
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.frontends.http.router import Route
from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Database

FIGURES_SECONDS = 8.0
"""The longest wait for the store's figures: whoever scrapes gives up after ten seconds, and wants the others then."""


class Management:
    """The three endpoints. `checks` in the order in which they are shown."""

    def __init__(self, database: Database, checks: Sequence[HealthCheck], metrics: Metrics, *, clock: IReactorTime) -> None:
        self._database = database
        self._checks = checks
        self._metrics = metrics
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return all routes, for `make_site`."""
        return [
            Route("GET", "/healthz", "Health", self._health),
            Route("GET", "/readyz", "Readiness", self._readiness),
            Route("GET", "/metrics", "Metrics", self._measure),
        ]

    async def _health(self, _: Request) -> Answer:
        return json_answer({"status": "alive"})

    async def _readiness(self, _: Request) -> Answer:
        """Answer 200 when every required check passed, else 503; the items either way."""
        findings = await examine(self._checks, self._clock)
        ready = all(finding.ok for finding in findings if finding.required)
        body = {"status": "ready" if ready else "not ready", "checks": [asdict(finding) for finding in findings]}
        return json_answer(body, 200 if ready else 503)

    async def _measure(self, _: Request) -> Answer:
        """Answer also when the store is down: that is when metrics are wanted."""
        try:
            self._metrics.store.figures = await self._database.read(read_figures, FIGURES_SECONDS)
        except StoreUnavailable:
            self._metrics.store.figures = None
        return Answer(body=self._metrics.text(), content_type=CONTENT_TYPE_LATEST)
