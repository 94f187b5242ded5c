"""Compares the references in the reports with the stored ones. A reference that leads nowhere waits in the store until its
target appears (dangling_references.py)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.model.deltas import MEMBERS
from gateway.model.records import ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows, references
from gateway.store.records.references import DanglingReference, RecordReference
from gateway.sync.references.record_names import RecordNames, comparable
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.references.reference_names import allowed
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecords, RenamedRecords

MAX_VALUE_BYTES = 2000
"""As for DN keys: longer names cannot be index entries in PostgreSQL."""


@dataclass(slots=True)
class _Reported:
    """The references in one record's report under one name."""

    owner: int
    name: str
    references: list[tuple[ReferenceForm, str]]


@dataclass(slots=True)
class Difference:
    """The references that the store lacks and has too many: `dangling` lead nowhere, `settled` did."""

    added: list[RecordReference] = field(default_factory=list)
    removed: list[RecordReference] = field(default_factory=list)
    dangling: list[DanglingReference] = field(default_factory=list)
    settled: list[DanglingReference] = field(default_factory=list)

    def store(self, connection: Connection, effects: ReferenceEffects) -> None:
        """Write the difference, and note its effects."""
        references.remove(connection, self.removed, self.settled)
        references.add(connection, self.added, self.dangling)
        effects.load(pointer.target for pointer in self.removed)
        for pointer in self.removed:
            effects.note_lost(pointer)
        for pointer in self.added:
            effects.note_new(pointer)


def store_reported(
    transaction: SourceTransaction, renamed: RenamedRecords, effects: ReferenceEffects
) -> list[DanglingReference]:
    """Bring the stored references to what the records' reports say; return those that lead nowhere. The records must be stored
    already."""
    reported = _reported(renamed.records)
    if not reported:
        return []
    _follow_renames(transaction.connection, renamed, reported)
    difference = _compare(transaction, renamed.records, reported)
    difference.store(transaction.connection, effects)
    return difference.dangling


def owners_that_differ(transaction: SourceTransaction, records: PendingRecords) -> set[int]:
    """Return the records whose reports lead to other records than the stored references do. Writes nothing."""
    difference = _compare(transaction, records, _reported(records))
    return {pointer.owner for pointer in difference.added + difference.removed}


def _reported(records: PendingRecords) -> list[_Reported]:
    return [
        _Reported(record_id, name, [comparable(reference) for reference in wanted])
        for record_id, record in records.items()
        if record.delta is not None and record.delta.references and not record.freezes_object
        for name, wanted in record.delta.references.items()
    ]


def _follow_renames(connection: Connection, renamed: RenamedRecords, reported: list[_Reported]) -> None:
    """Bring references that were reported before an entry was renamed in the same batch to its new name: they mean the entry
    all the same. A server that does not correct its groups (refint) will report the old name again, and then it leads nowhere:
    so that report must be looked at."""
    if not renamed.renames:
        return
    for one in reported:
        batch_index = renamed.records[one.owner].batch_index
        later = [(old_key, new_key) for index, old_key, new_key in renamed.renames if index > batch_index]
        followed = [(form, _followed(value, later) if form is ReferenceForm.DN else value) for form, value in one.references]
        if followed != one.references:
            one.references = followed
            record_rows.forget_digests(connection, (one.owner,))


def _followed(dn_key: str, renames: Iterable[tuple[str, str]]) -> str:
    for old_key, new_key in renames:
        if dn_key.startswith(old_key):
            dn_key = new_key + dn_key[len(old_key) :]
    return dn_key


def _compare(transaction: SourceTransaction, records: PendingRecords, reported: list[_Reported]) -> Difference:
    names = RecordNames(transaction, (reference for one in reported for reference in one.references))
    known = [one.owner for one in reported if records[one.owner].stored is not None]
    stored_pointers, stored_dangling = references.owned(transaction.connection, known) if known else ([], [])
    pointers: defaultdict[tuple[int, str], dict[int, RecordReference]] = defaultdict(dict)
    waiting: defaultdict[tuple[int, str], dict[tuple[str, str], DanglingReference]] = defaultdict(dict)
    for pointer in stored_pointers:
        pointers[pointer.owner, pointer.name][pointer.target] = pointer
    for dangling in stored_dangling:
        waiting[dangling.owner, dangling.name][dangling.form, dangling.value] = dangling
    difference = Difference()
    for one in reported:
        stored = (pointers[one.owner, one.name], waiting[one.owner, one.name])
        _compare_one(transaction.source_id, one, names, *stored, difference)
    return difference


def _compare_one(
    source_id: str,
    one: _Reported,
    names: RecordNames,
    stored: dict[int, RecordReference],
    waiting: dict[tuple[str, str], DanglingReference],
    difference: Difference,
) -> None:
    """`stored` and `waiting` are used up: those left in them are no longer reported."""
    kinds = allowed(one.name)
    ordered = one.name != MEMBERS
    found: set[int] = set()
    for index, (form, value) in enumerate(one.references):
        position = index if ordered else 0
        target = names.target(form, value, kinds)
        if target is None:
            if (form.value, value) not in waiting and len(value) <= MAX_VALUE_BYTES // 4:
                difference.dangling.append(DanglingReference(source_id, form.value, value, one.owner, one.name, position))
            waiting.pop((form.value, value), None)
        elif target.id not in found:
            found.add(target.id)
            known = stored.pop(target.id, None)
            if known is None or known.position != position:
                difference.added.append(RecordReference(one.owner, one.name, target.id, form.value, position))
            if known is not None and known.position != position:
                difference.removed.append(known)
    difference.removed += stored.values()
    difference.settled += waiting.values()
