"""Membership claims: the memberships that records of sources state by their references, before the directory has them.

For gateway/sync, under the lock of the change log."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from gateway.model.deltas import MEMBERS
from gateway.store.engine.any_of import any_of
from gateway.store.tables.records import record_references, records


class MembershipClaim(NamedTuple):
    """The claim of a source that a group has a member."""

    source_id: str
    group_id: str
    member_id: str


_owner, _member = records.alias("owner"), records.alias("member")
_MEMBERS_SAID = (
    select(_owner.c.object_id, _member.c.object_id)
    .join_from(_owner, record_references, record_references.c.owner == _owner.c.id)
    .join(_member, _member.c.id == record_references.c.target)
    .where(
        _owner.c.source_id == bindparam("source"),
        any_of(_owner.c.object_id, "groups"),
        record_references.c.name == MEMBERS,
        _member.c.object_id.is_not(None),
    )
)
_MEMBERSHIPS_SAID = (
    select(_owner.c.source_id, _owner.c.object_id, _member.c.object_id)
    .join_from(_member, record_references, record_references.c.target == _member.c.id)
    .join(_owner, _owner.c.id == record_references.c.owner)
    .where(
        any_of(_member.c.object_id, "members"),
        _member.c.gone_at.is_(None),
        record_references.c.name == MEMBERS,
        _owner.c.object_id.is_not(None),
    )
)


def of_source(connection: Connection, source_id: str, group_ids: Collection[str]) -> set[tuple[str, str]]:
    """Return the `(group id, member id)` pairs that records of this source claim for these groups."""
    rows = connection.execute(_MEMBERS_SAID, {"source": source_id, "groups": group_ids})
    return {(group_id, member_id) for group_id, member_id in rows}


def of_members(connection: Connection, member_ids: Collection[str]) -> list[MembershipClaim]:
    """Return the claims of all sources that these objects are members of groups."""
    return [MembershipClaim(*row) for row in connection.execute(_MEMBERSHIPS_SAID, {"members": member_ids})]
