"""A dry run: the effect that applying a source's batches would have, found by reading alone, a batch at a time, so that nothing
is locked while a source is read for minutes. It is an estimate in one respect: changes that only follow from other changes are
not counted.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain

from gateway.model.deltas import Batch
from gateway.model.objects import Attributes, Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, RunStatistics
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.engine.database import Connection
from gateway.store.objects import users
from gateway.store.records import held_deletions, record_lookup, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync import guarded_deletions
from gateway.sync.correlation import correlator, replaced_records, returning_leavers
from gateway.sync.correlation.object_descriptions import describe
from gateway.sync.correlation.replaced_records import Claim
from gateway.sync.inbound import Inbound
from gateway.sync.intake import folded_deltas, record_changes
from gateway.sync.references import references
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.authority import Contribution
from gateway.sync.rules.correlation import NO_RULES
from gateway.sync.runner.foreseen_members import ForeseenMembers
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Intake, PendingRecord, PendingRecords

EXAMPLES = 5
"""The most names reported for each kind and outcome."""


@dataclass(frozen=True, slots=True)
class DryRunReport:
    """The outcome of a dry run. `examples`: the first names for each kind and outcome. `links`: the number of records of each
    kind that would be linked to objects that exist, `link_examples` the first of them. `refusal`: the deletion guard's, or
    ""; `held`: the number of deletions, by kind, that it would then hold of those that this run finds."""

    statistics: RunStatistics
    examples: Mapping[tuple[Kind, Outcome], tuple[str, ...]]
    problems: tuple[str, ...]
    refusal: str
    links: Mapping[Kind, int]
    link_examples: Mapping[Kind, tuple[str, ...]]
    held: Mapping[Kind, int] = field(default_factory=dict)
    held_examples: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)


class DryRun:
    """A dry run of one read: it observes all batches in order, then reports. Each step is work for `Database.read`."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound
        self._statistics = RunStatistics()
        self._tally: Counter[tuple[Kind, Outcome, Result]] = Counter()
        self._examples: dict[tuple[Kind, Outcome], list[str]] = {}
        self._problems: list[str] = []
        self._met: dict[Kind, set[int]] = {}
        self._gone: set[int] = set()
        self._back: set[int] = set()
        self._renamed: set[str] = set()
        self._claimed: dict[str, str] = {}
        self._complete: set[Kind] = set()
        self._links: Counter[Kind] = Counter()
        self._link_examples: dict[Kind, list[str]] = {}
        self._by_rule: dict[str, Claim] = {}
        self._fresh: dict[str, RecordRow] = {}
        self._members = ForeseenMembers()
        self._counted: dict[str, tuple[Outcome, Result, str]] = {}

    def observe(self, connection: Connection, batch: Batch) -> None:
        """Take in the next batch."""
        for kind in batch.begins:
            self._met[kind] = set()
        transaction = self._inbound.transaction(connection)
        intake = record_changes.receive(transaction, folded_deltas.fold(batch.deltas))
        self._gone.update(intake.gone)
        self._back |= self._held(connection).intersection(chain.from_iterable(intake.present.values()))
        for kind, met in self._met.items():
            met.update(intake.present[kind])
        self._statistics += intake.statistics
        self._problems += intake.problems
        with_other_references = references.owners_that_differ(transaction, intake.records)
        self._members.observe(transaction, intake.records)
        holders = self._holders(connection, intake.records)
        self._note_claims(transaction, intake)
        linked, created = self._correlate(transaction, intake)
        for record_id, record in intake.records.items():
            is_new = record.row.object_id is None or record.row.object_id in created
            moved = record_id in with_other_references or record_id in linked
            self._count_record(record, holders, is_new=is_new, is_linked=record_id in linked, changes=moved)
        self._complete |= batch.completes & self._met.keys()

    def finish(self, connection: Connection) -> DryRunReport:
        """Return the effect that all batches together would have."""
        for kind in self._complete:
            self._gone |= record_rows.ids(connection, self._inbound.source_id, kind) - self._met[kind]
        self._recognize_replaced(connection)
        refusal, held = self._refusal(connection), dict[Kind, list[str]]()
        for row in record_rows.by_id(connection, self._gone).values():
            if refusal:
                held.setdefault(Kind(row.kind), []).append(row.dn or row.external_id)
            else:
                self._count(Kind(row.kind), Outcome.DELETED, Result.SUCCEEDED, row.dn or row.external_id)
        going = () if refusal else self._gone
        compared = Kind.GROUP in self._complete
        self._problems += self._members.sentence(connection, self._inbound.source_id, going, compared=compared)
        return DryRunReport(
            self._statistics + RunStatistics(dict(self._tally)),
            {key: tuple(names) for key, names in self._examples.items()},
            tuple(self._problems),
            refusal,
            dict(self._links),
            {kind: tuple(examples) for kind, examples in self._link_examples.items()},
            {kind: len(names) for kind, names in held.items()},
            {kind: tuple(names[:EXAMPLES]) for kind, names in held.items()},
        )

    def _correlate(self, transaction: SourceTransaction, intake: Intake) -> tuple[set[int], Collection[str]]:
        """Let the records find their objects; return those that have found one that is here, and the objects that would be
        created."""
        loose = [record for record in intake.records.values() if record.row.object_id is None]
        returning_leavers.recognize(transaction, intake.records, loose)
        created = correlator.correlate(transaction, intake.records, loose, deleted=()).created
        found = [record for record in loose if record.row.object_id is not None and record.row.object_id not in created]
        for kind in Kind:
            of_kind = [record for record in found if record.kind is kind]
            self._links[kind] += len(of_kind)
            examples = self._link_examples.setdefault(kind, [])
            shown = of_kind[: EXAMPLES - len(examples)]
            names = describe(transaction.connection, kind, [record.row.object_id or "" for record in shown])
            examples += [f"{_name_of(record)} to {names.get(record.row.object_id or '', '')}" for record in shown]
        return {record.row.id for record in found}, created.keys()

    def _note_claims(self, transaction: SourceTransaction, intake: Intake) -> None:
        """Note the records that may take the place of others that this read finds gone."""
        found = replaced_records.found_by_rule(transaction, intake.records)
        self._by_rule = {**found, **self._by_rule}
        fresh = [claim.row for claim in found.values()]
        if transaction.rules.get(Kind.USER, NO_RULES).rejoins_by_username:
            fresh = [one.row for one in replaced_records.fresh(intake.records)]
        self._fresh.update({row.external_id: row for row in fresh})

    def _recognize_replaced(self, connection: Connection) -> None:
        """Take the records whose place others take out of those that are gone, and count the others as what they are."""
        leaving = {*self._gone, *(self._held(connection) - self._back)}
        transaction, rows = self._inbound.transaction(connection), self._fresh.values()
        back = replaced_records.settle(transaction, self._by_rule, rows, (), leaving, caught_up=True) if leaving else {}
        stored = record_rows.by_id(connection, back)
        for record_id, claim in back.items():
            before, counted = stored[record_id], self._counted.get(claim.row.external_id)
            if counted is None:
                continue
            outcome, result, reason = counted
            self._tally[Kind.USER, outcome, result] -= 1
            same = (before.attributes, before.dn_key) == (claim.row.attributes, claim.row.dn_key)
            self._tally[Kind.USER, Outcome.UNCHANGED if same else Outcome.UPDATED, Result.SUCCEEDED] += 1
            if reason in self._problems:
                self._problems.remove(reason)
        self._gone -= back.keys()
        self._back |= back.keys()
        self._tally = +self._tally

    def _count_record(
        self, record: PendingRecord, holders: Mapping[str, str], *, is_new: bool, is_linked: bool, changes: bool
    ) -> None:
        """Count the record's outcome. `is_linked`: it has just been correlated with an object. `changes`: that, or its
        references have changed."""
        if record.delta is not None:
            self._problems += record.delta.warnings
        row, name = record.row, authority.name_of(record.kind, record.attributes)
        outcome = Outcome.CREATED if is_new else Outcome.UNCHANGED
        if not is_new and (changes or _differs(record)):
            outcome = Outcome.UPDATED
        reason, is_well = row.reason, row.situation == Situation.LINKED.value
        if is_well and record.kind is Kind.USER and not is_linked:
            reason = self._dispute(record, name, holders)
            is_well = not reason
        result = Result.SUCCEEDED if is_well else Result.SKIPPED
        self._count(record.kind, outcome, result, _name_of(record))
        if row.external_id in self._fresh and record.kind is Kind.USER:
            self._counted[row.external_id] = (outcome, result, reason)
        if reason and (record.stored is None or record.stored.situation == Situation.LINKED.value):
            self._problems.append(reason)

    def _dispute(self, record: PendingRecord, name: str, holders: Mapping[str, str]) -> str:
        """Return the reason for which the record would not get its login name; "" when it would."""
        row = record.row
        key = row.login_key or ""
        if row.object_id is not None and record.stored is not None and record.stored.login_key != key:
            self._renamed.add(row.object_id)
        holder = holders.get(key)
        if holder is not None and holder != row.object_id and holder not in self._renamed:
            return correlation.disputed_reason(name, row.dn, f"user {holder}")
        earlier = self._claimed.setdefault(key, row.dn)
        return "" if earlier == row.dn else correlation.disputed_reason(name, row.dn, earlier)

    def _holders(self, connection: Connection, records: PendingRecords) -> dict[str, str]:
        """Return the present holders of the login names, without those that the read so far reports as gone, and leavers: those
        give their names up."""
        keys = {record.row.login_key for record in records.values() if record.row.login_key}
        holders = users.ids_by_username_key(connection, [key for key in keys if key]) if keys else {}
        leaving = {target.object_id for target in record_lookup.targets(connection, self._gone).values()} if holders else set()
        leaving |= {user.id for user in users.get_many(connection, holders.values()).values() if user.gone_at is not None}
        return {key: holder for key, holder in holders.items() if holder not in leaving}

    def _refusal(self, connection: Connection) -> str:
        """Return the deletion guard's sentence when it would hold deletions; then none happens."""
        held = self._held(connection) - self._back
        guard, compared = self._inbound.settings.guard, {kind: len(self._met[kind]) for kind in self._complete}
        return guarded_deletions.foresee(self._inbound.transaction(connection), guard, compared, held, self._gone - held)

    def _held(self, connection: Connection) -> set[int]:
        return held_deletions.ids(connection, self._inbound.source_id)

    def _count(self, kind: Kind, outcome: Outcome, result: Result, name: str) -> None:
        self._tally[kind, outcome, result] += 1
        examples = self._examples.setdefault((kind, outcome), [])
        if len(examples) < EXAMPLES and result is Result.SUCCEEDED:
            examples.append(name)


def _name_of(record: PendingRecord) -> str:
    """Return the record's name, or its DN or external id in place of one."""
    return authority.name_of(record.kind, record.attributes) or record.row.dn or record.row.external_id


def _differs(record: PendingRecord) -> bool:
    """Return True when the object would have other attributes, or be placed elsewhere."""
    old = record.stored
    if old is None:
        return False
    if old.situation == Situation.DELETED.value:
        return True
    before: Attributes = decode_attributes(old.attributes)
    resolved = [authority.resolve(record.kind, [Contribution(old.source_id, said)]) for said in (before, record.attributes)]
    return resolved[0] != resolved[1] or old.dn_key != record.row.dn_key
