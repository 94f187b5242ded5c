"""Memberships of users and groups in groups, each with the source that states it. Several sources may state the same one: it
ends with the last of them."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, bindparam, distinct, func, select

from gateway.model.objects import Kind, Member, Membership
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.tables.objects import memberships
from gateway.store.tables.operations import sources

_IN_GROUP = memberships.c.group_id == bindparam("group")
_MEMBERS = (
    select(memberships.c.member_id, memberships.c.member_kind)
    .distinct()
    .where(_IN_GROUP, memberships.c.member_id > bindparam("after"))
    .order_by(memberships.c.member_id)
    .limit(bindparam("most"))
)
_COUNT_MEMBERS = select(func.count(distinct(memberships.c.member_id))).where(
    _IN_GROUP, memberships.c.member_kind == bindparam("kind")
)
_MEMBERS_OF = select(memberships.c.group_id, memberships.c.member_id, memberships.c.member_kind).where(
    any_of(memberships.c.group_id, "groups")
)
_GROUPS_OF = select(memberships.c.member_id, memberships.c.group_id).where(any_of(memberships.c.member_id, "members"))
_MEMBERSHIPS = (
    select(
        memberships.c.group_id,
        func.min(memberships.c.member_kind),
        func.min(memberships.c.source_id).label("source"),
    )
    .where(memberships.c.member_id == bindparam("member"), memberships.c.group_id > bindparam("after"))
    .group_by(memberships.c.group_id)
    .order_by(memberships.c.group_id)
    .limit(bindparam("most"))
)
_STATED = (
    select(memberships.c.group_id, memberships.c.source_id)
    .where(memberships.c.member_id == bindparam("member"))
    .order_by(memberships.c.group_id, memberships.c.source_id)
)
_TYPES = select(sources.c.id, sources.c.source_type).where(any_of(sources.c.id, "ids"))


def members(connection: Connection, group_id: str, after_id: str, limit: int) -> list[Member]:
    """Return at most `limit` direct members of the group whose ids follow `after_id` ("" to begin), in the order of their
    ids."""
    rows = connection.execute(_MEMBERS, {"group": group_id, "after": after_id, "most": limit})
    return [Member(Kind(kind), member_id) for member_id, kind in rows]


def count_members(connection: Connection, group_id: str, kind: Kind) -> int:
    """Return the number of direct members of this kind."""
    return int(connection.execute(_COUNT_MEMBERS, {"group": group_id, "kind": kind.value}).scalar_one())


def members_of(connection: Connection, group_ids: Collection[str]) -> dict[str, list[Member]]:
    """Return the direct members of each group, in no particular order, each once; a group without members is left out."""
    found: dict[str, dict[Member, None]] = {}
    for group_id, member_id, kind in connection.execute(_MEMBERS_OF, {"groups": group_ids}):
        found.setdefault(group_id, {})[Member(Kind(kind), member_id)] = None
    return {group_id: list(unique) for group_id, unique in found.items()}


def group_ids_of(connection: Connection, member_ids: Collection[str]) -> dict[str, set[str]]:
    """Return the ids of the groups that each of these users and groups is a direct member of; one without any is left out."""
    found: dict[str, set[str]] = {}
    for member_id, group_id in connection.execute(_GROUPS_OF, {"members": member_ids}):
        found.setdefault(member_id, set()).add(group_id)
    return found


def stated_of(connection: Connection, member_id: str) -> dict[str, list[str]]:
    """Return the groups that a user or group is a direct member of, each with the sources that state it."""
    found: dict[str, list[str]] = {}
    for group_id, source_id in connection.execute(_STATED, {"member": member_id}):
        found.setdefault(group_id, []).append(source_id)
    return found


def groups_of(connection: Connection, member_id: str, after_id: str, limit: int) -> list[Membership]:
    """Return at most `limit` memberships of a user or group, one for each group, in the order of the groups' ids after
    `after_id` ("" to begin). When several sources state one, the first by name is given."""
    rows = connection.execute(_MEMBERSHIPS, {"member": member_id, "after": after_id, "most": limit}).all()
    types = dict(connection.execute(_TYPES, {"ids": {row.source for row in rows}}).all())
    return [
        Membership(group_id, Member(Kind(kind), member_id), types.get(source, ""), source) for group_id, kind, source in rows
    ]


# ---- writing: for gateway/sync, under the lock of the change log


def add(connection: Connection, source_id: str, pairs: Sequence[tuple[str, Member]]) -> None:
    """Store that a source states these `(group id, member)` memberships; those that are stored already stay."""
    rows = [(group_id, member.id, source_id, member.kind.value) for group_id, member in pairs]
    bulk.insert(connection, memberships, rows, ignore_known=True)


def remove(connection: Connection, source_id: str, pairs: Iterable[tuple[str, Member]]) -> None:
    """Store that a source no longer states these memberships."""
    rows = [(group_id, member.id, source_id) for group_id, member in pairs]
    bulk.delete(connection, memberships, ("group_id", "member_id", "source_id"), rows)


def remove_objects(connection: Connection, object_ids: Collection[str]) -> None:
    """Delete every membership of and in these objects, of all sources: the objects are being deleted."""
    remove_members(connection, object_ids)
    bulk.delete(connection, memberships, ("group_id",), [(object_id,) for object_id in object_ids])


def remove_members(connection: Connection, object_ids: Collection[str]) -> None:
    """Delete every membership of these objects, of all sources."""
    bulk.delete(connection, memberships, ("member_id",), [(object_id,) for object_id in object_ids])


_PAIRS = select(memberships.c.group_id, memberships.c.member_id).where(
    any_of(memberships.c.group_id, "groups"), any_of(memberships.c.member_id, "members")
)


def existing(connection: Connection, group_ids: Collection[str], member_ids: Collection[str]) -> set[tuple[str, str]]:
    """Return the `(group id, member id)` pairs among these that any source states."""
    rows = connection.execute(_PAIRS, {"groups": group_ids, "members": member_ids})
    return {(group_id, member_id) for group_id, member_id in rows}
