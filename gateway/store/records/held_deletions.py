"""Held deletions: the records that their source reports as gone and that the deletion guard keeps, each since when, until a
person decides or the source reports them again."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, optional_time_of
from gateway.store.records import records as model
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.records import held_deletions, records

_OF_SOURCE = held_deletions.c.source_id == bindparam("source")
_IDS = select(held_deletions.c.record).where(_OF_SOURCE)
_JOINED = held_deletions.join(records, records.c.id == held_deletions.c.record)
_COUNTS = select(records.c.kind, func.count()).select_from(_JOINED).where(_OF_SOURCE).group_by(records.c.kind)
_COUNT_PUT_BACK = (
    select(func.count())
    .select_from(_JOINED)
    .where(_OF_SOURCE, records.c.situation == Situation.LINKED.value, records.c.reason != "")
)
_SINCE = select(func.min(held_deletions.c.since)).where(_OF_SOURCE)
_NEXT = (
    select(records)
    .select_from(_JOINED)
    .where(_OF_SOURCE, records.c.id > bindparam("after"))
    .order_by(records.c.id)
    .limit(bindparam("most"))
)
_RELEASE = delete(held_deletions).where(_OF_SOURCE, any_of(held_deletions.c.record, "ids", numbers=True))
_RELEASE_ALL = delete(held_deletions).where(_OF_SOURCE)


def ids(connection: Connection, source_id: str) -> set[int]:
    """Return the ids of the source's records whose deletion is held."""
    return set(connection.execute(_IDS, {"source": source_id}).scalars())


def counts(connection: Connection, source_id: str) -> dict[Kind, int]:
    """Return the number of held deletions of a source by kind; kinds without any are left out."""
    found = {Kind(kind): count for kind, count in connection.execute(_COUNTS, {"source": source_id})}
    return {kind: found[kind] for kind in Kind if kind in found}


def count_put_back(connection: Connection, source_id: str) -> int:
    """Return how many of them had been carried out, and were taken back."""
    return int(connection.execute(_COUNT_PUT_BACK, {"source": source_id}).scalar_one())


def since(connection: Connection, source_id: str) -> datetime | None:
    """Return the time since when the earliest of them has been held; None when none is."""
    return optional_time_of(connection.execute(_SINCE, {"source": source_id}).scalar_one())


def after(connection: Connection, source_id: str, after: int = 0, limit: int = 100) -> list[tuple[int, Record]]:
    """Return the source's records whose deletion is held, each with its id, which is the next `after`."""
    rows = connection.execute(_NEXT, {"source": source_id, "after": after, "most": limit})
    return [(row.id, model.of_row(RecordRow._make(row))) for row in rows]


# ---- writing: for gateway/sync, under the lock of the change log


def hold(connection: Connection, source_id: str, record_ids: Collection[int], now: datetime) -> None:
    """Hold the deletion of these records; one that is held already keeps its time."""
    rows = [(source_id, record_id, milliseconds(now)) for record_id in record_ids]
    bulk.insert(connection, held_deletions, rows, ignore_known=True)


def release(connection: Connection, source_id: str, record_ids: Collection[int]) -> None:
    """Hold the deletion of these records no longer."""
    if record_ids:
        connection.execute(_RELEASE, {"source": source_id, "ids": record_ids})


def release_all(connection: Connection, source_id: str) -> None:
    """Hold no deletion of this source any longer."""
    connection.execute(_RELEASE_ALL, {"source": source_id})
