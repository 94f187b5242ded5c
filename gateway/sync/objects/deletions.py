"""Records that are gone from their source, and the objects that nobody speaks for any more: deleted, unless they stay
(leavers.py)."""

from collections.abc import Collection

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind, Member
from gateway.model.records import DECIDED_BY_ADDITION
from gateway.model.runs import Outcome
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import groups, memberships, organizations, users
from gateway.store.records import record_rows
from gateway.sync.batch_state import Work
from gateway.sync.objects import leavers
from gateway.sync.references import reference_release


def remove(work: Work, gone: Collection[int]) -> None:
    """Remove these records. Of an object without another record that is there becomes what the rules of its source say."""
    _remove(work, gone, by_source=True)


def expire(work: Work, overdue: Collection[int]) -> None:
    """Remove these records of leavers, whose time of grace is over, and the users that have no other record, be it that of a
    leaver too."""
    _remove(work, overdue, by_source=False)


def _remove(work: Work, gone: Collection[int], *, by_source: bool) -> None:
    """`by_source`: a source says so, and objects may stay; else nothing stays but what has another record of any sort."""
    if not gone:
        return
    rows = record_rows.by_id(work.connection, gone)
    counted = list(rows.values())
    object_ids = {row.object_id: Kind(row.kind) for row in counted if row.object_id is not None}
    others = [row for row in record_rows.linked_to(work.connection, object_ids) if row.id not in rows]
    going_on = {
        row.object_id for row in others if row.decided_by != DECIDED_BY_ADDITION and (row.gone_at is None or not by_source)
    }
    last = [row for row in counted if row.object_id is not None and row.object_id not in going_on]
    staying = leavers.stay(work, last) if by_source else {}
    going_on |= {row.object_id for row in staying.values()}
    rows = {record_id: row for record_id, row in rows.items() if record_id not in staying}
    rows |= {row.id: row for row in others if row.object_id not in going_on}
    reference_release.release(work, rows)
    work.to_resolve |= {object_id for object_id in going_on if object_id is not None}
    work.to_place.update({object_id: kind for object_id, kind in object_ids.items() if object_id in going_on})
    record_rows.remove(work.connection, list(rows))
    _delete(work, {object_id: kind for object_id, kind in object_ids.items() if object_id not in going_on})
    for row in counted:
        work.count(Kind(row.kind), Outcome.DELETED)


def erase(work: Work, object_ids: dict[str, Kind]) -> None:
    """Delete these objects, with whatever record they still have."""
    rows = {row.id: row for row in record_rows.linked_to(work.connection, object_ids)}
    reference_release.release(work, rows)
    record_rows.remove(work.connection, list(rows))
    _delete(work, object_ids)


def _delete(work: Work, object_ids: dict[str, Kind]) -> None:
    by_kind = {kind: [object_id for object_id, of_kind in object_ids.items() if of_kind is kind] for kind in Kind}
    if by_kind[Kind.ORGANIZATION]:
        _delete_organizations(work, by_kind[Kind.ORGANIZATION])
    if by_kind[Kind.USER]:
        _delete_users(work, by_kind[Kind.USER])
    if by_kind[Kind.GROUP]:
        groups.delete(work.connection, by_kind[Kind.GROUP])
        work.deletions[Kind.GROUP] += [_gone(work, Kind.GROUP, group_id) for group_id in by_kind[Kind.GROUP]]
    _leave_groups(work, by_kind)
    for object_id in object_ids:
        work.to_place.pop(object_id, None)


def _delete_users(work: Work, user_ids: list[str]) -> None:
    for user in users.get_many(work.connection, user_ids).values():
        work.freed_names.add(name_key(user.username))
        work.deletions[Kind.USER].append(_gone(work, Kind.USER, user.id, user.organization_ids))
    users.delete(work.connection, user_ids)


def _delete_organizations(work: Work, organization_ids: list[str]) -> None:
    """The deepest first; what was directly in them looks for the next organization above."""
    above = {identifier: organizations.ancestors(work.connection, identifier) for identifier in organization_ids}
    for identifier in sorted(organization_ids, key=lambda identifier: -len(above[identifier])):
        work.deletions[Kind.ORGANIZATION].append(_gone(work, Kind.ORGANIZATION, identifier, above[identifier]))
    for child_id in organizations.child_ids(work.connection, organization_ids):
        work.to_place[child_id] = Kind.ORGANIZATION
    for user_id in users.ids_directly_in(work.connection, organization_ids):
        work.to_place[user_id] = Kind.USER
    organizations.delete(work.connection, organization_ids)


def _leave_groups(work: Work, by_kind: dict[Kind, list[str]]) -> None:
    deleted_groups = set(by_kind[Kind.GROUP])
    members = {object_id: Member(kind, object_id) for kind in (Kind.USER, Kind.GROUP) for object_id in by_kind[kind]}
    if not members:
        return
    for member_id, group_ids in memberships.group_ids_of(work.connection, members).items():
        for group_id in group_ids - deleted_groups:
            work.departed[group_id].add(members[member_id])
    memberships.remove_objects(work.connection, members)


def _gone(work: Work, kind: Kind, object_id: str, before: tuple[str, ...] = ()) -> Change:
    return Change(0, work.now, kind, object_id, ChangeType.DELETE, work.source_id, None, before)
