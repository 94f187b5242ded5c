"""References to records that are gone, and those that these had.

A directory server takes a deleted entry out of its groups without a word (refint), so references by DN go with the record;
those by login name (memberUid) stay in the group at the source, and wait here for a record of that name to come back.
"""

from collections.abc import Iterable, Mapping

from gateway.model.connector import LOCAL
from gateway.model.records import ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow
from gateway.store.records.references import DanglingReference, RecordReference
from gateway.sync.references.reference_effects import ReferenceEffects


def release(connection: Connection, effects: ReferenceEffects, rows: Mapping[int, RecordRow]) -> None:
    """Let go of records that are going to be removed, and note the references that they had as lost."""
    outgoing, _ = references.owned(connection, rows)
    effects.load({pointer.target for pointer in outgoing} | set(rows))
    release_from_others(connection, effects, rows)
    for pointer in outgoing:
        effects.note_lost(pointer)


def release_from_others(connection: Connection, effects: ReferenceEffects, rows: Mapping[int, RecordRow]) -> None:
    """Take the references to these records from all others; the references that they have themselves stay."""
    incoming = references.leading_to(connection, rows)
    effects.load({pointer.owner for pointer in incoming} | set(rows))
    kept = [pointer for pointer in incoming if pointer.owner not in rows]
    references.remove(connection, incoming)
    references.add(connection, (), list(_waiting(kept, rows)))
    record_rows.forget_digests(connection, {pointer.owner for pointer in kept})
    for pointer in incoming:
        effects.note_lost(pointer)


def _waiting(pointers: Iterable[RecordReference], rows: Mapping[int, RecordRow]) -> Iterable[DanglingReference]:
    for pointer in pointers:
        row = rows[pointer.target]
        if row.source_id == LOCAL:  # an object that is gone does not come back under its id
            continue
        value = {ReferenceForm.LOGIN.value: row.login_key, ReferenceForm.ID.value: row.external_id}.get(pointer.form)
        if value:
            yield DanglingReference(row.source_id, pointer.form, value, pointer.owner, pointer.name, pointer.position)
