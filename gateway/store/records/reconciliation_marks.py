"""Reconciliation marks: the records that a reconciliation in progress has met; at its end, unmarked records are gone from the
source."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine import bulk
from gateway.store.tables.records import reconciliation_marks, records

_MINE = (reconciliation_marks.c.source_id == bindparam("source"), reconciliation_marks.c.kind == bindparam("kind_"))
_CLEAR = delete(reconciliation_marks).where(*_MINE)
_COUNT = select(func.count()).select_from(reconciliation_marks).where(*_MINE)
_UNMARKED = select(records.c.id).where(
    records.c.source_id == bindparam("source"),
    records.c.kind == bindparam("kind_"),
    records.c.situation != Situation.DELETED.value,
    ~select(reconciliation_marks.c.record)
    .where(
        reconciliation_marks.c.source_id == records.c.source_id,
        reconciliation_marks.c.kind == records.c.kind,
        reconciliation_marks.c.record == records.c.id,
    )
    .exists(),
)


def clear(connection: Connection, source_id: str, kind: Kind) -> None:
    """Remove the marks of this kind: a reconciliation begins, or is done."""
    connection.execute(_CLEAR, {"source": source_id, "kind_": kind.value})


def mark(connection: Connection, source_id: str, kind: Kind, record_ids: Collection[int]) -> None:
    """Mark records that the reconciliation has met; idempotent."""
    rows = [(source_id, kind.value, record_id) for record_id in record_ids]
    bulk.insert(connection, reconciliation_marks, rows, ignore_known=True)


def count(connection: Connection, source_id: str, kind: Kind) -> int:
    """Return the number of marked records of this kind."""
    return int(connection.execute(_COUNT, {"source": source_id, "kind_": kind.value}).scalar_one())


def unmarked(connection: Connection, source_id: str, kind: Kind) -> list[int]:
    """Return the ids of the records of this kind that were there before and are not marked."""
    return list(connection.execute(_UNMARKED, {"source": source_id, "kind_": kind.value}).scalars())
