"""Shared steps of the stages that write objects: the stored objects that may change, the places of users and organizations, the
changes in the log."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind, Organization, User
from gateway.model.records import DECIDED_BY_ADDITION
from gateway.store.log import changes
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.rules import contributing_records
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Displacement, Resolution


def stored_ids(resolution: Resolution, displacement: Displacement, kind: Kind) -> list[str]:
    """Return the stored objects of a kind that may change: those with new attributes or without the name that they had, then
    those with another place."""
    resolved = [object_id for object_id, of_kind in resolution.kinds.items() if of_kind is kind]
    resolved += resolution.given_up if kind is Kind.USER else ()
    displaced = [object_id for object_id, of_kind in displacement.objects.items() if of_kind is kind]
    return list(dict.fromkeys(object_id for object_id in (*resolved, *displaced) if object_id not in resolution.created))


def place(
    transaction: SourceTransaction,
    places: OrganizationPlaces,
    kind: Kind,
    stored: Iterable[str],
    created: Mapping[str, RecordRow] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Return the organizations of each object, by its records, whose order of authority is that of the places: the records of
    `stored` objects are looked up, those of `created` ones given."""
    stored = list(stored)
    if not stored and not created:
        return {}
    by_object: dict[str, list[RecordRow]] = {object_id: [row] for object_id, row in (created or {}).items()}
    for row in record_rows.linked_to(transaction.connection, stored):
        if row.decided_by != DECIDED_BY_ADDITION:
            by_object.setdefault(row.object_id or "", []).append(row)
    contributing = {
        object_id: transaction.authority.ordered(contributing_records.present(linked), _source_of)
        for object_id, linked in by_object.items()
    }
    of_records = places.place(kind, [row for linked in contributing.values() for row in linked])
    return {
        object_id: tuple(dict.fromkeys([one for row in linked for one in of_records[row.id]]))
        or (places.target(linked[0].source_id),)
        for object_id, linked in contributing.items()
    }


def _source_of(row: RecordRow) -> str:
    return row.source_id


def change(
    transaction: SourceTransaction, change_type: ChangeType, thing: User | Organization, before: tuple[str, ...] = ()
) -> Change:
    """Return the change of an object. `before`: the organizations that it was in or below, when that is another one now."""
    kind = Kind.USER if isinstance(thing, User) else Kind.ORGANIZATION
    return Change(0, transaction.now, kind, thing.id, change_type, transaction.source_id, thing, before)


def append(transaction: SourceTransaction, log: Sequence[Change]) -> set[str]:
    """Append the changes to the change log; return the ids of their objects."""
    if log:
        changes.append(transaction.connection, log)
    return {one.object_id for one in log}
