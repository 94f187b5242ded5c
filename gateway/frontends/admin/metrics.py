"""The metrics of one process in one registry of its own, never the library's global one.

Parts count in plain numbers and are read when metrics are asked for (metric_collectors.py); only durations are recorded here as
they happen."""

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector, generate_latest

from gateway.frontends.admin.metric_collectors import PartFigures, Parts, StoreCollector

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds in seconds: from a read out of the cache to an upstream that is about to be given up."""


class Metrics:
    """The registry of the process. Its methods are the recorders that wiring hands to the parts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.store = StoreCollector()
        self._http = Histogram(
            "gateway_http_request_seconds",
            "HTTP requests by operation and status",
            ["face", "operation", "status"],
            buckets=LATENCIES,
            registry=self.registry,
        )
        self._upstream = Histogram(
            "gateway_upstream_seconds",
            "Passwords asked upstream, by source and outcome",
            ["source", "outcome"],
            buckets=LATENCIES,
            registry=self.registry,
        )
        self._asked: dict[tuple[str, str], Histogram] = {}
        """The children of `_upstream`: there is one question for each bind, and looking them up costs as much as counting."""
        self.registry.register(self.store)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(self, parts: Parts) -> None:
        """Publish what these parts count. To be called once, when all parts are made."""
        self.registry.register(PartFigures(parts))

    def http_request(self, face: str, operation: str, status: int, seconds: float) -> None:
        """Record an answered HTTP request; this is a web kit's `observe`."""
        self._http.labels(face, operation, str(status)).observe(seconds)

    def upstream(self, source: str, outcome: str, seconds: float) -> None:
        """Record a question to an upstream; `outcome` is "accepted", "refused" or "unavailable"."""
        asked = self._asked.get((source, outcome))
        if asked is None:
            asked = self._asked[source, outcome] = self._upstream.labels(source, outcome)
        asked.observe(seconds)

    def text(self) -> bytes:
        """Return everything, in Prometheus' text format."""
        return generate_latest(self.registry)
