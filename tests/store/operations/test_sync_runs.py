"""Sync runs are kept with their statistics, the last ones of each source."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result, RunStatistics, RunStatus
from gateway.store.engine.database import Database
from gateway.store.operations import sync_runs

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_runs_are_kept_with_their_numbers_and_the_oldest_are_forgotten(database: Database) -> None:
    statistics = RunStatistics({(Kind.USER, Outcome.CREATED, Result.SUCCEEDED): 3})

    def many(connection: sa.Connection) -> int:
        for _ in range(sync_runs.KEPT + 5):
            number = sync_runs.start(connection, "hr", "full", "start", NOW)
        sync_runs.progress(connection, number, statistics)
        sync_runs.finish(connection, number, RunStatus.FAILED, statistics, LATER, "it broke")
        return number

    last = database.write_blocking(many)
    run = database.read_blocking(lambda c: sync_runs.get(c, last))
    assert run is not None
    assert (run.statistics, run.status, run.finished_at, run.error) == (statistics, RunStatus.FAILED, LATER, "it broke")
    assert len(database.read_blocking(lambda c: sync_runs.latest(c, "hr", 1000))) == sync_runs.KEPT
    assert database.write_blocking(lambda c: sync_runs.abandon(c, "hr", NOW, "died")) == sync_runs.KEPT - 1
    assert database.read_blocking(lambda c: sync_runs.latest(c, "hr"))[0].id == last
