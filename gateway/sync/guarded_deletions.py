"""The deletions of one batch before the deletion guard (law 8): which are carried out, and which are held in the store.

A source of which deletions are held deletes nothing more until a person has decided, or its records are back: of a refused run
no deletion happens. Where an upstream reports its deletions one by one, or over several runs, the users who went before the
limit was met are put back, and their deletions held with the others: a wipe ends at the same place however it arrives."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

from gateway.model.connector import LOCAL
from gateway.model.deltas import Batch
from gateway.model.objects import Kind
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.operations import source_state
from gateway.store.operations.source_state import SourceState
from gateway.store.records import held_deletions, leavers, record_lookup
from gateway.store.records import records as stored_records
from gateway.sync import deletion_guard
from gateway.sync.deletion_guard import Guard, PendingDeletions
from gateway.sync.intake.record_changes import reconsidered
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords

PUT_BACK = "had been disabled, and was put back when more deletions came than may pass"
"""The reason of a record whose deletion had been carried out and is held now."""


@dataclass(frozen=True, slots=True)
class Admission:
    """`going`: the records that may go. `put_back`: those of users who left within the window, under work as present ones,
    because the guard does not let pass what came after; their deletions are held with the others."""

    going: Sequence[int] = ()
    put_back: PendingRecords = field(default_factory=dict)


def admit(
    transaction: SourceTransaction,
    guard: Guard,
    state: SourceState,
    compared: Mapping[Kind, int],
    gone: Sequence[int],
    records: PendingRecords,
) -> Admission:
    """Return the records that may go of those that are gone; hold the others. `compared`: the kinds whose comparison ends
    here, each with the number of records that it met. `records`: those under work."""
    connection, source_id = transaction.connection, transaction.source_id
    held = held_deletions.ids(connection, source_id)
    fresh = [record_id for record_id in gone if record_id not in held]
    if not fresh:
        return Admission()
    pending = _pending(transaction, guard, state, compared, [*held, *fresh])
    reason = deletion_guard.complaint(guard, pending)
    if not (reason or held):
        return Admission(fresh)
    put_back = _put_back(transaction, guard, state, records) if _puts_back(guard, pending) else {}
    held_deletions.hold(connection, source_id, [*fresh, *put_back], transaction.now)
    if reason and reason != state.held_reason:
        source_state.set_held_reason(connection, source_id, reason)
    return Admission((), put_back)


def allowed(transaction: SourceTransaction, batch: Batch, gone: Sequence[int]) -> Sequence[int]:
    """Return the records that go because a person lets deletions pass: those that are gone, and those that are held when the
    source's present state is reached, since until then a record may turn out to be back."""
    connection, source_id = transaction.connection, transaction.source_id
    held = held_deletions.ids(connection, source_id) if batch.caught_up else ()
    going = list(dict.fromkeys((*gone, *sorted(held))))
    held_deletions.release(connection, source_id, going)
    return going


def release(transaction: SourceTransaction, present: Mapping[Kind, Sequence[int]]) -> set[int]:
    """Hold the deletions of these records no longer: their source reports them. Return those that are held still."""
    if transaction.is_local:  # what is deleted here is never held
        return set()
    connection, source_id = transaction.connection, transaction.source_id
    held = held_deletions.ids(connection, source_id)
    back = held.intersection(chain.from_iterable(present.values())) if held else set()
    held_deletions.release(connection, source_id, back)
    return held - back


def sentence(connection: Connection, source_id: str) -> str:
    """Return what the administrator must know about the deletions of the source that are held; "" when none is."""
    held = {} if source_id == LOCAL else held_deletions.counts(connection, source_id)
    state = source_state.get(connection, source_id) if held else None
    if state is None:
        return ""
    return deletion_guard.refusal(source_id, state.held_reason, held, held_deletions.count_put_back(connection, source_id))


def foresee(
    transaction: SourceTransaction, guard: Guard, compared: Mapping[Kind, int], held: Collection[int], fresh: Collection[int]
) -> str:
    """Return the sentence for the administrator about a run that ends with these records gone; "" when all may go. `held`:
    those whose deletion is held already, `fresh`: the others."""
    connection, source_id = transaction.connection, transaction.source_id
    state = source_state.get(connection, source_id) or SourceState(source_id, transaction.source_type)
    if not fresh:
        return sentence(connection, source_id) if held else ""
    pending = _pending(transaction, guard, state, compared, [*held, *fresh])
    reason = deletion_guard.complaint(guard, pending)
    if not (reason or held):
        return ""
    put_back = Counter({kind.kind: kind.left for kind in pending} if _puts_back(guard, pending) else {})
    counts = Counter(Kind(target.kind) for target in record_lookup.targets(connection, [*held, *fresh]).values())
    return deletion_guard.foreseen(source_id, reason or state.held_reason, counts + put_back, put_back.total())


def _pending(
    transaction: SourceTransaction, guard: Guard, state: SourceState, compared: Mapping[Kind, int], gone: Collection[int]
) -> Sequence[PendingDeletions]:
    """Return what would go with these records, by kind, with what has gone within the window."""
    connection, source_id = transaction.connection, transaction.source_id
    since = _window(transaction, guard, state)
    recent, left = changes.deletions_since(connection, source_id, since), leavers.since(connection, source_id, since)
    targets = record_lookup.targets(connection, gone).values()
    going = Counter(Kind(target.kind) for target in targets if target.object_id is not None)
    pending = [
        PendingDeletions(
            kind,
            going[kind],
            recent.get(kind, 0),
            stored_records.count_linked(connection, source_id, kind),
            compared.get(kind) == 0,
            left.get(kind, 0),
        )
        for kind in Kind
        if going[kind] or kind in recent or kind in left
    ]
    return deletion_guard.apart(guard, compared, pending)


def _puts_back(guard: Guard, pending: Sequence[PendingDeletions]) -> bool:
    return any(kind.left for kind in pending) and deletion_guard.is_over(guard, pending)


def _window(transaction: SourceTransaction, guard: Guard, state: SourceState) -> int:
    """Return the beginning of the guard's window, in milliseconds."""
    since = transaction.now - timedelta(seconds=guard.window_seconds)
    if state.deletions_allowed_at is not None:
        since = max(since, state.deletions_allowed_at)
    return milliseconds(since)


def _put_back(
    transaction: SourceTransaction, guard: Guard, state: SourceState, records: PendingRecords
) -> dict[int, PendingRecord]:
    """Return the records of those who left within the window, but for those under work, as present ones."""
    rows = leavers.left_since(transaction.connection, transaction.source_id, _window(transaction, guard, state))
    return {row.id: reconsidered(row._replace(gone_at=None), row, PUT_BACK) for row in rows if row.id not in records}
