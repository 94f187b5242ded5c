"""The metrics, read with Prometheus' own parser."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest_twisted
from prometheus_client.parser import text_string_to_metric_families

from gateway.frontends.admin.metric_collectors import Parts
from gateway.frontends.admin.metrics import Metrics
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, RunStatistics, RunStatus
from gateway.store.engine.database import Database
from gateway.store.operations import source_state, sync_runs
from gateway.store.records import held_deletions, record_rows
from gateway.store.records.record_rows import RecordRow
from tests.frontends.admin.conftest import Serve
from tests.frontends.http.serving import Response, fetch

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@dataclass
class Counts:
    """The counters of an LDAP server."""

    connections: int = 2
    connections_total: int = 9
    entries: int = 1000
    operations: Counter[tuple[str, int]] = field(default_factory=lambda: Counter({("bind", 0): 5, ("bind", 49): 3}))
    fast_path_hits: int = 700
    fast_path_misses: int = 30
    fast_path_failures: int = 2
    refused_connections: Counter[str] = field(default_factory=lambda: Counter({"too many": 1}))


def values(answer: Response) -> dict[tuple[str, ...], float]:
    """Every sample: its name and its labels' values, in their own order → its value."""
    families = text_string_to_metric_families(answer.body.decode())
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def chosen(answer: Response, expected: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Those of the samples that are expected."""
    found = values(answer)
    return {(name, *labels): found[name, *sorted(labels)] for name, *labels in expected if (name, *sorted(labels)) in found}


@pytest_twisted.ensureDeferred
async def test_what_the_parts_count_is_published(serve: Serve) -> None:
    metrics = Metrics()
    metrics.watch(
        Parts(Counts(), {"openldap": lambda: 90}, lambda: 100, {"developer": lambda: 4}, certificates={"ldap": lambda: NOW})
    )
    metrics.http_request("developer", "GetUser", 200, 0.004)
    metrics.upstream("berlin", "refused", 0.2)
    answer = await fetch(serve([], metrics).port, "GET", "/metrics")
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    expected: dict[tuple[str, ...], float] = {
        ("gateway_certificate_expiry_timestamp_seconds", "ldap"): NOW.timestamp(),
        ("gateway_ldap_open_connections",): 2,
        ("gateway_ldap_connections_total",): 9,
        ("gateway_ldap_entries_total",): 1000,
        ("gateway_ldap_fast_path_total", "hit"): 700,
        ("gateway_ldap_fast_path_total", "miss"): 30,
        ("gateway_ldap_fast_path_total", "failure"): 2,
        ("gateway_ldap_operations_total", "bind", "success"): 5,
        ("gateway_ldap_operations_total", "bind", "invalid_credentials"): 3,
        ("gateway_ldap_connections_refused_total", "too many"): 1,
        ("gateway_view_position", "openldap"): 90,
        ("gateway_view_lag_changes", "openldap"): 10,
        ("gateway_last_change_number",): 100,
        ("gateway_http_open_connections", "developer"): 4,
        ("gateway_http_request_seconds_count", "developer", "GetUser", "200"): 1,
        ("gateway_upstream_seconds_bucket", "berlin", "refused", "0.25"): 1,
        ("gateway_upstream_seconds_bucket", "berlin", "refused", "0.1"): 0,
    }
    assert chosen(answer, expected) == expected
    assert values(answer)[("process_resident_memory_bytes",)] > 0


@pytest_twisted.ensureDeferred
async def test_the_stores_figures_are_published(serve: Serve, database: Database) -> None:
    counts = {(Kind.USER, Outcome.CREATED, Result.SUCCEEDED): 7}
    database.write_blocking(lambda c: source_state.ensure(c, "berlin", "ldap"))
    run_id = database.write_blocking(lambda c: sync_runs.start(c, "berlin", "full", "start", NOW))
    database.write_blocking(lambda c: sync_runs.finish(c, run_id, RunStatus.REFUSED, RunStatistics(counts), NOW, "too many"))
    row = RecordRow(1, "berlin", "user", "7", "", "", None, "{}", None, Situation.LINKED.value, "", "u7", "new", None)
    database.write_blocking(lambda c: record_rows.insert(c, [row]))
    database.write_blocking(lambda c: held_deletions.hold(c, "berlin", [1], NOW))
    answer = await fetch(serve([], Metrics()).port, "GET", "/metrics")
    expected: dict[tuple[str, ...], float] = {
        ("gateway_store_up",): 1,
        ("gateway_store_last_change_number",): 1,
        ("gateway_objects", "organization"): 1,
        ("gateway_objects", "user"): 0,
        ("gateway_source_records", "berlin", "user"): 1,
        ("gateway_source_held_deletions", "berlin", "user"): 1,
        ("gateway_source_held_deletions", "berlin", "group"): 0,
        ("gateway_source_last_run_number", "berlin"): run_id,
        ("gateway_source_last_run_status", "berlin", "refused"): 1,
        ("gateway_source_last_run_status", "berlin", "succeeded"): 0,
        ("gateway_source_last_run_finished_timestamp_seconds", "berlin"): NOW.timestamp(),
        ("gateway_source_last_run_records", "berlin", "user", "created", "succeeded"): 7,
    }
    assert chosen(answer, expected) == expected


@pytest_twisted.ensureDeferred
async def test_metrics_are_there_when_the_store_is_not(serve: Serve, database: Database) -> None:
    serving = serve([], Metrics())
    database.close()
    answer = await fetch(serving.port, "GET", "/metrics")
    assert answer.status == 200
    found = values(answer)
    assert found[("gateway_store_up",)] == 0
    assert ("gateway_objects", "user") not in found


def test_two_programs_in_one_process_do_not_share_a_registry() -> None:
    one, other = Metrics(), Metrics()
    one.http_request("a", "b", 200, 1.0)
    assert b'operation="b"' in one.text()
    assert b'operation="b"' not in other.text()
