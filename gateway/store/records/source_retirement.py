"""Retirement of a source: its records are handed over to the source `local`, or counted before they are deleted.

Everything that writes here is used under the lock of the change log."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from gateway.model.objects import Kind
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.sql_types import Query
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.objects import memberships
from gateway.store.tables.records import record_references, records

_OF_SOURCE = (records.c.source_id == bindparam("source"), records.c.kind == bindparam("kind"))
_NEXT = select(records).where(*_OF_SOURCE).order_by(records.c.id).limit(bindparam("most"))
_PRESENT = records.c.gone_at.is_(None)
_other = records.alias("other")
_ONLY_HERE = select(func.count(records.c.object_id.distinct())).where(
    *_OF_SOURCE,
    _PRESENT,
    records.c.object_id.is_not(None),
    ~select(_other.c.id)
    .where(
        _other.c.object_id == records.c.object_id,
        _other.c.source_id != records.c.source_id,
        _other.c.gone_at.is_(None),
        _other.c.decided_by != bindparam("addition"),
    )
    .exists(),
)
_MOVED = ("source_id", *RecordRow._fields[3:])


def rows_of(connection: Connection, source_id: str, kind: Kind, limit: int) -> list[RecordRow]:
    """Return at most `limit` records of a kind that a source has, those of leavers too."""
    parameters = {"source": source_id, "kind": kind.value, "most": limit}
    return [RecordRow._make(row) for row in connection.execute(_NEXT, parameters)]


def present_ids(connection: Connection, source_id: str, kind: Kind, limit: int) -> list[int]:
    """Return the ids of at most `limit` records of a kind that a source has, without those of leavers."""
    parameters = {"source": source_id, "kind": kind.value, "most": limit}
    return [row.id for row in connection.execute(_NEXT.where(_PRESENT), parameters)]


def count_only_here(connection: Connection, source_id: str, kind: Kind, addition: str) -> int:
    """Return the number of objects that no other source has; records that were linked by `addition` do not count."""
    parameters = {"source": source_id, "kind": kind.value, "addition": addition}
    return int(connection.execute(_ONLY_HERE, parameters).scalar_one())


def move(connection: Connection, rows: Sequence[RecordRow]) -> None:
    """Store records whose source and external id have changed."""
    bulk.update(connection, records, _MOVED, [(row.source_id, *row[3:], row.id) for row in rows])


def repoint(connection: Connection, old_id: int, new_id: int) -> None:
    """Move the references of one record, and those to it, to another record."""
    for mine, beside in (("owner", "target"), ("target", "owner")):
        column, partner = record_references.c[mine], record_references.c[beside]
        known = record_references.alias()
        repeated: Query = (
            select(literal_column("1"))
            .select_from(known)
            .where(known.c[mine] == new_id, known.c.name == record_references.c.name, known.c[beside] == partner)
        )
        connection.execute(delete(record_references).where(column == old_id, repeated.exists()))
        connection.execute(update(record_references).where(column == old_id).values({mine: new_id}))


def hand_over_memberships(connection: Connection, group_ids: Collection[str], source_id: str, to_source_id: str) -> None:
    """Move the memberships of these groups from one source to another."""
    chosen = any_of(memberships.c.group_id, "groups")
    known = memberships.alias()
    repeated: Query = (
        select(literal_column("1"))
        .select_from(known)
        .where(
            known.c.group_id == memberships.c.group_id,
            known.c.member_id == memberships.c.member_id,
            known.c.source_id == to_source_id,
        )
    )
    mine = memberships.c.source_id == source_id
    connection.execute(delete(memberships).where(mine, chosen, repeated.exists()), {"groups": group_ids})
    connection.execute(update(memberships).where(mine, chosen).values(source_id=to_source_id), {"groups": group_ids})
