"""Records that leave their object because a person says so: what they say, and what is said of them, goes with them. Neither
the object that they leave nor the one that they come to is made anew."""

from collections.abc import Collection

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind, Member
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow, Target
from gateway.store.records.references import Pointer
from gateway.sync.batch_state import Touched, Work
from gateway.sync.intake import record_changes
from gateway.sync.references.references import note_new
from gateway.sync.references.subtree_renames import unseat


def let_go(work: Work, rows: Collection[RecordRow], *, former_goes: bool = False) -> None:
    """Take these records, all of the work's source, from the objects that they have; linking finds them others. With
    `former_goes` those objects are about to be deleted."""
    for row in rows:
        touched = record_changes.again(row._replace(object_id=None, decided_by=None, decided_at=None))
        touched.old = row
        work.touched[row.id] = touched
        if row.object_id is not None and not former_goes:
            work.to_resolve.add(row.object_id)
            work.to_place[row.object_id] = touched.kind
    # What the source accepted as the password of one is none of the other.
    passwords.forget_verifiers(work.connection, [row.object_id for row in rows if row.object_id is not None])


def follow(work: Work) -> None:
    """Memberships and places go with the records that have moved. They must be stored."""
    moved = {record_id: touched for record_id, touched in work.touched.items() if _has_moved(touched)}
    if not moved:
        return
    work.moved_to_others |= moved.keys()
    incoming = references.leading_to(work.connection, moved)
    outgoing, _ = references.owned(work.connection, moved)
    pointers = set(incoming) | set(outgoing)
    work.know({pointer.owner for pointer in pointers} | {pointer.target for pointer in pointers} | moved.keys())
    before = {record_id: Target(record_id, one.kind.value, _object_before(one)) for record_id, one in moved.items()}
    for pointer in pointers:
        _note_lost(work, pointer, before)
    for pointer in pointers:
        note_new(work, pointer)
    for touched in moved.values():
        left = _object_before(touched)
        if left is not None and touched.kind is Kind.ORGANIZATION:
            unseat(work, left)


def others(connection: Connection, object_id: str, leaving: Collection[int]) -> list[RecordRow]:
    """The records of an object but these."""
    return [row for row in record_rows.linked_to(connection, (object_id,)) if row.id not in leaving]


def _has_moved(touched: Touched) -> bool:
    before = _object_before(touched)
    return before is not None and before != touched.row.object_id


def _object_before(touched: Touched) -> str | None:
    return None if touched.old is None else touched.old.object_id


def _note_lost(work: Work, pointer: Pointer, before: dict[int, Target]) -> None:
    """The reference was between the objects that its records had before."""
    owner = before.get(pointer.owner, work.targets[pointer.owner])
    target = before.get(pointer.target, work.targets[pointer.target])
    if owner.object_id is None:
        return
    if pointer.name != MEMBERS:
        work.to_place[owner.object_id] = Kind(owner.kind)
    elif target.object_id is not None:
        work.lost_members.add((owner.object_id, Member(Kind(target.kind), target.object_id)))
