"""Every write to the directory passes through here; one batch is one transaction; nothing here waits for the network.

record → correlate → attributes and authority → object → change → watermark. The caller runs `apply` in `Database.write`: what
raises leaves nothing behind, and a batch that is applied twice is applied once (laws 1, 2).
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.model.deltas import Batch, Watermark
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, Statistics
from gateway.store.correlation.object_keys import Names
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.operations import source_state
from gateway.store.operations.source_state import SourceState
from gateway.store.records import leavers, reconciliation_marks, record_rows, records
from gateway.sync.batch_state import Work
from gateway.sync.correlation import key_index, linking
from gateway.sync.deletion_guard import Deletions, Guard, check
from gateway.sync.intake import folded_deltas, record_changes
from gateway.sync.objects import deletions, group_members, object_changes, placement, posix_allocation, relinking
from gateway.sync.objects import leavers as leaving
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.sync.references import dangling_references, membership_deltas, references, subtree_renames
from gateway.sync.rules.authority import NO_RULES, Authority
from gateway.sync.rules.correlation import Correlation


@dataclass(frozen=True, slots=True)
class InboundSettings:
    """`target_organization_id`: where a source's objects go that have no organization at it. `fingerprint`: of everything in
    the source's configuration that changes what it reports or what becomes of it; with another one, all is read anew.
    `correlation`: how its records find their objects, and what becomes of those when they are gone. `key_names`: by which
    attributes the rules of all sources look for objects; keys must be filled (sync/backfill/correlation_keys.py) before the
    source is read."""

    target_organization_id: str = ROOT_ORGANIZATION_ID
    guard: Guard = field(default_factory=Guard)
    fingerprint: str = ""
    correlation: Correlation = field(default_factory=dict)
    key_names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch: counts, sentences for the administrator about what was left out, the last number of the log."""

    statistics: Statistics = field(default_factory=Statistics)
    problems: tuple[str, ...] = ()
    last_change_number: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """The door for one source. `posix`: which numbers those get to whom no source gives any; None: none. `authority`: which
    source decides what; the same at every door."""

    source_id: str
    source_type: str
    settings: InboundSettings = field(default_factory=InboundSettings)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    posix: PosixNumbers | None = None
    authority: Authority = NO_RULES

    def watermark(self, connection: Connection) -> Watermark | None:
        """Where to go on reading; None for a full read, because it was never read or its settings are others now."""
        state = source_state.get(connection, self.source_id)
        return state.watermark if state is not None and self._knows(state) else None

    def is_open(self, connection: Connection) -> bool:
        """Whether a single record may come in beside those that are read: not before the source has been begun to be read under
        the present settings, when it was under others."""
        state = source_state.get(connection, self.source_id)
        return state is None or not state.fingerprint or self._knows(state)

    def apply(
        self, connection: Connection, batch: Batch, run_id: int | None = None, *, allow_deletions: bool = False
    ) -> Applied:
        """Apply the batch in the connection's transaction. Raises DeletionsRefused when it would delete more than the guard
        lets pass, unless `allow_deletions`; the transaction must then be given up."""
        del run_id  # the run is the caller's book-keeping; what a comparison has met is kept by source
        last = changes.lock(connection)
        state = self._opened(connection)
        work = self.work(connection)
        comparing = self._begun(work, state, batch)
        gone = record_changes.receive(work, folded_deltas.fold(batch.deltas))
        for kind in comparing:
            reconciliation_marks.note(connection, self.source_id, kind, work.met[kind])
        gone = self._completed(work, comparing, batch, gone)
        if gone and not allow_deletions:
            self._guard(work, state, comparing, batch, gone)
        deletions.remove(work, gone)
        if work.touched or gone or batch.caught_up:
            carry_out(work, self.posix, look_again=batch.caught_up)
        compared = Kind.GROUP in batch.completes & comparing.keys()
        if compared or batch.caught_up:
            dangling_references.note_missing_members(work, compared=compared)
        self._closed(work, state, batch, comparing, allow_deletions=allow_deletions)
        return Applied(work.statistics(), tuple(work.problems), changes.last(connection) if work.updated or gone else last)

    def expire(self, connection: Connection, record_ids: Collection[int]) -> Applied:
        """Remove these records of leavers, whose time of grace is over, with the users who have no other."""
        return self._carried_out(connection, lambda work: deletions.expire(work, record_ids))

    def let_go(self, connection: Connection, record_ids: Collection[int]) -> Applied:
        """These records of the source are gone because a person says so; the guard is not asked."""
        return self._carried_out(connection, lambda work: deletions.remove(work, record_ids))

    def work_out_anew(self, connection: Connection, object_ids: Mapping[str, Kind]) -> Applied:
        """Work these objects out from the records that they have: whatever decides about them may be another than it was."""

        def note(work: Work) -> None:
            work.to_resolve.update(object_ids)
            work.to_place.update(object_ids)

        return self._carried_out(connection, note)

    def _carried_out(self, connection: Connection, begin: Callable[[Work], None]) -> Applied:
        changes.lock(connection)
        work = self.work(connection)
        begin(work)
        carry_out(work, self.posix, look_again=False)
        return Applied(work.statistics(), tuple(work.problems), changes.last(connection))

    def erase(self, connection: Connection, object_ids: Mapping[str, Kind]) -> Applied:
        """Delete these objects, with whatever records they still have."""
        changes.lock(connection)
        work = self.work(connection)
        deletions.erase(work, dict(object_ids))
        carry_out(work, self.posix, look_again=False)
        return Applied(work.statistics(), tuple(work.problems), changes.last(connection))

    def work(self, connection: Connection) -> Work:
        """What a transaction of this source begins with."""
        stamp, settings = time_of(milliseconds(self.now())), self.settings
        return Work(connection, self.source_id, self.source_type, stamp, self.authority, settings.correlation)

    def _opened(self, connection: Connection) -> SourceState:
        state = source_state.ensure(connection, self.source_id, self.source_type)
        if not self._knows(state):
            settings = self.settings
            source_state.set_settings(connection, self.source_id, settings.fingerprint, settings.target_organization_id)
            record_rows.forget_all_digests(connection, self.source_id)
            state = source_state.ensure(connection, self.source_id, self.source_type)
        return state

    def _knows(self, state: SourceState) -> bool:
        """Whether what is stored was read under the present settings."""
        settings = self.settings
        return (state.fingerprint, state.target_organization_id) == (settings.fingerprint, settings.target_organization_id)

    def _begun(self, work: Work, state: SourceState, batch: Batch) -> dict[Kind, int]:
        """The kinds that are being compared, this batch included."""
        for kind in batch.begins:
            reconciliation_marks.clear(work.connection, self.source_id, kind)
        return {**state.comparing, **dict.fromkeys(batch.begins, work.stamp)}

    def _completed(self, work: Work, comparing: Mapping[Kind, int], batch: Batch, gone: list[int]) -> list[int]:
        """What is gone, with the records that a comparison which ends here did not meet. A comparison that never began (a batch
        is a repetition) says nothing."""
        missed = [
            record_id
            for kind in batch.completes & comparing.keys()
            for record_id in reconciliation_marks.unseen(work.connection, self.source_id, kind)
        ]
        return list(dict.fromkeys((*gone, *missed)))

    def _guard(self, work: Work, state: SourceState, comparing: Mapping[Kind, int], batch: Batch, gone: list[int]) -> None:
        connection, source_id, guard = work.connection, self.source_id, self.settings.guard
        since = work.now - timedelta(seconds=guard.window_seconds)
        if state.deletions_allowed_at is not None:
            since = max(since, state.deletions_allowed_at)
        recent = Counter(changes.deletions_since(connection, source_id, milliseconds(since)))
        recent.update(leavers.since(connection, source_id, milliseconds(since)))
        going = list(record_rows.targets(connection, gone).values())
        check(
            guard,
            source_id,
            [
                Deletions(
                    kind,
                    sum(target.kind == kind.value and target.object_id is not None for target in going),
                    recent[kind],
                    records.count_linked(connection, source_id, kind),
                    kind in batch.completes & comparing.keys() and not reconciliation_marks.count(connection, source_id, kind),
                )
                for kind in {Kind(target.kind) for target in going}
            ],
        )

    def _closed(
        self, work: Work, state: SourceState, batch: Batch, comparing: Mapping[Kind, int], *, allow_deletions: bool
    ) -> None:
        connection, source_id = work.connection, self.source_id
        left = {kind: stamp for kind, stamp in comparing.items() if kind not in batch.completes}
        for kind in batch.completes:
            reconciliation_marks.clear(connection, source_id, kind)
        if left != state.comparing:
            source_state.set_comparing(connection, source_id, left)
        if allow_deletions and (work.deleted or work.leaving):
            source_state.note_deletions_allowed(connection, source_id, work.now)
        if batch.watermark is not None and batch.watermark != state.watermark:
            source_state.set_watermark(connection, source_id, batch.watermark)


def carry_out(work: Work, posix: PosixNumbers | None, *, look_again: bool) -> None:
    """From touched and removed records to objects and the log. Deletions that free names come first in the log, and those of
    organizations last, after everyone in them has moved out."""
    linking.link(work, look_again=look_again)
    posix_allocation.number(work, posix)
    subtree_renames.rename_below(work)
    _write_records(work)
    key_index.keep_record_keys(work)
    references.point(work)
    membership_deltas.join(work)
    relinking.follow(work)
    dangling_references.lead_waiting(work)
    dangling_references.join_newly_linked(work)
    placement.note_shaken(work)
    places = placement.Placement(work.connection)
    placement.settle_shaken(work, places)
    _place_renamed(work)
    _log_deletions(work, Kind.GROUP, Kind.USER)
    object_changes.refresh_organizations(work, places)
    object_changes.refresh_users(work, places)
    group_members.refresh_groups(work)
    leaving.supersede(work)
    key_index.keep_object_keys(work)
    _log_deletions(work, Kind.ORGANIZATION)
    _count_touched(work)


def _log_deletions(work: Work, *kinds: Kind) -> None:
    deletions = [change for kind in kinds for change in work.deletions[kind]]
    if deletions:
        changes.append(work.connection, deletions)


def _write_records(work: Work) -> None:
    rows = [touched.row for touched in work.touched.values() if touched.old is None]
    record_rows.insert(work.connection, rows)
    changed = [touched.row for touched in work.touched.values() if touched.old is not None and touched.row != touched.old]
    record_rows.replace(work.connection, changed)


def _place_renamed(work: Work) -> None:
    """Whoever has another DN, or must be worked through from scratch, may belong elsewhere."""
    for touched in work.touched.values():
        row, old = touched.row, touched.old
        if old is None or row.object_id is None or touched.is_frozen:
            continue
        if row.dn_key != old.dn_key or old.digest is None:
            work.to_place[row.object_id] = touched.kind


def _count_touched(work: Work) -> None:
    for touched in work.touched.values():
        row, old = touched.row, touched.old
        outcome = Outcome.UNCHANGED
        if row.object_id in work.created or (old is None and row.object_id is None):
            outcome = Outcome.CREATED
        elif row.object_id in work.updated:
            outcome = Outcome.UPDATED
        if touched.delta is None and outcome is not Outcome.CREATED:
            continue  # looked at again, and nothing came of it
        well = row.situation == Situation.LINKED.value
        work.count(touched.kind, outcome, Result.SUCCEEDED if well else Result.SKIPPED)
        if not well and row.reason and (old is None or old.reason != row.reason):
            work.problems.append(row.reason)
        if touched.delta is not None:
            work.problems += touched.delta.warnings
