"""Record keys: the keys that the rules of its source look for on behalf of each record, so that an object that comes later
finds the records that wait for it. For gateway/sync, under the lock of the change log."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from gateway.model.objects import Kind
from gateway.model.records import DECIDED_BY_PERSON
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.postgres import analyze
from gateway.store.engine.sql_types import Query
from gateway.store.tables.correlation import record_keys
from gateway.store.tables.records import records


class RecordKey(NamedTuple):
    """A row: an object of this kind with this key under this name is looked for. `links`: to be linked to it without a
    person."""

    kind: str
    name: str
    key: str
    record: int
    links: bool


class SearchingRecord(NamedTuple):
    """A record, linked to an object, for which rules look for a key."""

    key: str
    object_id: str
    source_id: str
    external_id: str


_SAME = (
    record_keys.c.kind == bindparam("kind"),
    record_keys.c.name == bindparam("name"),
    any_of(record_keys.c.key, "keys"),
)
# Keys first, then the records: joined, PostgreSQL goes through all records that are linked, or are not, once they are many.
_LOOKED_FOR = select(record_keys.c.key, record_keys.c.record).where(*_SAME)
_LOOKED_FOR_TO_LINK = _LOOKED_FOR.where(record_keys.c.links)
_BY_ID = any_of(records.c.id, "records", numbers=True)
_LINKED_SEARCHING = select(records.c.id, records.c.object_id, records.c.source_id, records.c.external_id).where(
    _BY_ID,
    records.c.object_id.is_not(None),
    records.c.decided_by.not_like(f"{DECIDED_BY_PERSON}%"),
    records.c.source_id != bindparam("source"),
)
_OF_RECORDS = select(record_keys).where(any_of(record_keys.c.record, "records", numbers=True))


def linked_searching(
    connection: Connection, source_id: str, kind: Kind, name: str, keys: Collection[str]
) -> Iterator[SearchingRecord]:
    """Yield the linked records of other sources for which rules look for one of the keys and would link; not those that a
    person has linked: rules do not override that."""
    found: dict[int, list[str]] = {}
    for key, record in _searching(connection, _LOOKED_FOR_TO_LINK, kind, name, keys):
        found.setdefault(record, []).append(key)
    if found:
        for record, *rest in connection.execute(_LINKED_SEARCHING, {"records": list(found), "source": source_id}):
            yield from (SearchingRecord(key, *rest) for key in found[record])


def searching(connection: Connection, kind: Kind, name: str, keys: Collection[str]) -> set[int]:
    """Return the records, linked or not, for which rules look for one of the keys."""
    return {record for _, record in _searching(connection, _LOOKED_FOR, kind, name, keys)}


def of_records(connection: Connection, record_ids: Collection[int]) -> set[RecordKey]:
    """Return all keys that are looked for on behalf of these records."""
    return {RecordKey(*row) for row in connection.execute(_OF_RECORDS, {"records": record_ids})} if record_ids else set()


def add(connection: Connection, keys: Collection[RecordKey]) -> None:
    """Store keys to be looked for; the records must be stored already."""
    bulk.insert(connection, record_keys, list(keys), ignore_known=True)
    if keys:
        analyze.analyze_if_grown(connection, record_keys)


def remove(connection: Connection, keys: Collection[RecordKey]) -> None:
    """Remove keys that are no longer looked for."""
    bulk.delete(connection, record_keys, RecordKey._fields[:4], [key[:4] for key in keys])


def _searching(connection: Connection, statement: Query, kind: Kind, name: str, keys: Collection[str]) -> list[tuple[str, int]]:
    if not keys:
        return []
    rows = connection.execute(statement, {"kind": kind.value, "name": name, "keys": keys})
    return [(key, record) for key, record in rows]
