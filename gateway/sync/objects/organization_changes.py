"""The stage of the door that creates and updates organizations: their new state compared with the stored one; what differs is
written and logged. One object, one change, one batch."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.model.changes import ChangeType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, Kind, Organization
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations
from gateway.sync.objects import object_changes
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.rules import authority
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Displacement, NumberedAttributes, OrganizationChanges, RenamedRecords, Resolution


def refresh(
    transaction: SourceTransaction,
    places: OrganizationPlaces,
    resolution: Resolution,
    numbered: NumberedAttributes,
    renamed: RenamedRecords,
    displacement: Displacement,
) -> OrganizationChanges:
    """Create and update organizations, parents before children."""
    ids = object_changes.stored_ids(resolution, displacement, Kind.ORGANIZATION)
    current = organizations.get_many(transaction.connection, ids)
    created = renamed.created_rows(Kind.ORGANIZATION)
    if not current and not created:
        return OrganizationChanges()
    displaced = [object_id for object_id in current if object_id in displacement.objects]
    parents = object_changes.place(transaction, places, Kind.ORGANIZATION, displaced, created)
    resolved = numbered.attributes
    new = {one: _changed(old, resolved.get(one), parents.get(one)) for one, old in current.items()}
    for object_id, row in created.items():
        new[object_id] = Organization(
            object_id,
            authority.name_of(Kind.ORGANIZATION, resolved[object_id]),
            parents[object_id][0],
            transaction.origin(row),
            transaction.now,
            transaction.now,
            authority.described(Kind.ORGANIZATION, resolved[object_id]),
        )
    fallbacks = (places.target(transaction.source_id), ROOT_ORGANIZATION_ID)
    new, problems = _without_cycles(transaction.connection, new, fallbacks)
    return OrganizationChanges(_write(transaction, current, new), problems)


def _changed(organization: Organization, attributes: Attributes | None, parents: tuple[str, ...] | None) -> Organization:
    if attributes is not None:
        organization = replace(
            organization,
            name=authority.name_of(Kind.ORGANIZATION, attributes) or organization.name,
            attributes=authority.described(Kind.ORGANIZATION, attributes),
        )
    return organization if parents is None else replace(organization, parent_id=parents[0])


def _write(transaction: SourceTransaction, current: Mapping[str, Organization], new: Mapping[str, Organization]) -> set[str]:
    connection, log = transaction.connection, []
    inserted: list[Organization] = []
    updated: list[Organization] = []
    for organization in _parents_first(new):
        old = current.get(organization.id)
        if old is None:
            inserted.append(organization)
            log.append(object_changes.change(transaction, ChangeType.CREATE, organization))
        elif organization != old:
            moved = old.parent_id != organization.parent_id
            before = organizations.ancestors(connection, organization.id) if moved else ()
            updated.append(replace(organization, updated_at=transaction.now))
            log.append(object_changes.change(transaction, ChangeType.UPDATE, updated[-1], before))
    organizations.insert(connection, inserted)
    organizations.update(connection, updated)
    return object_changes.append(transaction, log)


def _without_cycles(
    connection: Connection, new: Mapping[str, Organization], fallbacks: tuple[str, ...]
) -> tuple[dict[str, Organization], tuple[str, ...]]:
    """Put organizations that would come to lie below themselves below the first of the `fallbacks` where they do not. Returns
    the organizations, and a sentence about each that was put elsewhere."""
    parents: dict[str, str | None] = {organization.id: organization.parent_id for organization in new.values()}
    problems = []
    for organization_id, organization in new.items():
        for parent in fallbacks:
            if organization_id not in _above(connection, parents, organization_id):
                break
            parents[organization_id] = parent
        if parents[organization_id] != organization.parent_id:
            problems.append(f"organization {organization.name!r} would lie below itself: correct its parent at its source")
    placed = {identifier: replace(organization, parent_id=parents[identifier]) for identifier, organization in new.items()}
    return placed, tuple(problems)


def _above(connection: Connection, parents: dict[str, str | None], organization_id: str) -> set[str]:
    """Return all organizations above; `parents` has them as they are going to be, and gets the stored ones added."""
    above: set[str] = set()
    current = parents[organization_id]
    while current is not None and current not in above:
        above.add(current)
        if current not in parents:
            line = (current, *organizations.ancestors(connection, current))
            for below, parent in zip(line, (*line[1:], None), strict=True):
                parents.setdefault(below, parent)
        current = parents[current]
    return above


def _parents_first(new: Mapping[str, Organization]) -> Iterator[Organization]:
    done: set[str] = set()
    for organization in new.values():
        line = []
        current: Organization | None = organization
        while current is not None and current.id not in done:
            done.add(current.id)
            line.append(current)
            current = new.get(current.parent_id or "")
        yield from reversed(line)
