"""Every write to the directory passes through here; one batch is one transaction; nothing here waits for the network.

The line of stages is in stages.py. The caller runs `apply` in `Database.write`: an error leaves nothing behind, and a batch
that is applied twice is applied once (laws 1, 2). Review, lifecycle and local writes enter through the other methods of
`Inbound`, each of which runs the same stages."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.model.deltas import Batch, Watermark
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.runs import RunStatistics
from gateway.store.correlation import object_keys
from gateway.store.correlation.object_keys import Names
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.operations import source_state
from gateway.store.operations.source_state import SourceState
from gateway.store.records import reconciliation_marks, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync import guarded_deletions, stages
from gateway.sync.correlation import replaced_records
from gateway.sync.deletion_guard import Guard
from gateway.sync.guarded_deletions import Admission
from gateway.sync.intake import folded_deltas, record_changes, relinked_records
from gateway.sync.objects import deletions
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.sync.references import dangling_references
from gateway.sync.rules.authority import NO_RULES, Authority
from gateway.sync.rules.correlation import Correlation
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Intake, RecordOutcomes, Removal

NO_IDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class InboundSettings:
    """`target_organization_id`: the organization for a source's objects that have none at it. `fingerprint`: of everything in
    the source's configuration that changes what it reports or what becomes of it; with another one, all is read anew.
    `correlation`: the rules by which its records find their objects, and the reactions. `key_names`: the attributes by which
    the rules of all sources look for objects; keys must be filled (sync/backfill/correlation_keys.py) before the
    source is read."""

    target_organization_id: str = ROOT_ORGANIZATION_ID
    guard: Guard = field(default_factory=Guard)
    fingerprint: str = ""
    correlation: Correlation = field(default_factory=dict)
    key_names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of a batch: counts, sentences for the administrator about what was left out, the last number of the log.
    `held`: the sentence about deletions of the source that the guard holds, "" when it holds none. `put_back`: the number
    of earlier deletions, by kind, that were taken back for it."""

    statistics: RunStatistics = field(default_factory=RunStatistics)
    problems: tuple[str, ...] = ()
    last_change_number: int = 0
    held: str = ""
    put_back: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inbound:
    """The door for one source. `posix`: the numbers for users and groups to which no source gives any; None: none. `authority`:
    the rules by which sources decide attributes; the same at every door."""

    source_id: str
    source_type: str
    settings: InboundSettings = field(default_factory=InboundSettings)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    posix: PosixNumbers | None = None
    authority: Authority = NO_RULES

    def watermark(self, connection: Connection) -> Watermark | None:
        """Return the watermark from which to go on reading; None for a full read, because the source was never read or its
        settings are others now."""
        state = source_state.get(connection, self.source_id)
        return state.watermark if state is not None and self._has_same_settings(state) else None

    def is_open(self, connection: Connection) -> bool:
        """Return whether a single record may come in beside those that are read: not before the source has been begun to be
        read under the present settings, when it was under others."""
        state = source_state.get(connection, self.source_id)
        return state is None or not state.fingerprint or self._has_same_settings(state)

    def apply(
        self,
        connection: Connection,
        batch: Batch,
        *,
        allow_deletions: bool = False,
        given_ids: Mapping[str, str] = NO_IDS,
    ) -> Applied:
        """Apply the batch in the connection's transaction. When it would delete more than the guard lets pass, its deletions
        are held and all else is applied. `allow_deletions`: they pass, and with the batch that reaches the source's present
        state those that are held do. `given_ids`: the external ids that callers gave to what is made here, by object id."""
        last = changes.lock(connection)
        state = self._open(connection)
        transaction = replace(self.transaction(connection), given_ids=given_ids)
        comparing = self._begin_reconciliations(transaction, state, batch)
        reports = folded_deltas.fold(batch.deltas)
        last_status = record_changes.receive_last_status(transaction, reports)
        if last_status.records:
            stages.run(transaction, self.posix, last_status, Removal(), recheck=False)
        intake = record_changes.receive(transaction, reports)
        held = guarded_deletions.release(transaction, intake.present)
        for kind in comparing:
            reconciliation_marks.mark(connection, self.source_id, kind, intake.present[kind])
        gone = self._with_unseen(connection, comparing, batch, intake.gone)
        back = replaced_records.replaced(transaction, intake.records, {*gone, *held}, caught_up=batch.caught_up)
        gone = [record_id for record_id in gone if record_id not in back]
        if allow_deletions:
            admission = Admission(guarded_deletions.allowed(transaction, batch, gone))
        else:
            met = self._met(connection, batch.completes & comparing.keys())
            admission = guarded_deletions.admit(transaction, self.settings.guard, state, met, gone, intake.records)
            intake = replace(intake, records={**intake.records, **admission.put_back})
        going = [*back, *admission.going]
        removal = deletions.remove(transaction, going, replaced=back)
        outcomes = RecordOutcomes(intake.statistics, intake.problems)
        if intake.records or going or batch.caught_up:
            outcomes = stages.run(transaction, self.posix, intake, removal, recheck=batch.caught_up)
        problems = outcomes.problems
        compared = Kind.GROUP in batch.completes & comparing.keys()
        if compared or batch.caught_up:
            problems += dangling_references.missing_members(transaction, outcomes.dangling, compared=compared)
        self._close(transaction, state, batch, comparing)
        if allow_deletions and (removal.deleted or removal.leaving):
            source_state.note_deletions_allowed(connection, self.source_id, transaction.now)
        last = changes.last(connection) if outcomes.updated or going or last_status.records else last
        put_back = Counter(record.kind for record in admission.put_back.values())
        return Applied(outcomes.statistics, problems, last, self.held(connection), put_back)

    def held(self, connection: Connection) -> str:
        """Return the sentence for the administrator about deletions that the guard holds; "" when it holds none."""
        return guarded_deletions.sentence(connection, self.source_id)

    def expire(self, connection: Connection, record_ids: Collection[int]) -> Applied:
        """Remove these records of leavers, whose grace period is over, with the users that have no other."""
        transaction = self._locked(connection)
        return self._run(transaction, Intake(), deletions.expire(transaction, record_ids))

    def remove(self, connection: Connection, record_ids: Collection[int]) -> Applied:
        """Remove these records of the source because a person says so; the guard is not asked."""
        transaction = self._locked(connection)
        return self._run(transaction, Intake(), deletions.remove(transaction, record_ids))

    def resolve_anew(self, connection: Connection, object_ids: Mapping[str, Kind]) -> Applied:
        """Resolve these objects from the records that they have: the rules that decide about them may have changed."""
        return self._run(self._locked(connection), Intake(), Removal(reopened=object_ids, displaced=object_ids))

    def relink(
        self,
        connection: Connection,
        rows: Collection[RecordRow],
        *,
        former_goes: bool = False,
        leaving: Collection[str] = (),
    ) -> Applied:
        """Take these records of the source from the objects that they have, and link them anew by rules and decisions. With
        `former_goes` those objects are about to be deleted. `leaving`: users that have no other record."""
        transaction = self._locked(connection)
        taken = relinked_records.take(transaction, rows, former_goes=former_goes, leaving=leaving)
        return self._run(transaction, *taken)

    def erase(self, connection: Connection, object_ids: Mapping[str, Kind]) -> Applied:
        """Delete these objects, with all records that they still have."""
        transaction = self._locked(connection)
        return self._run(transaction, Intake(), deletions.erase(transaction, object_ids))

    def transaction(self, connection: Connection) -> SourceTransaction:
        """Return the context of a transaction of this source that begins now."""
        now, names = time_of(milliseconds(self.now())), object_keys.names(connection)
        rules = self.settings.correlation
        return SourceTransaction(connection, self.source_id, self.source_type, now, self.authority, rules, names)

    def _locked(self, connection: Connection) -> SourceTransaction:
        changes.lock(connection)
        return self.transaction(connection)

    def _run(self, transaction: SourceTransaction, intake: Intake, removal: Removal) -> Applied:
        outcomes = stages.run(transaction, self.posix, intake, removal, recheck=False)
        return Applied(outcomes.statistics, outcomes.problems, changes.last(transaction.connection))

    def _open(self, connection: Connection) -> SourceState:
        state = source_state.ensure(connection, self.source_id, self.source_type)
        if not self._has_same_settings(state):
            settings = self.settings
            source_state.set_settings(connection, self.source_id, settings.fingerprint, settings.target_organization_id)
            record_rows.forget_all_digests(connection, self.source_id)
            record_rows.forget_candidates(connection, self.source_id)
            state = source_state.ensure(connection, self.source_id, self.source_type)
        return state

    def _has_same_settings(self, state: SourceState) -> bool:
        """Return whether the stored records were read under the present settings."""
        settings = self.settings
        return (state.fingerprint, state.target_organization_id) == (settings.fingerprint, settings.target_organization_id)

    def _begin_reconciliations(self, transaction: SourceTransaction, state: SourceState, batch: Batch) -> dict[Kind, int]:
        """Return the kinds that are being compared, this batch included."""
        for kind in batch.begins:
            reconciliation_marks.clear(transaction.connection, self.source_id, kind)
        return {**state.comparing, **dict.fromkeys(batch.begins, transaction.stamp)}

    def _with_unseen(
        self, connection: Connection, comparing: Mapping[Kind, int], batch: Batch, gone: Sequence[int]
    ) -> list[int]:
        """Return the records that are gone, with those that a reconciliation which ends here did not meet. One that never began
        (a batch is a repetition) says nothing."""
        missed = [
            record_id
            for kind in batch.completes & comparing.keys()
            for record_id in reconciliation_marks.unmarked(connection, self.source_id, kind)
        ]
        return list(dict.fromkeys((*gone, *missed)))

    def _met(self, connection: Connection, compared: Collection[Kind]) -> dict[Kind, int]:
        """Return the number of records that the comparison of each of these kinds has met."""
        return {kind: reconciliation_marks.count(connection, self.source_id, kind) for kind in compared}

    def _close(self, transaction: SourceTransaction, state: SourceState, batch: Batch, comparing: Mapping[Kind, int]) -> None:
        connection, source_id = transaction.connection, self.source_id
        left = {kind: stamp for kind, stamp in comparing.items() if kind not in batch.completes}
        for kind in batch.completes:
            reconciliation_marks.clear(connection, source_id, kind)
        if left != state.comparing:
            source_state.set_comparing(connection, source_id, left)
        if batch.watermark is not None and batch.watermark != state.watermark:
            source_state.set_watermark(connection, source_id, batch.watermark)
