"""Figures that are read when the metrics are asked for: from the parts' own counters, and from the store.

Collectors in the sense of prometheus_client: each gives whole metric families, and counts nothing itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.model.objects import Kind
from gateway.model.runs import RunStatus, SyncRun
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.operations import source_state, sync_runs
from gateway.store.operations.source_state import SourceState
from gateway.store.records import held_deletions, records
from gateway.wire.result_codes import ResultCode

_RESULT_NAMES = {int(code): code.name.lower() for code in ResultCode}


class LDAPCounts(Protocol):
    """The counters of the LDAP server; `operations` by name and result code, `refused_connections` by reason."""

    @property
    def connections(self) -> int: ...
    @property
    def connections_total(self) -> int: ...
    @property
    def operations(self) -> Mapping[tuple[str, int], int]: ...
    @property
    def entries(self) -> int: ...
    @property
    def fast_path_hits(self) -> int: ...
    @property
    def fast_path_misses(self) -> int: ...
    @property
    def fast_path_failures(self) -> int: ...
    @property
    def refused_connections(self) -> Mapping[str, int]: ...


class WorkerCounts(Protocol):
    """The counters of worker processes: those that serve LDAP now, and how often one was started again."""

    @property
    def serving(self) -> int: ...
    @property
    def restarts(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts to ask. Every call is quick.

    `views`: the position in the log of each LDAP view, by name. `last_change`: the log's end. `http_connections`: how many
    are open, by face. `workers`: None where the one process serves LDAP itself. `log_lines_dropped`: that could not be written.
    `certificates`: when the certificate of each listener ends.
    """

    ldap: LDAPCounts | None = None
    views: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    last_change: Callable[[], int] = lambda: 0
    http_connections: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    workers: WorkerCounts | None = None
    log_lines_dropped: Callable[[], int] = lambda: 0
    certificates: Mapping[str, Callable[[], datetime]] = field(default_factory=dict)


class PartFigures(Collector):
    """The collector of what the running parts count."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families, as prometheus_client asks for them."""
        yield from self._views()
        yield CounterMetricFamily(
            "gateway_log_lines_dropped", "Log lines that could not be written", value=self._parts.log_lines_dropped()
        )
        yield _gauge(
            "gateway_http_open_connections",
            "Open HTTP connections",
            ["face"],
            [([face], count()) for face, count in self._parts.http_connections.items()],
        )
        yield _gauge(
            "gateway_certificate_expiry_timestamp_seconds",
            "When the certificate of a listener ends, or the first one of its chain",
            ["listener"],
            [([listener], ends_at().timestamp()) for listener, ends_at in self._parts.certificates.items()],
        )
        if self._parts.ldap is not None:
            yield from _ldap(self._parts.ldap)
        if self._parts.workers is not None:
            yield from _workers(self._parts.workers)

    def _views(self) -> Iterator[Metric]:
        last, views = self._parts.last_change(), self._parts.views
        yield GaugeMetricFamily("gateway_last_change_number", "The end of the log, as this process knows it", value=last)
        positions = [([name], position()) for name, position in views.items()]
        yield _gauge("gateway_view_position", "The change up to which an LDAP view is applied", ["view"], positions)
        lags = [(labels, max(0, last - position)) for labels, position in positions]
        yield _gauge("gateway_view_lag_changes", "How many changes an LDAP view is behind the log", ["view"], lags)


def _ldap(counts: LDAPCounts) -> Iterator[Metric]:
    yield GaugeMetricFamily("gateway_ldap_open_connections", "Open LDAP connections", value=counts.connections)
    yield CounterMetricFamily("gateway_ldap_connections", "LDAP connections taken", value=counts.connections_total)
    yield CounterMetricFamily("gateway_ldap_entries", "Search result entries sent", value=counts.entries)
    fast_path = CounterMetricFamily(
        "gateway_ldap_fast_path", "Requests of clients that may take the LDAP fast path, by its outcome", labels=["outcome"]
    )
    fast_path.add_metric(["hit"], counts.fast_path_hits)
    fast_path.add_metric(["miss"], counts.fast_path_misses)
    fast_path.add_metric(["failure"], counts.fast_path_failures)
    yield fast_path
    refused = CounterMetricFamily("gateway_ldap_connections_refused", "LDAP connections refused", labels=["reason"])
    for reason, number in counts.refused_connections.items():
        refused.add_metric([reason], number)
    yield refused
    operations = CounterMetricFamily(
        "gateway_ldap_operations", "LDAP operations by result; bind is among them", labels=["operation", "result"]
    )
    for (operation, code), number in counts.operations.items():
        operations.add_metric([operation, _RESULT_NAMES.get(code, str(code))], number)
    yield operations


def _workers(counts: WorkerCounts) -> Iterator[Metric]:
    yield GaugeMetricFamily("gateway_ldap_workers", "Worker processes that serve LDAP", value=counts.serving)
    yield CounterMetricFamily("gateway_ldap_worker_restarts", "Worker processes started again", value=counts.restarts)


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """The figures of a source, as the store knows it."""

    state: SourceState
    last_run: SyncRun | None
    records: Mapping[Kind, int]
    problems: Mapping[str, int]
    held_deletions: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """The figures of the store, at one moment."""

    objects: Mapping[Kind, int]
    last_change: int
    sources: Sequence[SourceFigures]


def read_figures(connection: Connection) -> StoreFigures:
    """Return the store's figures; some counting queries."""
    objects = {kind: store.count(connection) for kind, store in OBJECT_STORES.items()}
    known = [_source(connection, state) for state in source_state.all_sources(connection)]
    return StoreFigures(objects, changes.last(connection), known)


def _source(connection: Connection, state: SourceState) -> SourceFigures:
    last = sync_runs.latest(connection, state.id)
    counts = {kind: records.count(connection, state.id, kind) for kind in Kind}
    problems = {situation.value: count for situation, count in records.count_problems(connection, state.id).items()}
    held = held_deletions.counts(connection, state.id)
    return SourceFigures(state, last[0] if last else None, counts, problems, held)


class StoreCollector(Collector):
    """The collector that publishes the figures it was last given; None: the store could not be read."""

    def __init__(self) -> None:
        self.figures: StoreFigures | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families, as prometheus_client asks for them."""
        figures = self.figures
        yield GaugeMetricFamily("gateway_store_up", "Whether the store could be read just now", value=figures is not None)
        if figures is None:
            return
        yield GaugeMetricFamily("gateway_store_last_change_number", "The end of the log", value=figures.last_change)
        objects = [([kind.value], count) for kind, count in figures.objects.items()]
        yield _gauge("gateway_objects", "Objects of the directory", ["kind"], objects)
        yield from _sources(figures.sources)


def _sources(found: Sequence[SourceFigures]) -> Iterator[Metric]:
    yield _gauge(
        "gateway_source_records",
        "Records of a source",
        ["source", "kind"],
        [([one.state.id, kind.value], count) for one in found for kind, count in one.records.items()],
    )
    yield _gauge(
        "gateway_source_problem_records",
        "Records of a source that are not linked, by situation",
        ["source", "situation"],
        [([one.state.id, situation], count) for one in found for situation, count in one.problems.items()],
    )
    yield _gauge(
        "gateway_source_held_deletions",
        "Deletions of a source that the deletion guard holds until a person decides",
        ["source", "kind"],
        [([one.state.id, kind.value], one.held_deletions.get(kind, 0)) for one in found for kind in Kind],
    )
    yield _gauge(
        "gateway_source_caught_up_timestamp_seconds",
        "When the source's present state was last reached",
        ["source"],
        [([one.state.id], _stamp(one.state.caught_up_at)) for one in found],
    )
    last_runs = [one.last_run for one in found if one.last_run is not None]
    yield from _last_runs(last_runs)


def _last_runs(found: Sequence[SyncRun]) -> Iterator[Metric]:
    yield _gauge(
        "gateway_source_last_run_number",
        "The number of the source's last run, as `gateway status` shows it",
        ["source"],
        [([run.source_id], run.id) for run in found],
    )
    yield _gauge(
        "gateway_source_last_run_status",
        "1 for the status that the source's last run has",
        ["source", "status"],
        [([run.source_id, status.value], int(run.status is status)) for run in found for status in RunStatus],
    )
    yield _gauge(
        "gateway_source_last_run_finished_timestamp_seconds",
        "When the source's last run ended; 0 while it runs",
        ["source"],
        [([run.source_id], _stamp(run.finished_at)) for run in found],
    )
    yield _gauge(
        "gateway_source_last_run_records",
        "What the source's last run did",
        ["source", "kind", "outcome", "result"],
        [([run.source_id, *key], count) for run in found for key, count in run.statistics.counts.items()],
    )


def _gauge(name: str, text: str, labels: Sequence[str], values: Sequence[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for which, value in values:
        family.add_metric([str(label) for label in which], value)
    return family


def _stamp(time: datetime | None) -> float:
    return 0.0 if time is None else time.timestamp()
