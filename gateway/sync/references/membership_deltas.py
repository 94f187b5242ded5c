"""Members that a report adds to a group or takes from it, beside all others, which stay: a group of 100,000 that gains a member
costs one row. Members only: the organizations of an object have an order, and are said as a whole."""

from typing import TypeAlias

from gateway.model.deltas import MEMBERS
from gateway.model.records import ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.records import references
from gateway.store.records.references import DanglingReference, RecordReference
from gateway.sync.references.record_names import RecordNames, comparable
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.references.reference_names import ALLOWED
from gateway.sync.references.references import Difference
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecords

_Members: TypeAlias = list[tuple[int, tuple[ReferenceForm, str]]]
"""(group record, member) pairs."""


def store_added_and_removed(
    transaction: SourceTransaction, records: PendingRecords, effects: ReferenceEffects
) -> list[DanglingReference]:
    """Store the members that the records' reports add and remove; return those that lead nowhere. The records must be stored
    already."""
    deltas = [(one.row.id, one.delta) for one in records.values() if one.delta is not None and not one.freezes_object]
    added = [(owner, comparable(one)) for owner, delta in deltas for one in delta.added.get(MEMBERS, ())]
    removed = [(owner, comparable(one)) for owner, delta in deltas for one in delta.removed.get(MEMBERS, ())]
    if not added and not removed:
        return []
    names = RecordNames(transaction, (reference for _, reference in added + removed))
    difference = Difference()
    _add(transaction.source_id, names, added, difference)
    _remove(transaction.connection, transaction.source_id, names, removed, difference)
    difference.store(transaction.connection, effects)
    return difference.dangling


def _add(source_id: str, names: RecordNames, added: _Members, difference: Difference) -> None:
    for owner, (form, value) in added:
        target = names.target(form, value, ALLOWED[MEMBERS])
        if target is None:
            difference.dangling.append(DanglingReference(source_id, form.value, value, owner, MEMBERS, 0))
        else:
            difference.added.append(RecordReference(owner, MEMBERS, target.id, form.value, 0))


def _remove(connection: Connection, source_id: str, names: RecordNames, removed: _Members, difference: Difference) -> None:
    gone = set()
    for owner, (form, value) in removed:
        target = names.target(form, value, ALLOWED[MEMBERS])
        if target is None:
            difference.settled.append(DanglingReference(source_id, form.value, value, owner, MEMBERS, 0))
        else:
            gone.add((owner, target.id))
    stored = references.leading_to(connection, {target for _, target in gone})
    difference.removed += [one for one in stored if one.name == MEMBERS and (one.owner, one.target) in gone]
