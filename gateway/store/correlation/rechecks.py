"""Rechecks: records without an object that are to be correlated again, because something that their rules look for has changed.

They are due when their source next reports. For gateway/sync, under the lock of the change log."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, Select, bindparam, delete, literal_column, select

from gateway.model.objects import Kind
from gateway.store.correlation import record_keys
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.tables.correlation import rechecks
from gateway.store.tables.records import records

_UNLINKED = select(records.c.id).where(any_of(records.c.id, "records", numbers=True), records.c.object_id.is_(None))
_DUE = (
    select(rechecks.c.record)
    .join(records, records.c.id == rechecks.c.record)
    .where(records.c.source_id == bindparam("source"))
    .order_by(rechecks.c.record)
    .limit(bindparam("most"))
)
_ANY_DUE: Select[tuple[str]] = select(literal_column("1")).select_from(rechecks).limit(1)
_CLEAR = delete(rechecks).where(any_of(rechecks.c.record, "records", numbers=True))


def schedule(connection: Connection, record_ids: Iterable[int]) -> None:
    """Schedule these records for a recheck."""
    bulk.insert(connection, rechecks, [(record,) for record in set(record_ids)], ignore_known=True)


def schedule_searching(connection: Connection, kind: Kind, name: str, keys: Collection[str]) -> None:
    """Schedule the records without an object whose rules look for one of these keys: the holders of the keys have changed."""
    searching = record_keys.searching(connection, kind, name, keys)
    if searching:
        schedule(connection, connection.execute(_UNLINKED, {"records": searching}).scalars())


def due(connection: Connection, source_id: str, limit: int) -> list[int]:
    """Return at most `limit` of the source's records that are due for a recheck."""
    if connection.execute(_ANY_DUE).first() is None:
        return []
    return list(connection.execute(_DUE, {"source": source_id, "most": limit}).scalars())


def clear(connection: Connection, record_ids: Collection[int]) -> None:
    """Note that these records have been checked again."""
    if record_ids:
        connection.execute(_CLEAR, {"records": record_ids})
