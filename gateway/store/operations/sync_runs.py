"""Sync runs: the runs of sources with their statistics; the last ones of each source are kept."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result, RunStatistics, RunStatus, SyncRun
from gateway.store.engine.column_codecs import milliseconds, optional_time_of, time_of
from gateway.store.engine.sql_types import TableRow
from gateway.store.tables.operations import runs

KEPT = 100
"""Runs kept of each source: with the default schedule, what happened since yesterday."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, int])


def start(connection: Connection, source_id: str, mode: str, trigger: str, now: datetime) -> int:
    """Store that a run begins; return its id. Runs of this source beyond KEPT are deleted."""
    row = {
        "source_id": source_id,
        "mode": mode,
        "trigger": trigger,
        "status": RunStatus.RUNNING.value,
        "started_at": milliseconds(now),
        "statistics": "{}",
        "error": "",
    }
    run_id = int(connection.execute(insert(runs).returning(runs.c.id), row).scalar_one())
    own = runs.c.source_id == source_id
    oldest_kept = select(runs.c.id).where(own).order_by(runs.c.id.desc()).limit(1).offset(KEPT - 1)
    connection.execute(delete(runs).where(own, runs.c.id < oldest_kept.scalar_subquery()))
    return run_id


def set_mode(connection: Connection, run_id: int, mode: str) -> None:
    """Store that the run has changed its mode."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(mode=mode))


def progress(connection: Connection, run_id: int, statistics: RunStatistics) -> None:
    """Store the run's statistics so far."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(statistics=encode_statistics(statistics)))


def finish(
    connection: Connection, run_id: int, status: RunStatus, statistics: RunStatistics, now: datetime, error: str = ""
) -> None:
    """Store the end of a run."""
    values = {
        "status": status.value,
        "statistics": encode_statistics(statistics),
        "finished_at": milliseconds(now),
        "error": error,
    }
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))


def abandon(connection: Connection, source_id: str, now: datetime, error: str) -> int:
    """End the runs of this source that a dead process left behind; return their number."""
    values = {"status": RunStatus.FAILED.value, "finished_at": milliseconds(now), "error": error}
    left = update(runs).where(runs.c.source_id == source_id, runs.c.status == RunStatus.RUNNING.value)
    return connection.execute(left.values(values)).rowcount


def get(connection: Connection, run_id: int) -> SyncRun | None:
    """Return the run, or None."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def latest(connection: Connection, source_id: str, limit: int = 1) -> list[SyncRun]:
    """Return the last runs of a source, the newest first."""
    newest = select(runs).where(runs.c.source_id == source_id).order_by(runs.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(newest)]


def encode_statistics(statistics: RunStatistics) -> str:
    """Return statistics as JSON: {"user created succeeded": 3, …}."""
    return _encoder.encode({" ".join(key): count for key, count in statistics.counts.items()}).decode()


def _decode_statistics(document: str) -> RunStatistics:
    counts: Mapping[str, int] = _decoder.decode(document)
    return RunStatistics({_key(*text.split(" ")): count for text, count in counts.items()})


def _key(kind: str, outcome: str, result: str) -> tuple[Kind, Outcome, Result]:
    return Kind(kind), Outcome(outcome), Result(result)


def _run(row: TableRow) -> SyncRun:
    return SyncRun(
        row.id,
        row.source_id,
        row.mode,
        row.trigger,
        RunStatus(row.status),
        time_of(row.started_at),
        optional_time_of(row.finished_at),
        _decode_statistics(row.statistics),
        row.error,
    )
