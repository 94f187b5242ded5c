"""From records to objects: the new state of every object that may have changed, compared with the stored one; what differs is
written and logged. One object, one change, one batch."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from gateway.model.attributes import PASSWORD_CHANGED
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, Organization, User
from gateway.model.records import DECIDED_BY_ADDITION
from gateway.store.log import changes
from gateway.store.objects import organizations, passwords, users
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.batch_state import Work
from gateway.sync.objects.placement import Placement
from gateway.sync.rules import authority, contributing_records

AT_ONCE = 1000
"""Objects in memory at a time: a renamed or removed organization may move 100,000 of them."""


def refresh_users(work: Work, placement: Placement) -> None:
    """Update and create users, in this order: who changes its name may free it for a new one."""
    for chunk in _chunks(_changing(work, Kind.USER)):
        current = users.get_many(work.connection, chunk)
        places = _places(work, placement, Kind.USER, [user_id for user_id in current if user_id in work.to_place])
        log = []
        unproved = []
        for user in current.values():
            new = _changed_user(work, user, places.get(user.id))
            if new != user:
                if _loses_verifiers(user, new):
                    unproved.append(user.id)
                _note_leaving(work, user, new)
                moved = new.organization_ids != user.organization_ids
                log.append(_change(work, replace(new, updated_at=work.now), user.organization_ids if moved else ()))
        new_users = [change.object for change in log if isinstance(change.object, User)]
        moved_ids = {change.object_id for change in log if change.organizations_before}
        users.update(work.connection, new_users, moved_ids)
        passwords.forget_verifiers(work.connection, unproved)
        _append(work, log)
    _create_users(work, placement)


def refresh_organizations(work: Work, placement: Placement) -> None:
    """Create and update organizations, parents before children."""
    current = organizations.get_many(work.connection, _changing(work, Kind.ORGANIZATION))
    created = [object_id for object_id, touched in work.created.items() if touched.kind is Kind.ORGANIZATION]
    if not current and not created:
        return
    rows = {object_id: [work.created[object_id].row] for object_id in created}
    parents = _places(work, placement, Kind.ORGANIZATION, [o for o in current if o in work.to_place], rows)
    new = {object_id: _changed_organization(work, old, parents.get(object_id)) for object_id, old in current.items()}
    new |= {object_id: _new_organization(work, object_id, parents[object_id]) for object_id in created}
    new = _without_circles(work, placement, new)
    log = []
    for organization in _parents_first(new):
        old = current.get(organization.id)
        if organization == old:
            continue
        before: tuple[str, ...] = ()
        if old is not None and old.parent_id != organization.parent_id:
            before = organizations.ancestors(work.connection, organization.id)
        log.append(_change(work, organization if old is None else replace(organization, updated_at=work.now), before))
    written = [change.object for change in log if isinstance(change.object, Organization)]
    organizations.insert(work.connection, [organization for organization in written if organization.id not in current])
    organizations.update(work.connection, [organization for organization in written if organization.id in current])
    _append(work, log)


def _create_users(work: Work, placement: Placement) -> None:
    created = {object_id: [t.row] for object_id, t in work.created.items() if t.kind is Kind.USER}
    if not created:
        return
    places = _places(work, placement, Kind.USER, (), created)
    log = []
    for object_id, (row,) in created.items():
        attributes = work.resolved[object_id]
        user = User(
            object_id,
            authority.name_of(Kind.USER, attributes),
            work.origin(row),
            work.now,
            work.now,
            authority.is_enabled(attributes),
            authority.described(Kind.USER, attributes),
            places[object_id],
        )
        log.append(_change(work, user))
    users.insert(work.connection, [change.object for change in log if isinstance(change.object, User)])
    _append(work, log)


def _changed_user(work: Work, user: User, places: tuple[str, ...] | None) -> User:
    attributes = work.resolved.get(user.id)
    if attributes is None and user.id in work.leaving:  # no record is left that could say anything
        return replace(user, enabled=False, gone_at=user.gone_at or work.now)
    if attributes is not None:
        gone_at = _gone_at(work, user)
        user = replace(
            user,
            username=authority.name_of(Kind.USER, attributes),
            enabled=gone_at is None and authority.is_enabled(attributes),
            attributes=authority.described(Kind.USER, attributes),
            gone_at=gone_at,
        )
    return user if places is None else replace(user, organization_ids=places)


def _gone_at(work: Work, user: User) -> datetime | None:
    if user.id not in work.recordless:
        return None
    return user.gone_at or (work.now if user.id in work.leaving else None)


def _note_leaving(work: Work, old: User, new: User) -> None:
    """Whoever leaves also leaves the groups, and whoever is back finds them (group_members.py)."""
    if new.gone_at is not None and old.gone_at is None:
        work.new_leavers.add(new.id)
    elif new.gone_at is None and old.gone_at is not None:
        work.returned.add(new.id)


def _loses_verifiers(old: User, new: User) -> bool:
    """Whether what was kept of the password for binds while the source is away counts no more."""
    return not new.enabled or old.attributes.get(PASSWORD_CHANGED) != new.attributes.get(PASSWORD_CHANGED)


def _new_organization(work: Work, object_id: str, parents: tuple[str, ...]) -> Organization:
    attributes = work.resolved[object_id]
    return Organization(
        object_id,
        authority.name_of(Kind.ORGANIZATION, attributes),
        parents[0],
        work.origin(work.created[object_id].row),
        work.now,
        work.now,
        authority.described(Kind.ORGANIZATION, attributes),
    )


def _changed_organization(work: Work, organization: Organization, parents: tuple[str, ...] | None) -> Organization:
    attributes = work.resolved.get(organization.id)
    if attributes is not None:
        organization = replace(
            organization,
            name=authority.name_of(Kind.ORGANIZATION, attributes) or organization.name,
            attributes=authority.described(Kind.ORGANIZATION, attributes),
        )
    return organization if parents is None else replace(organization, parent_id=parents[0])


def _without_circles(work: Work, placement: Placement, new: dict[str, Organization]) -> dict[str, Organization]:
    """Whoever would come to lie below itself goes below the source's target organization instead, or below the root."""
    parents: dict[str, str | None] = {organization.id: organization.parent_id for organization in new.values()}
    for organization_id, organization in new.items():
        for parent in (placement.target(work.source_id), ROOT_ORGANIZATION_ID):
            if organization_id not in _above(work, parents, organization_id):
                break
            parents[organization_id] = parent
        if parents[organization_id] != organization.parent_id:
            work.problems.append(f"organization {organization.name!r} would lie below itself: correct its parent at its source")
    return {identifier: replace(organization, parent_id=parents[identifier]) for identifier, organization in new.items()}


def _above(work: Work, parents: dict[str, str | None], organization_id: str) -> set[str]:
    """Whatever is above; `parents` has how it is going to be, and learns what is stored."""
    above: set[str] = set()
    current = parents[organization_id]
    while current is not None and current not in above:
        above.add(current)
        if current not in parents:
            line = (current, *organizations.ancestors(work.connection, current))
            for below, parent in zip(line, (*line[1:], None), strict=True):
                parents.setdefault(below, parent)
        current = parents[current]
    return above


def _parents_first(new: dict[str, Organization]) -> Iterator[Organization]:
    done: set[str] = set()
    for organization in new.values():
        line = []
        current: Organization | None = organization
        while current is not None and current.id not in done:
            done.add(current.id)
            line.append(current)
            current = new.get(current.parent_id or "")
        yield from reversed(line)


def _places(
    work: Work,
    placement: Placement,
    kind: Kind,
    existing: Iterable[str],
    rows: dict[str, list[RecordRow]] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Where each object belongs, by its records, whose order of authority is that of the places: those of `existing` objects
    are looked up, those of new ones given."""
    by_object: dict[str, list[RecordRow]] = dict(rows or {})
    for row in record_rows.linked_to(work.connection, list(existing)):
        if row.decided_by != DECIDED_BY_ADDITION:
            by_object.setdefault(row.object_id or "", []).append(row)
    there = {
        object_id: work.authority.ordered(contributing_records.present(linked), _source_of)
        for object_id, linked in by_object.items()
    }
    said = placement.place(kind, [row for linked in there.values() for row in linked])
    return {
        object_id: tuple(dict.fromkeys([place for row in linked for place in said[row.id]]))
        or (placement.target(linked[0].source_id),)
        for object_id, linked in there.items()
    }


def _source_of(row: RecordRow) -> str:
    return row.source_id


def _changing(work: Work, kind: Kind) -> list[str]:
    """The stored objects of a kind that must be looked at."""
    resolved = [object_id for object_id, of_kind in _kinds(work) if of_kind is kind]
    placed = [object_id for object_id, of_kind in work.to_place.items() if of_kind is kind]
    return list(dict.fromkeys(object_id for object_id in (*resolved, *placed) if object_id not in work.created))


def _kinds(work: Work) -> Iterator[tuple[str, Kind]]:
    for touched in work.touched.values():
        if touched.row.object_id in work.resolved:
            yield touched.row.object_id, touched.kind
    yield from ((object_id, kind) for object_id, kind in work.to_place.items() if object_id in work.resolved)


def _change(work: Work, thing: User | Organization, before: tuple[str, ...] = ()) -> Change:
    kind = Kind.USER if isinstance(thing, User) else Kind.ORGANIZATION
    change_type = ChangeType.CREATE if thing.id in work.created else ChangeType.UPDATE
    return Change(0, work.now, kind, thing.id, change_type, work.source_id, thing, before)


def _append(work: Work, log: list[Change]) -> None:
    work.updated.update(change.object_id for change in log)
    if log:
        changes.append(work.connection, log)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, AT_ONCE)):
        yield chunk
