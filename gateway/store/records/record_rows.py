"""Records as the door (gateway/sync) works on them: rows, spots and targets instead of model values, many at a time. Everything
here is used under the lock of the log; everyone else reads records.py."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine import bulk
from gateway.store.engine.any_of import one_of
from gateway.store.engine.sql_types import TableRow
from gateway.store.tables.objects import organizations, users
from gateway.store.tables.records import record_references, records


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
    """What must be known of a record to see that nothing is new."""

    id: int
    digest: bytes | None
    situation: str


class Spot(NamedTuple):
    """Where a record stands: enough to point at it and to place it. `placed` is the JSON of a user's organizations now, or an
    organization's parent."""

    id: int
    kind: str
    dn: str
    dn_key: str
    object_id: str | None
    placed: str | None


class Target(NamedTuple):
    """A record that a reference leads to."""

    id: int
    kind: str
    object_id: str | None


class Claim(NamedTuple):
    """A source says that a group has a member."""

    source_id: str
    group_id: str
    member_id: str


_OF_SOURCE = records.c.source_id == bindparam("source")
_OF_KIND = records.c.kind == bindparam("kind")
# Written out: a planner takes a partial index only for a condition that it can read.
_NOT_LINKED = records.c.situation != literal_column("'linked'")
_HEADS = select(records.c.external_id, records.c.id, records.c.digest, records.c.situation).where(
    _OF_SOURCE, _OF_KIND, one_of(records.c.external_id, "names")
)
_BY_ID = select(records).where(one_of(records.c.id, "ids", numbers=True))
_BY_OBJECT = select(records).where(one_of(records.c.object_id, "objects")).order_by(records.c.decided_at, records.c.id)
_LAST_ID = select(func.coalesce(func.max(records.c.id), 0))
_TARGET = (records.c.id, records.c.kind, records.c.object_id)
_THERE = records.c.gone_at.is_(None)
_AT_DN = select(records.c.dn_key, *_TARGET).where(_OF_SOURCE, one_of(records.c.dn_key, "values"), _THERE).order_by(records.c.id)
_AT_LOGIN = (
    select(records.c.login_key, *_TARGET)
    .where(_OF_SOURCE, one_of(records.c.login_key, "values"), _THERE)
    .order_by(records.c.id)
)
_AT_ID = (
    select(records.c.external_id, *_TARGET)
    .where(_OF_SOURCE, one_of(records.c.kind, "kinds"), one_of(records.c.external_id, "values"), _THERE)
    .order_by(records.c.id)
)
_TARGETS = select(*_TARGET).where(one_of(records.c.id, "ids", numbers=True))
_BELOW = (
    select(
        records.c.id,
        records.c.kind,
        records.c.dn,
        records.c.dn_key,
        records.c.object_id,
        func.coalesce(users.c.organization_ids, organizations.c.parent_id).label("placed"),
    )
    .outerjoin(users, users.c.id == records.c.object_id)
    .outerjoin(organizations, organizations.c.id == records.c.object_id)
    .where(
        _OF_SOURCE,
        records.c.dn_key >= bindparam("after"),
        records.c.dn_key < bindparam("beyond"),
        (records.c.dn_key > bindparam("after")) | (records.c.id > bindparam("after_id")),
    )
    .order_by(records.c.dn_key, records.c.id)
    .limit(bindparam("most"))
)
_BEYOND_EVERY_ID = 2**62

_IDS = select(records.c.id).where(_OF_SOURCE, _OF_KIND, records.c.situation != Situation.DELETED.value)
_DISPUTED = (
    select(records)
    .outerjoin(users, users.c.username_key == records.c.login_key)
    .where(
        _OF_SOURCE,
        _NOT_LINKED,
        records.c.situation == Situation.DISPUTED.value,
        # What rules dispute waits for a second look (store/correlation/record_keys.py), not for a name.
        records.c.object_id.is_not(None) | records.c.decided_by.is_(None),
        users.c.id.is_(None) | one_of(records.c.login_key, "freed"),
    )
    .order_by(records.c.id)
)
_owner, _member = records.alias("owner"), records.alias("member")
_MEMBERS_SAID = (
    select(_owner.c.object_id, _member.c.object_id)
    .join_from(_owner, record_references, record_references.c.owner == _owner.c.id)
    .join(_member, _member.c.id == record_references.c.target)
    .where(
        _owner.c.source_id == bindparam("source"),
        one_of(_owner.c.object_id, "groups"),
        record_references.c.name == MEMBERS,
        _member.c.object_id.is_not(None),
    )
)
_HOLDING = select(records.c.object_id).where(
    _OF_SOURCE,
    one_of(records.c.object_id, "objects"),
    records.c.situation != Situation.DELETED.value,
    ~one_of(records.c.id, "leaving", numbers=True),
)
_MEMBERSHIPS_SAID = (
    select(_owner.c.source_id, _owner.c.object_id, _member.c.object_id)
    .join_from(_member, record_references, record_references.c.target == _member.c.id)
    .join(_owner, _owner.c.id == record_references.c.owner)
    .where(
        one_of(_member.c.object_id, "members"),
        _member.c.gone_at.is_(None),
        record_references.c.name == MEMBERS,
        _owner.c.object_id.is_not(None),
    )
)
_MULTIPLE = (
    select(records.c.object_id)
    .where(_OF_SOURCE, one_of(records.c.object_id, "objects"))
    .group_by(records.c.object_id)
    .having(func.count() > 1)
)


def heads(connection: Connection, source_id: str, kind: Kind, external_ids: Collection[str]) -> dict[str, Head]:
    """The heads of those records that exist, by external id."""
    parameters = {"source": source_id, "kind": kind.value, "names": external_ids}
    return {name: Head(*rest) for name, *rest in connection.execute(_HEADS, parameters)}


def by_id(connection: Connection, record_ids: Collection[int]) -> dict[int, RecordRow]:
    """The rows of these records."""
    return {row.id: _row(row) for row in connection.execute(_BY_ID, {"ids": record_ids})} if record_ids else {}


def linked_to(connection: Connection, object_ids: Collection[str]) -> list[RecordRow]:
    """The rows linked to these objects, in the order in which they were linked."""
    return [_row(row) for row in connection.execute(_BY_OBJECT, {"objects": object_ids})] if object_ids else []


def ids(connection: Connection, source_id: str, kind: Kind) -> set[int]:
    """The numbers of all records of this kind that the source has; those that are gone are not among them."""
    return set(connection.execute(_IDS, {"source": source_id, "kind": kind.value}).scalars())


def next_id(connection: Connection) -> int:
    """The number for the next new record."""
    return int(connection.execute(_LAST_ID).scalar_one()) + 1


def at_dn(connection: Connection, source_id: str, dn_keys: Collection[str]) -> list[tuple[str, Target]]:
    """Who has these names, by DN key; of several with one name the youngest comes last. Leavers have none."""
    rows = connection.execute(_AT_DN, {"source": source_id, "values": dn_keys})
    return [(key, Target(*rest)) for key, *rest in rows]


def at_login(connection: Connection, source_id: str, login_keys: Collection[str]) -> list[tuple[str, Target]]:
    """Who has these login names, by name key; as `at_dn`."""
    rows = connection.execute(_AT_LOGIN, {"source": source_id, "values": login_keys})
    return [(key, Target(*rest)) for key, *rest in rows]


def at_external_id(
    connection: Connection, source_id: str, kinds: Collection[Kind], external_ids: Collection[str]
) -> list[tuple[str, Target]]:
    """Who has these external ids, among records of these kinds; as `at_dn`."""
    parameters = {"source": source_id, "kinds": [kind.value for kind in kinds], "values": external_ids}
    return [(key, Target(*rest)) for key, *rest in connection.execute(_AT_ID, parameters)]


def targets(connection: Connection, record_ids: Collection[int]) -> dict[int, Target]:
    """What these records are, and to which objects they are linked."""
    return {row.id: Target(*row) for row in connection.execute(_TARGETS, {"ids": record_ids})} if record_ids else {}


def below(connection: Connection, source_id: str, dn_key: str, dn_end: str, at_once: int = 1000) -> Iterator[list[Spot]]:
    """The records whose names lie strictly between `dn_key` and `dn_end`, in chunks, in the order of their keys. The caller may
    move the records of a chunk out of the range, but not further up in it."""
    after, after_id = dn_key, _BEYOND_EVERY_ID
    while True:
        parameters = {"source": source_id, "after": after, "after_id": after_id, "beyond": dn_end, "most": at_once}
        found = [Spot(*row) for row in connection.execute(_BELOW, parameters)]
        if found:
            yield found
        if len(found) < at_once:
            return
        after, after_id = found[-1].dn_key, found[-1].id


def disputed(connection: Connection, source_id: str, freed: Collection[str]) -> list[RecordRow]:
    """The source's records in the situation `disputed` whose login name nobody has now, or is among those being `freed`."""
    return [_row(row) for row in connection.execute(_DISPUTED, {"source": source_id, "freed": freed})]


def with_several(connection: Connection, source_id: str, object_ids: Collection[str]) -> set[str]:
    """Those of the objects that several records of this source are linked to."""
    return set(connection.execute(_MULTIPLE, {"source": source_id, "objects": object_ids}).scalars())


def holding(connection: Connection, source_id: str, object_ids: Collection[str], leaving: Collection[int]) -> set[str]:
    """Those of the objects that a record of this source is linked to, and not gone, leaving out the records `leaving`."""
    parameters = {"source": source_id, "objects": object_ids, "leaving": leaving}
    return set(connection.execute(_HOLDING, parameters).scalars())


def members_said(connection: Connection, source_id: str, group_ids: Collection[str]) -> set[tuple[str, str]]:
    """The `(group id, member id)` pairs that records of this source say of these groups."""
    rows = connection.execute(_MEMBERS_SAID, {"source": source_id, "groups": group_ids})
    return {(group_id, member_id) for group_id, member_id in rows}


def memberships_said(connection: Connection, member_ids: Collection[str]) -> list[Claim]:
    """What records of any source say of the groups that these objects are in."""
    return [Claim(*row) for row in connection.execute(_MEMBERSHIPS_SAID, {"members": member_ids})]


def insert(connection: Connection, rows: Sequence[RecordRow]) -> None:
    """Store new records, whose numbers follow each other."""
    bulk.insert(connection, records, rows)
    if rows and connection.dialect.name == "postgresql":
        _refresh_statistics(connection, rows[0].id, rows[-1].id)


_ANALYZE = (
    "ANALYZE records, record_references, record_keys, object_keys, "
    "organizations, users, user_organizations, groups, memberships, posix_numbers"
)


def _refresh_statistics(connection: Connection, first: int, last: int) -> None:
    """Let PostgreSQL count anew each time the records have become eight times as many. It does that by itself a minute later;
    until then its planner reads whole tables, and a first load takes twenty times as long (measured)."""
    if (first - 1).bit_length() // 3 != last.bit_length() // 3:
        connection.exec_driver_sql(_ANALYZE)


_MUTABLE = RecordRow._fields[4:]


def replace(connection: Connection, rows: Sequence[RecordRow]) -> None:
    """Store the new state of records."""
    bulk.update(connection, records, _MUTABLE, [(*row[4:], row.id) for row in rows])


def rename(connection: Connection, names: Sequence[tuple[str, str, int]]) -> None:
    """Give records new names: `(dn, dn_key, record id)` each."""
    bulk.update(connection, records, ("dn", "dn_key"), names)


_FORGET_DIGESTS = update(records).where(one_of(records.c.id, "ids", numbers=True)).values(digest=None)
_FORGET_ALL_DIGESTS = update(records).where(_OF_SOURCE).values(digest=None)


def forget_digests(connection: Connection, record_ids: Collection[int]) -> None:
    """Work through the next report of these records even if it says what the last one said."""
    if record_ids:
        connection.execute(_FORGET_DIGESTS, {"ids": record_ids})


def forget_all_digests(connection: Connection, source_id: str) -> None:
    """As `forget_digests`, for all records of a source."""
    connection.execute(_FORGET_ALL_DIGESTS, {"source": source_id})


_DELETE = delete(records).where(one_of(records.c.id, "ids", numbers=True))


def remove(connection: Connection, record_ids: Collection[int]) -> None:
    """Remove records; what they point at goes with them, what points at them must have been dealt with."""
    connection.execute(_DELETE, {"ids": record_ids})


def _row(row: TableRow) -> RecordRow:
    return RecordRow._make(row)
