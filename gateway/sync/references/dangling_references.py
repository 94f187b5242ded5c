"""References that could not be followed when they were reported, or did not count: to records that appear, get another name, or
become objects in this batch. With this the order in which records arrive does not matter."""

from gateway.model.deltas import MEMBERS
from gateway.model.ldap import dn
from gateway.model.records import ReferenceForm
from gateway.store.records import record_rows, references
from gateway.store.records.references import Dangling, Pointer
from gateway.sync.batch_state import Touched, Work
from gateway.sync.references.references import ALLOWED, note_new


def lead_waiting(work: Work) -> None:
    """References that waited for a name which one of the touched or moved records has now."""
    if not references.any_dangling(work.connection, work.source_id):
        return
    names: dict[str, dict[str, int]] = {form.value: {} for form in ReferenceForm}
    rows = [touched.row for touched in work.touched.values() if _has_new_names(touched)]
    moved = work.moved_records - set(work.touched)
    for row in (*record_rows.by_id(work.connection, moved).values(), *rows):
        if row.gone_at is not None:  # a leaver moves along with what it was below, and nobody can point at it
            continue
        names[ReferenceForm.DN.value][row.dn_key] = row.id
        names[ReferenceForm.ID.value][row.external_id] = row.id
        names[ReferenceForm.LOGIN.value][row.login_key or ""] = row.id
    work.know(moved)
    for form, holders in names.items():
        holders.pop("", None)
        if holders:
            _settle(work, references.waiting_for(work.connection, work.source_id, form, holders), holders)


def _settle(work: Work, waiting: list[Dangling], holders: dict[str, int]) -> None:
    settled = [one for one in waiting if work.targets[holders[one.value]].kind in ALLOWED[one.name]]
    if not settled:
        return
    pointers = [Pointer(one.owner, one.name, holders[one.value], one.form, one.position) for one in settled]
    references.remove(work.connection, (), settled)
    references.add(work.connection, pointers)
    work.know(pointer.owner for pointer in pointers)
    for pointer in pointers:
        note_new(work, pointer)


def _has_new_names(touched: Touched) -> bool:
    old, new = touched.old, touched.row
    if old is None or old.gone_at is not None or (old.dn_key, old.login_key) != (new.dn_key, new.login_key):
        return True
    return old.object_id is None and new.object_id is not None  # another may have let go of the name


def join_newly_linked(work: Work) -> None:
    """Records that were stored before and have an object only now: what they point at, and what points at them, counts now."""
    joined = [
        record_id
        for record_id, touched in work.touched.items()
        if touched.old is not None and touched.old.object_id is None and touched.row.object_id is not None
    ]
    if not joined:
        return
    outgoing, _ = references.owned(work.connection, joined)
    pointers = outgoing + references.leading_to(work.connection, joined)
    work.know({pointer.owner for pointer in pointers} | {pointer.target for pointer in pointers})
    for pointer in pointers:
        note_new(work, pointer)


def note_missing_members(work: Work, *, compared: bool) -> None:
    """One problem for all the members that groups name and nobody is: of every group when the groups were `compared`, else of
    those that were first named in this batch."""
    if compared:
        members, groups, example = references.count_dangling(work.connection, work.source_id, MEMBERS)
    else:
        named = {one for one in work.unmet if one.name == MEMBERS}
        owners = {one.owner for one in named}
        left = named.intersection(references.owned(work.connection, owners)[1]) if owners else set()
        members, groups, example = len(left), len({one.owner for one in left}), min(left, default=None)
    if example is None:
        return
    [group] = record_rows.by_id(work.connection, (example.owner,)).values()
    who = dn.of_key(example.value) if example.form == ReferenceForm.DN.value else example.value
    several = f"{groups} groups, such as {group.dn}, name" if groups > 1 else f"{group.dn} names"
    work.problems.append(
        f"{several} members that are not among what is read from here ({members}, such as {who}): remove them there, or widen "
        "bases and filters; who appears later is joined by itself"
    )
