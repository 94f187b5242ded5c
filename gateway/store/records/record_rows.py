"""Record rows: records as gateway/sync works on them, many at a time, as rows instead of model values.

Everything here is used under the lock of the change log; other callers read records.py."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.postgres import analyze
from gateway.store.engine.sql_types import TableRow
from gateway.store.tables.objects import users
from gateway.store.tables.records import records


class RecordRow(NamedTuple):
    """A row of the table, in the order of its columns. `attributes` is JSON, and `candidates` a JSON list of object
    ids; `kind` and `situation` are plain text; `digest` is of the report that the row is the outcome of, None when the same
    report must be worked through again."""

    id: int
    source_id: str
    kind: str
    external_id: str
    dn: str
    dn_key: str
    login_key: str | None
    attributes: str
    digest: bytes | None
    situation: str
    reason: str
    object_id: str | None
    decided_by: str | None
    decided_at: int | None
    gone_at: int | None = None
    candidates: str = "[]"


class Head(NamedTuple):
    """As much of a record as shows whether a report of it is new."""

    id: int
    digest: bytes | None
    situation: str


_OF_SOURCE = records.c.source_id == bindparam("source")
_OF_KIND = records.c.kind == bindparam("kind")
# Written out: a planner takes a partial index only for a condition that it can read.
_NOT_LINKED = records.c.situation != literal_column("'linked'")
_HEADS = select(records.c.external_id, records.c.id, records.c.digest, records.c.situation).where(
    _OF_SOURCE, _OF_KIND, any_of(records.c.external_id, "names")
)
_BY_ID = select(records).where(any_of(records.c.id, "ids", numbers=True))
_BY_OBJECT = select(records).where(any_of(records.c.object_id, "objects")).order_by(records.c.decided_at, records.c.id)
_LAST_ID = select(func.coalesce(func.max(records.c.id), 0))
_IDS = select(records.c.id).where(_OF_SOURCE, _OF_KIND, records.c.situation != Situation.DELETED.value)
_DISPUTED = (
    select(records)
    .outerjoin(users, users.c.username_key == records.c.login_key)
    .where(
        _OF_SOURCE,
        _NOT_LINKED,
        records.c.situation == Situation.DISPUTED.value,
        # What rules dispute waits for a recheck (store/correlation/rechecks.py), not for a name.
        records.c.object_id.is_not(None) | records.c.decided_by.is_(None),
        users.c.id.is_(None) | users.c.gone_at.is_not(None) | any_of(records.c.login_key, "freed"),
    )
    .order_by(records.c.id)
)
_DISPUTED_BY_RULES = (
    select(records)
    .where(
        _OF_SOURCE,
        _NOT_LINKED,
        records.c.situation == Situation.DISPUTED.value,
        records.c.object_id.is_(None),
        records.c.decided_by.is_not(None),
    )
    .order_by(records.c.id)
)
_HOLDING = select(records.c.object_id).where(
    _OF_SOURCE,
    any_of(records.c.object_id, "objects"),
    records.c.situation != Situation.DELETED.value,
    ~any_of(records.c.id, "leaving", numbers=True),
)
_MULTIPLE = (
    select(records.c.object_id)
    .where(_OF_SOURCE, any_of(records.c.object_id, "objects"))
    .group_by(records.c.object_id)
    .having(func.count() > 1)
)


def heads(connection: Connection, source_id: str, kind: Kind, external_ids: Collection[str]) -> dict[str, Head]:
    """Return the heads of those records that exist, by external id."""
    parameters = {"source": source_id, "kind": kind.value, "names": external_ids}
    return {name: Head(*rest) for name, *rest in connection.execute(_HEADS, parameters)}


def by_id(connection: Connection, record_ids: Collection[int]) -> dict[int, RecordRow]:
    """Return the rows of those records that exist, by id."""
    return {row.id: _row(row) for row in connection.execute(_BY_ID, {"ids": record_ids})} if record_ids else {}


def linked_to(connection: Connection, object_ids: Collection[str]) -> list[RecordRow]:
    """Return the rows linked to these objects, in the order in which they were linked."""
    return [_row(row) for row in connection.execute(_BY_OBJECT, {"objects": object_ids})] if object_ids else []


def ids(connection: Connection, source_id: str, kind: Kind) -> set[int]:
    """Return the ids of all records of this kind that the source has; those that are gone are not among them."""
    return set(connection.execute(_IDS, {"source": source_id, "kind": kind.value}).scalars())


def next_id(connection: Connection) -> int:
    """Return the id for the next new record."""
    return int(connection.execute(_LAST_ID).scalar_one()) + 1


def disputed(connection: Connection, source_id: str, freed: Collection[str]) -> list[RecordRow]:
    """Return the source's records in the situation `disputed` whose login name no user has but a leaver, or is among those
    `freed`."""
    return [_row(row) for row in connection.execute(_DISPUTED, {"source": source_id, "freed": freed})]


def disputed_by_rules(connection: Connection, source_id: str) -> list[RecordRow]:
    """Return the source's records for which rules have found objects and could not decide."""
    return [_row(row) for row in connection.execute(_DISPUTED_BY_RULES, {"source": source_id})]


def objects_with_several(connection: Connection, source_id: str, object_ids: Collection[str]) -> set[str]:
    """Return those of the objects to which several records of this source are linked."""
    return set(connection.execute(_MULTIPLE, {"source": source_id, "objects": object_ids}).scalars())


def linked_objects(connection: Connection, source_id: str, object_ids: Collection[str], leaving: Collection[int]) -> set[str]:
    """Return those of the objects to which a record of this source is linked that is not gone, nor among those `leaving`."""
    parameters = {"source": source_id, "objects": object_ids, "leaving": leaving}
    return set(connection.execute(_HOLDING, parameters).scalars())


def insert(connection: Connection, rows: Sequence[RecordRow]) -> None:
    """Store new records, whose ids follow each other."""
    bulk.insert(connection, records, rows)
    if rows:
        analyze.analyze_directory_if_grown(connection, rows[0].id, rows[-1].id)


_MUTABLE = RecordRow._fields[4:]


def replace(connection: Connection, rows: Sequence[RecordRow], stored: Mapping[int, RecordRow] | None = None) -> None:
    """Store the new state of records. `stored`: their present state by id, as far as the caller has read it."""
    before = {row.id: row[4:] for row in (stored or {}).values()}
    bulk.update_differing(connection, records, _MUTABLE, [(row[4:], before.get(row.id), row.id) for row in rows])


def rename(connection: Connection, names: Sequence[tuple[str, str, int]]) -> None:
    """Give records new names: `(dn, dn_key, record id)` each."""
    bulk.update(connection, records, ("dn", "dn_key"), names)


_FORGET_DIGESTS = update(records).where(any_of(records.c.id, "ids", numbers=True)).values(digest=None)
_FORGET_ALL_DIGESTS = update(records).where(_OF_SOURCE).values(digest=None)


_FORGET_CANDIDATES = (
    update(records)
    .where(_OF_SOURCE, _NOT_LINKED, records.c.situation == Situation.DISPUTED.value, records.c.object_id.is_(None))
    .values(candidates="[]")
)


def forget_digests(connection: Connection, record_ids: Collection[int]) -> None:
    """Have the next report of these records applied even if it equals the last one."""
    if record_ids:
        connection.execute(_FORGET_DIGESTS, {"ids": record_ids})


def forget_all_digests(connection: Connection, source_id: str) -> None:
    """Forget the digests of all records of a source, as `forget_digests`."""
    connection.execute(_FORGET_ALL_DIGESTS, {"source": source_id})


_DELETE = delete(records).where(any_of(records.c.id, "ids", numbers=True))


def remove(connection: Connection, record_ids: Collection[int]) -> None:
    """Remove records and their own references; references to them must have been removed before."""
    connection.execute(_DELETE, {"ids": record_ids})


def _row(row: TableRow) -> RecordRow:
    return RecordRow._make(row)


def forget_candidates(connection: Connection, source_id: str) -> None:
    """Have the source's disputed records without an object decided about as if they were new."""
    connection.execute(_FORGET_CANDIDATES, {"source": source_id})
