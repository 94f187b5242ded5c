"""What points at records that are gone, and what they point at.

A directory server takes a deleted entry out of its groups without a word (refint), so references by DN go with the record;
those by login name (memberUid) stay in the group at the source, and wait here for a record of that name to come back.
"""

from collections.abc import Iterable, Mapping

from gateway.model.connector import LOCAL
from gateway.model.records import ReferenceForm
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow
from gateway.store.records.references import Dangling, Pointer
from gateway.sync.batch_state import Work
from gateway.sync.references.references import note_lost


def release(work: Work, rows: Mapping[int, RecordRow]) -> None:
    """Records that are going to be removed: let go of them, and note what they pointed at as lost."""
    outgoing, _ = references.owned(work.connection, rows)
    work.know({pointer.target for pointer in outgoing} | set(rows))
    release_from_others(work, rows)
    for pointer in outgoing:
        note_lost(work, pointer)
    for record_id in rows:
        del work.targets[record_id]


def release_from_others(work: Work, rows: Mapping[int, RecordRow]) -> None:
    """Records that others can point at no longer; what they themselves say stays."""
    incoming = references.leading_to(work.connection, rows)
    work.know({pointer.owner for pointer in incoming} | set(rows))
    kept = [pointer for pointer in incoming if pointer.owner not in rows]
    references.remove(work.connection, incoming)
    references.add(work.connection, (), list(_waiting(kept, rows)))
    record_rows.forget_digests(work.connection, {pointer.owner for pointer in kept})
    for pointer in incoming:
        note_lost(work, pointer)


def _waiting(pointers: Iterable[Pointer], rows: Mapping[int, RecordRow]) -> Iterable[Dangling]:
    for pointer in pointers:
        row = rows[pointer.target]
        if row.source_id == LOCAL:  # an object that is gone does not come back under its id
            continue
        value = {ReferenceForm.LOGIN.value: row.login_key, ReferenceForm.ID.value: row.external_id}.get(pointer.form)
        if value:
            yield Dangling(row.source_id, pointer.form, value, pointer.owner, pointer.name, pointer.position)
