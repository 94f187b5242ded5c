"""References of records that went from one object to another, because a person decided so or a rule finds another: memberships
and places go with them."""

from collections.abc import Iterable

from gateway.model.objects import Kind
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations, users
from gateway.store.records import references
from gateway.store.records.record_lookup import Target
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.stage_results import PendingRecord, PendingRecords


def follow(connection: Connection, records: PendingRecords, effects: ReferenceEffects) -> bool:
    """Note the references of relinked records as lost for their former objects, and as new for those that they have now. The
    records must be stored. Returns whether there are any."""
    relinked = {record_id: record for record_id, record in records.items() if _is_relinked(record)}
    if not relinked:
        return False
    incoming = references.leading_to(connection, relinked)
    outgoing, _ = references.owned(connection, relinked)
    pointers = set(incoming) | set(outgoing)
    effects.load({pointer.owner for pointer in pointers} | {pointer.target for pointer in pointers} | relinked.keys())
    before = {record_id: Target(record_id, one.kind.value, _object_before(one)) for record_id, one in relinked.items()}
    for pointer in pointers:
        effects.note_lost(pointer, before)
    for pointer in pointers:
        effects.note_new(pointer)
    former = (_object_before(one) for one in relinked.values() if one.kind is Kind.ORGANIZATION)
    effects.displaced.update(objects_directly_in(connection, [object_id for object_id in former if object_id is not None]))
    return True


def objects_directly_in(connection: Connection, organization_ids: Iterable[str]) -> dict[str, Kind]:
    """Return the organizations and users that are directly in one of these: they look for another place when it goes."""
    ids = tuple(organization_ids)
    children = dict.fromkeys(organizations.child_ids(connection, ids), Kind.ORGANIZATION)
    return {**children, **dict.fromkeys(users.ids_directly_in(connection, ids), Kind.USER)}


def _is_relinked(record: PendingRecord) -> bool:
    before = _object_before(record)
    return before is not None and before != record.row.object_id


def _object_before(record: PendingRecord) -> str | None:
    return None if record.stored is None else record.stored.object_id
