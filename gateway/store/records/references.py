"""References of records: to other records of their source (by id, so that a renamed target stays the target), and dangling
ones, to names that no reported record has yet. For gateway/sync, under the lock of the change log."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.records import dangling_references, record_references, records


class RecordReference(NamedTuple):
    """A reference to a record; a row of `record_references`. `form`: the form in which the source wrote it (ReferenceForm)."""

    owner: int
    name: str
    target: int
    form: str
    position: int


class DanglingReference(NamedTuple):
    """A reference whose target is not reported yet; a row of `dangling_references`."""

    source_id: str
    form: str
    value: str
    owner: int
    name: str
    position: int


_OWNED = select(record_references).where(any_of(record_references.c.owner, "owners", numbers=True))
_OWNED_DANGLING = select(dangling_references).where(any_of(dangling_references.c.owner, "owners", numbers=True))
_LEADING_TO = select(record_references).where(any_of(record_references.c.target, "targets", numbers=True))
_IS_SOURCE = dangling_references.c.source_id == bindparam("source")
_ANY = select(dangling_references.c.owner).where(_IS_SOURCE).limit(1)
_WAITING = select(dangling_references).where(
    _IS_SOURCE, dangling_references.c.form == bindparam("form"), any_of(dangling_references.c.value, "values")
)
_DANGLING = (_IS_SOURCE, dangling_references.c.name == bindparam("name"))
_DANGLING_COUNT = select(func.count(), func.count(dangling_references.c.owner.distinct())).where(*_DANGLING)
_DANGLING_ONE = select(dangling_references).where(*_DANGLING).limit(1)
_DANGLING_OWNERS = (
    select(records, func.count().label("references"), func.min(dangling_references.c.value).label("example"))
    .join_from(dangling_references, records, records.c.id == dangling_references.c.owner)
    .where(*_DANGLING, dangling_references.c.owner > bindparam("after"))
    .group_by(records.c.id)
    .order_by(records.c.id)
    .limit(bindparam("most"))
)
_NAMED = (
    select(record_references)
    .where(any_of(record_references.c.owner, "owners", numbers=True), record_references.c.name == bindparam("name"))
    .order_by(record_references.c.owner, record_references.c.position, record_references.c.target)
)


def owned(connection: Connection, owners: Collection[int]) -> tuple[list[RecordReference], list[DanglingReference]]:
    """Return all references of these records: those with a target, and the dangling ones."""
    parameters = {"owners": owners}
    return (
        [RecordReference(*row) for row in connection.execute(_OWNED, parameters)],
        [DanglingReference(*row) for row in connection.execute(_OWNED_DANGLING, parameters)],
    )


def named(connection: Connection, owners: Collection[int], name: str) -> list[RecordReference]:
    """Return the references of one name that have a target, those of each owner in their order."""
    if not owners:
        return []
    return [RecordReference(*row) for row in connection.execute(_NAMED, {"owners": owners, "name": name})]


def leading_to(connection: Connection, targets: Collection[int]) -> list[RecordReference]:
    """Return all references to these records."""
    return [RecordReference(*row) for row in connection.execute(_LEADING_TO, {"targets": targets})] if targets else []


def any_dangling(connection: Connection, source_id: str) -> bool:
    """Return True when a reference of the source is dangling: only then may one be waiting for a new record."""
    return connection.execute(_ANY, {"source": source_id}).first() is not None


def count_dangling(connection: Connection, source_id: str, name: str) -> tuple[int, int, DanglingReference | None]:
    """Return the number of dangling references of the source with this name, the number of their owners, and one of them."""
    parameters = {"source": source_id, "name": name}
    references, owners = connection.execute(_DANGLING_COUNT, parameters).one()
    row = connection.execute(_DANGLING_ONE, parameters).first() if references else None
    return references, owners, None if row is None else DanglingReference(*row)


def dangling_owners(
    connection: Connection, source_id: str, name: str, after: int = 0, limit: int = 100
) -> list[tuple[RecordRow, int, str]]:
    """Return the source's records with dangling references of this name, each with their number and one of the names that they
    lead to. `after`: the id of the record behind which to begin."""
    rows = connection.execute(_DANGLING_OWNERS, {"source": source_id, "name": name, "after": after, "most": limit})
    return [(RecordRow._make(row[:-2]), row.references, row.example) for row in rows]


def waiting_for(connection: Connection, source_id: str, form: str, values: Collection[str]) -> list[DanglingReference]:
    """Return the dangling references to one of these names."""
    parameters = {"source": source_id, "form": form, "values": values}
    return [DanglingReference(*row) for row in connection.execute(_WAITING, parameters)]


def add(connection: Connection, pointers: Sequence[RecordReference], dangling: Sequence[DanglingReference] = ()) -> None:
    """Store references; those that exist stay as they are."""
    bulk.insert(connection, record_references, pointers, ignore_known=True)
    bulk.insert(connection, dangling_references, dangling, ignore_known=True)


def remove(connection: Connection, pointers: Sequence[RecordReference], dangling: Sequence[DanglingReference] = ()) -> None:
    """Remove references."""
    bulk.delete(connection, record_references, RecordReference._fields[:3], [pointer[:3] for pointer in pointers])
    bulk.delete(connection, dangling_references, DanglingReference._fields[:5], [reference[:5] for reference in dangling])
