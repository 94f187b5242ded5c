"""References that could not be followed when they were reported, or did not count: to records that appear, get another name, or
become objects in this batch. With this the order in which records arrive does not matter."""

from collections.abc import Collection, Mapping

from gateway.model.deltas import MEMBERS
from gateway.model.ldap import dn
from gateway.model.records import ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows, references
from gateway.store.records.references import DanglingReference, RecordReference
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.references.reference_names import allowed
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords, RenamedRecords


def settle(transaction: SourceTransaction, renamed: RenamedRecords, effects: ReferenceEffects) -> None:
    """Follow the references that waited for a name which one of the records under work, or of those that were moved with an
    entry above them, has now."""
    connection, source_id = transaction.connection, transaction.source_id
    if not references.any_dangling(connection, source_id):
        return
    names: dict[str, dict[str, int]] = {form.value: {} for form in ReferenceForm}
    rows = [record.row for record in renamed.records.values() if _has_new_names(record)]
    moved = set(renamed.moved) - renamed.records.keys()
    for row in (*record_rows.by_id(connection, moved).values(), *rows):
        if row.gone_at is not None:  # a leaver moves along with what it was below, and nothing can refer to it
            continue
        names[ReferenceForm.DN.value][row.dn_key] = row.id
        names[ReferenceForm.ID.value][row.external_id] = row.id
        names[ReferenceForm.LOGIN.value][row.login_key or ""] = row.id
    effects.load(moved)
    for form, holders in names.items():
        holders.pop("", None)
        if holders:
            waiting = references.waiting_for(connection, source_id, form, holders)
            _settle(connection, effects, waiting, holders)


def _settle(
    connection: Connection, effects: ReferenceEffects, waiting: Collection[DanglingReference], holders: Mapping[str, int]
) -> None:
    settled = [one for one in waiting if effects.targets[holders[one.value]].kind in allowed(one.name)]
    if not settled:
        return
    pointers = [RecordReference(one.owner, one.name, holders[one.value], one.form, one.position) for one in settled]
    references.remove(connection, (), settled)
    references.add(connection, pointers)
    effects.load(pointer.owner for pointer in pointers)
    for pointer in pointers:
        effects.note_new(pointer)


def _has_new_names(record: PendingRecord) -> bool:
    stored, row = record.stored, record.row
    if stored is None or stored.gone_at is not None or (stored.dn_key, stored.login_key) != (row.dn_key, row.login_key):
        return True
    return stored.object_id is None and row.object_id is not None  # another may have let go of the name


def count_newly_linked(connection: Connection, records: PendingRecords, effects: ReferenceEffects) -> None:
    """Count the references from and to records that were stored before and have an object only now."""
    linked = [
        record_id
        for record_id, record in records.items()
        if record.stored is not None and record.stored.object_id is None and record.row.object_id is not None
    ]
    if not linked:
        return
    outgoing, _ = references.owned(connection, linked)
    pointers = outgoing + references.leading_to(connection, linked)
    effects.load({pointer.owner for pointer in pointers} | {pointer.target for pointer in pointers})
    for pointer in pointers:
        effects.note_new(pointer)


def missing_members(
    transaction: SourceTransaction, dangling: Collection[DanglingReference], *, compared: bool
) -> tuple[str, ...]:
    """Return one sentence about all the members that groups name and no record has the name of, or nothing: of every group when
    the groups were `compared`, else of those references alone."""
    connection = transaction.connection
    if compared:
        members, groups, example = references.count_dangling(connection, transaction.source_id, MEMBERS)
    else:
        named = {one for one in dangling if one.name == MEMBERS}
        owners = {one.owner for one in named}
        left = named.intersection(references.owned(connection, owners)[1]) if owners else set()
        members, groups, example = len(left), len({one.owner for one in left}), min(left, default=None)
    if example is None:
        return ()
    [group] = record_rows.by_id(connection, (example.owner,)).values()
    return (missing_sentence(members, groups, group.dn, example.form, example.value),)


def missing_sentence(members: int, groups: int, group: str, form: str, value: str) -> str:
    """Return the sentence about so many members that so many groups name and no record has the name of. `group`: the place of
    one of these groups; `form` and `value`: the name of a member of it."""
    who = dn.from_key(value) if form == ReferenceForm.DN.value else value
    several = f"{groups} groups, such as {group}, name" if groups > 1 else f"{group} names"
    return (
        f"{several} members that are not among what is read from here ({members}, such as {who}): remove them there, or widen "
        "bases and filters; who appears later is joined by itself"
    )
