"""Records that are gone from their source: what pointed at them, and the objects that nobody speaks for any more.

A directory server takes a deleted entry out of its groups without a word (refint), so references by DN go with the record;
those by login name (memberUid) stay in the group at the source, and wait here for a record of that name to come back.
"""

from collections.abc import Collection, Iterable

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind, Member
from gateway.model.records import ReferenceForm
from gateway.model.runs import Outcome
from gateway.model.source import LOCAL
from gateway.store import groups, memberships, organizations, record_rows, references, users
from gateway.store.keys import name_key
from gateway.store.record_rows import RecordRow
from gateway.store.references import Dangling, Pointer
from gateway.sync.correlation import DECIDED_BY_ADDITION
from gateway.sync.pointing import note_lost
from gateway.sync.work import Work


def remove(work: Work, gone: Collection[int]) -> None:
    """Remove these records, and the objects that have no other record."""
    if not gone:
        return
    rows = record_rows.by_id(work.connection, gone)
    object_ids = {row.object_id: Kind(row.kind) for row in rows.values() if row.object_id is not None}
    others = [row for row in record_rows.linked_to(work.connection, object_ids) if row.id not in rows]
    survivors = {row.object_id for row in others if row.decided_by != DECIDED_BY_ADDITION}
    counted = list(rows.values())
    rows |= {row.id: row for row in others if row.object_id not in survivors}
    _release_pointers(work, rows)
    work.to_resolve |= {object_id for object_id in survivors if object_id is not None}
    work.to_place.update({object_id: kind for object_id, kind in object_ids.items() if object_id in survivors})
    record_rows.remove(work.connection, list(rows))
    _delete(work, {object_id: kind for object_id, kind in object_ids.items() if object_id not in survivors})
    for row in counted:
        work.count(Kind(row.kind), Outcome.DELETED)


def _release_pointers(work: Work, rows: dict[int, RecordRow]) -> None:
    """What points at the records, and what they point at."""
    incoming = references.leading_to(work.connection, rows)
    outgoing, _ = references.owned(work.connection, rows)
    work.know({pointer.owner for pointer in incoming} | {pointer.target for pointer in outgoing} | set(rows))
    kept = [pointer for pointer in incoming if pointer.owner not in rows]
    references.remove(work.connection, incoming)
    references.add(work.connection, (), list(_waiting(kept, rows)))
    record_rows.forget_digests(work.connection, {pointer.owner for pointer in kept})
    for pointer in (*incoming, *outgoing):
        note_lost(work, pointer)
    for record_id in rows:
        del work.targets[record_id]


def _waiting(pointers: Iterable[Pointer], rows: dict[int, RecordRow]) -> Iterable[Dangling]:
    for pointer in pointers:
        row = rows[pointer.target]
        if row.source_id == LOCAL:  # an object that is gone does not come back under its id
            continue
        value = {ReferenceForm.LOGIN.value: row.login_key, ReferenceForm.ID.value: row.external_id}.get(pointer.form)
        if value:
            yield Dangling(row.source_id, pointer.form, value, pointer.owner, pointer.name, pointer.position)


def erase(work: Work, object_ids: dict[str, Kind]) -> None:
    """Delete these objects, with whatever record they still have."""
    rows = {row.id: row for row in record_rows.linked_to(work.connection, object_ids)}
    _release_pointers(work, rows)
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
