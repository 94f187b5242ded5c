"""Liveness and readiness: itemised, never held up, and honest about which part is not well."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.frontends.admin.health import (
    CHECK_SECONDS,
    MAX_LAG_CHANGES,
    Health,
    HealthCheck,
    examine,
    source_check,
    store_checks,
    view_check,
)
from gateway.frontends.admin.metrics import Metrics
from gateway.model.errors import StoreUnavailable
from gateway.model.records import Situation
from gateway.model.runs import RunStatistics, RunStatus
from gateway.store.engine.database import Database
from gateway.store.operations import source_state, sync_runs
from gateway.store.records import held_deletions, record_rows
from gateway.store.records.record_rows import RecordRow
from tests.frontends.admin.conftest import Serve
from tests.frontends.http.serving import fetch

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@dataclass
class View:
    """A view as the check sees it."""

    reader: Any
    position: int
    fault: str = ""


def well() -> Health:
    return Health(True, "fine")


def ill() -> Health:
    return Health(False, "not fine")


@pytest_twisted.ensureDeferred
async def test_a_process_that_answers_is_alive_whatever_else_is_wrong(serve: Serve) -> None:
    answer = await fetch(serve([HealthCheck("a", ill)], Metrics()).port, "GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "alive"})


@pytest_twisted.ensureDeferred
async def test_readiness_lists_every_check_in_order(serve: Serve) -> None:
    answer = await fetch(
        serve([HealthCheck("a", well), HealthCheck("b", ill, required=False)], Metrics()).port, "GET", "/readyz"
    )
    assert answer.status == 200
    assert answer.json == {
        "status": "ready",
        "checks": [
            {"name": "a", "required": True, "ok": True, "detail": "fine"},
            {"name": "b", "required": False, "ok": False, "detail": "not fine"},
        ],
    }


@pytest_twisted.ensureDeferred
async def test_a_required_check_that_fails_makes_it_503(serve: Serve) -> None:
    answer = await fetch(serve([HealthCheck("a", ill), HealthCheck("b", well)], Metrics()).port, "GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (503, "not ready")


@pytest_twisted.ensureDeferred
async def test_a_check_that_does_not_answer_fails_in_time_and_holds_up_no_other() -> None:
    clock = Clock()
    hanging: Deferred[Health] = Deferred()
    examining = Deferred.fromCoroutine(examine([HealthCheck("hangs", lambda: hanging), HealthCheck("b", well)], clock))
    clock.advance(CHECK_SECONDS)
    findings = await examining
    assert [(finding.name, finding.ok) for finding in findings] == [("hangs", False), ("b", True)]
    assert findings[0].detail == "the check failed: TimeoutError"


@pytest_twisted.ensureDeferred
async def test_an_error_of_ours_is_shown_and_an_unknown_one_only_named() -> None:
    def unavailable() -> Health:
        raise StoreUnavailable("the store is full: make room")

    def broken() -> Health | Awaitable[Health]:
        raise RuntimeError("password=hunter2")

    with capture_logs() as lines:
        findings = await examine([HealthCheck("a", unavailable), HealthCheck("b", broken)], Clock())
    assert [finding.detail for finding in findings] == ["the store is full: make room", "the check failed: RuntimeError"]
    assert [line["check"] for line in lines] == ["b"]


@pytest_twisted.ensureDeferred
async def test_a_store_with_our_schema_is_well(database: Database) -> None:
    findings = await examine(store_checks(database), Clock())
    assert [(finding.name, finding.ok) for finding in findings] == [("store", True), ("store writes", True), ("schema", True)]


@pytest_twisted.ensureDeferred
async def test_a_store_without_its_schema_says_what_to_do(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    empty.write_blocking(lambda connection: None)
    findings = await examine(store_checks(empty), Clock())
    empty.close()
    assert not findings[-1].ok
    assert "gateway migrate" in findings[-1].detail


@pytest.mark.parametrize(
    ("view", "ok", "says"),
    [
        (View(object(), 90), True, "10 changes behind the log, at change 90"),
        (View(None, 90), False, "being built"),
        (View(None, 90, "disk full; make room"), False, "disk full; make room"),
        (View(object(), 90, "disk full; make room"), False, "it stays at change 90, 10 behind the log: disk full; make room"),
        (View(object(), 100 - MAX_LAG_CHANGES - 1), False, "behind the log"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_view_is_ready_when_it_is_complete_and_close_to_the_log(view: View, ok: bool, says: str) -> None:
    (finding,) = await examine([view_check("openldap", view, lambda: 100)], Clock())
    assert (finding.name, finding.required, finding.ok) == ("view openldap", True, ok)
    assert says in finding.detail


@pytest.mark.parametrize(
    ("status", "error", "ok", "says"),
    [
        (None, "", False, "not been read yet"),
        (RunStatus.SUCCEEDED, "", True, "full run succeeded at 2026-11-01T08:00:00+00:00"),
        (RunStatus.FAILED, "ldap.example: no route", False, "full run failed at 2026-11-01T08:00:00+00:00: ldap.example"),
        (RunStatus.REFUSED, "would delete 400 users", False, "refused"),
        (RunStatus.RUNNING, "", True, "under way"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_source_shows_its_last_run_and_never_makes_the_gateway_unready(
    database: Database, status: RunStatus | None, error: str, ok: bool, says: str
) -> None:
    database.write_blocking(lambda connection: source_state.ensure(connection, "berlin", "ldap"))
    if status is not None:
        run_id = database.write_blocking(lambda connection: sync_runs.start(connection, "berlin", "full", "start", NOW))
        if status is not RunStatus.RUNNING:
            database.write_blocking(
                lambda connection: sync_runs.finish(connection, run_id, status, RunStatistics(), NOW, error)
            )
    (finding,) = await examine([source_check(database, "berlin")], Clock())
    assert (finding.required, finding.ok) == (False, ok)
    assert says in finding.detail


@pytest_twisted.ensureDeferred
async def test_law_8_held_deletions_are_said_whatever_the_last_run_did(database: Database) -> None:
    database.write_blocking(lambda connection: source_state.ensure(connection, "berlin", "ldap"))
    run_id = database.write_blocking(lambda connection: sync_runs.start(connection, "berlin", "full", "start", NOW))
    database.write_blocking(
        lambda connection: sync_runs.finish(connection, run_id, RunStatus.FAILED, RunStatistics(), NOW, "away")
    )
    row = RecordRow(1, "berlin", "user", "7", "", "", None, "{}", None, Situation.LINKED.value, "", "u7", "new", None)
    database.write_blocking(lambda connection: record_rows.insert(connection, [row]))
    database.write_blocking(lambda connection: held_deletions.hold(connection, "berlin", [1], NOW))
    (finding,) = await examine([source_check(database, "berlin")], Clock())
    assert not finding.ok
    assert "away; the deletion guard holds the deletions of 1 users" in finding.detail


@pytest_twisted.ensureDeferred
async def test_a_machine_that_asks_every_second_does_not_fill_the_log(serve: Serve) -> None:
    serving = serve([HealthCheck("a", well)], Metrics())
    with capture_logs() as lines:
        await fetch(serving.port, "GET", "/readyz")
        await fetch(serving.port, "GET", "/nowhere")
    assert [(line["log_level"], line["status"]) for line in lines] == [("debug", 200), ("info", 404)]
