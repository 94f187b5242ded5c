"""Finds the objects of records that have none, in the order that sync/rules/correlation.py gives. Writes nothing; afterwards
each record has an object, old or new, or a situation that says why it has none."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model.objects import Kind
from gateway.model.records import DECIDED_BY_CREATION, Situation
from gateway.store.correlation import link_decisions
from gateway.store.correlation.link_decisions import LinkDecision, Verdict
from gateway.store.engine.column_codecs import encode_strings
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.correlation import standing_disputes
from gateway.sync.correlation.candidates import CandidateFinder, Candidates
from gateway.sync.correlation.object_descriptions import describe
from gateway.sync.correlation.record_keys import RecordKeys
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.correlation import DESCRIBED, KindRules, Reaction
from gateway.sync.rules.correlation_keys import PATH
from gateway.sync.rules.object_ids import new_id
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords


@dataclass(frozen=True, slots=True)
class Correlated:
    """`created`: new objects, each with the record that it is made for. `linked`: stored objects that got a record.
    `own_objects`: new objects of records that a person gave one of their own, by the id that the decision named."""

    created: dict[str, int] = field(default_factory=dict)
    linked: dict[str, Kind] = field(default_factory=dict)
    own_objects: dict[str, str] = field(default_factory=dict)


def correlate(
    transaction: SourceTransaction, records: PendingRecords, batch: Iterable[PendingRecord], deleted: Collection[str]
) -> Correlated:
    """Link those records of the batch that have no object, or give them the situation that says why they have none. `records`:
    all that are under work; `deleted`: objects that this transaction has deleted."""
    result = Correlated()
    unlinked = [one for one in batch if one.row.object_id is None and one.row.situation == Situation.LINKED.value]
    for kind in Kind:
        of_kind = [one for one in unlinked if one.kind is kind]
        if of_kind:
            _KindCorrelator(transaction, records, kind, of_kind, deleted, result).run()
    return result


class _KindCorrelator:
    """Correlates the records of one kind of one batch; `result` is filled."""

    def __init__(
        self,
        transaction: SourceTransaction,
        records: PendingRecords,
        kind: Kind,
        unlinked: Sequence[PendingRecord],
        deleted: Collection[str],
        result: Correlated,
    ) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._records, self._kind, self._unlinked, self._deleted, self._result = records, kind, unlinked, deleted, result
        self._rules: KindRules = transaction.rules.get(kind, correlation.NO_RULES)
        self._keys = RecordKeys(transaction, records, kind, unlinked)
        self._finder = CandidateFinder(transaction, kind, self._rules, self._keys, deleted)
        self._explanations: list[_Explanation] = []

    def run(self) -> None:
        decisions = link_decisions.of_records(
            self._connection, self._transaction.source_id, self._kind, [record.row.external_id for record in self._unlinked]
        )
        for wave in self._waves():
            self._settle(wave, decisions)
        self._explain()

    def _waves(self) -> Iterator[list[PendingRecord]]:
        """Yield the records in an order in which a parent organization is decided about before what is below it."""
        if PATH not in self._transaction.key_names.get(self._kind, ()) or self._kind is not Kind.ORGANIZATION:
            yield list(self._unlinked)
            return
        waiting = {record.row.id: record for record in self._unlinked}
        while waiting:
            ready = [one for one in waiting.values() if not self._keys.parents.waits_for(one) & waiting.keys() - {one.row.id}]
            wave = ready or list(waiting.values())  # records that name each other as parent
            yield wave
            for record in wave:
                del waiting[record.row.id]

    def _settle(self, wave: Sequence[PendingRecord], decisions: Mapping[str, list[LinkDecision]]) -> None:
        decided = {one.row.id: decisions[one.row.external_id] for one in wave if one.row.external_id in decisions}
        placed = {record_id: _link_or_own(about) for record_id, about in decided.items()}
        existing = self._existing([decision.object_id for decision in placed.values() if decision is not None])
        excluded = {record_id: _excluded(about) for record_id, about in decided.items()}
        left = []
        for one in wave:
            decision = placed.get(one.row.id)
            if decision is None or not self._apply_decision(one, decision, existing):
                left.append(one)
        found = self._finder.find(left, excluded)
        taken = self._taken(found.values())
        standing = standing_disputes.of(self._transaction, self._kind, left, found, self._deleted)
        for one in left:
            if one.row.id in standing and not excluded.get(one.row.id):
                one.row = _as_disputed(one.row, standing[one.row.id])
                continue
            candidates = found.get(one.row.id) or self._finder.among_created(one)
            self._decide(one, candidates, taken, awaits_person=bool(excluded.get(one.row.id)))

    def _apply_decision(self, one: PendingRecord, decision: LinkDecision, existing: set[str]) -> bool:
        """Carry out an administrator's decision; return False when that is not possible any more."""
        if decision.object_id in existing:
            self._link(one, decision.object_id, decision.decided_by)
            return True
        if decision.verdict is not Verdict.OWN:
            return False
        if reason_against := self._unmatched_reason(one):
            one.row = one.row._replace(situation=Situation.UNMATCHED.value, reason=reason_against)
        else:
            self._result.own_objects[decision.object_id] = self._create(one, decision.decided_by)
        return True

    def _decide(self, one: PendingRecord, found: Candidates | None, taken: set[str], *, awaits_person: bool) -> None:
        rules = self._rules
        if awaits_person:
            self._wait(one, Situation.UNLINKED, found, Reaction.IGNORE, None)
        elif found is None:
            self._unmatched(one)
        elif len(found.object_ids) > 1:
            self._wait(one, Situation.DISPUTED, found, rules.disputed, correlation.several_reason)
        elif found.object_ids[0] in taken and not rules.several:
            self._wait(one, Situation.DISPUTED, found, rules.disputed, _first(correlation.occupied_reason))
        elif rules.unlinked is not Reaction.LINK:
            self._wait(one, Situation.UNLINKED, found, rules.unlinked, _first(correlation.unlinked_reason))
        else:
            taken.add(found.object_ids[0])
            self._link(one, found.object_ids[0], found.decided_by)

    def _unmatched(self, one: PendingRecord) -> None:
        reason_against, reaction = self._unmatched_reason(one), self._rules.unmatched
        if reaction is Reaction.CREATE and not reason_against:
            self._create(one, DECIDED_BY_CREATION)
            return
        reasons = {Reaction.CREATE: reason_against, Reaction.IGNORE: ""}
        reason = reasons.get(reaction, correlation.uncreated_reason(one.row.dn))
        one.row = one.row._replace(situation=Situation.UNMATCHED.value, reason=reason)

    def _wait(
        self,
        one: PendingRecord,
        situation: Situation,
        found: Candidates | None,
        reaction: Reaction,
        sentence: Callable[[str, str, Sequence[str]], str] | None,
    ) -> None:
        candidates = found.object_ids if found is not None else ()
        one.row = one.row._replace(
            situation=situation.value,
            reason="",
            candidates=encode_strings(candidates),
            decided_by=found.decided_by if found is not None else None,
        )
        if sentence is not None and found is not None and reaction is not Reaction.IGNORE:
            self._explanations.append(_Explanation(one, found, sentence))

    def _link(self, one: PendingRecord, object_id: str, decided_by: str) -> None:
        one.row = one.row._replace(object_id=object_id, decided_by=decided_by, decided_at=self._transaction.stamp)
        if object_id not in self._result.created:
            self._result.linked[object_id] = self._kind

    def _create(self, one: PendingRecord, decided_by: str) -> str:
        stamp = self._transaction.stamp
        object_id = new_id(stamp)
        one.row = one.row._replace(object_id=object_id, decided_by=decided_by, decided_at=stamp)
        self._result.created[object_id] = one.row.id
        self._finder.note_created(one, object_id)
        return object_id

    def _unmatched_reason(self, one: PendingRecord) -> str:
        """Return the reason why no object can be made for the record; "" when one can."""
        return correlation.unmatched_reason(self._kind, authority.name_of(self._kind, one.attributes), one.row.dn)

    def _existing(self, object_ids: Sequence[str]) -> set[str]:
        if not object_ids:
            return set()
        return OBJECT_STORES[self._kind].get_many(self._connection, object_ids).keys() - set(self._deleted)

    def _taken(self, found: Iterable[Candidates]) -> set[str]:
        """Return those of the candidates that a record of this source has, or is given in this batch."""
        single = {one.object_ids[0] for one in found if len(one.object_ids) == 1}
        if not single or self._rules.several:
            return set()
        records = self._records
        leaving = {id_ for id_, one in records.items() if one.stored is not None and one.row.object_id is None}
        held = record_rows.linked_objects(self._connection, self._transaction.source_id, single, leaving)
        return held | {one.row.object_id for one in records.values() if one.row.object_id in single}

    def _explain(self) -> None:
        """Give the records that wait their reasons, the candidates in words."""
        wanted = {candidate for one in self._explanations for candidate in one.found.object_ids[:DESCRIBED]}
        names = describe(self._connection, self._kind, wanted)
        for one in self._explanations:
            row, found = one.record.row, one.found
            named = [names.get(candidate, candidate) for candidate in found.object_ids]
            one.record.row = row._replace(reason=one.sentence(row.dn or row.external_id, found.by, named))


@dataclass(frozen=True, slots=True)
class _Explanation:
    record: PendingRecord
    found: Candidates
    sentence: Callable[[str, str, Sequence[str]], str]


def _as_disputed(row: RecordRow, stored: RecordRow) -> RecordRow:
    return row._replace(
        situation=stored.situation, reason=stored.reason, candidates=stored.candidates, decided_by=stored.decided_by
    )


def _link_or_own(about: Sequence[LinkDecision]) -> LinkDecision | None:
    return next((decision for decision in about if decision.verdict is not Verdict.NEVER), None)


def _excluded(about: Sequence[LinkDecision]) -> frozenset[str]:
    return frozenset(decision.object_id for decision in about if decision.verdict is Verdict.NEVER)


def _first(sentence: Callable[[str, str, str], str]) -> Callable[[str, str, Sequence[str]], str]:
    return lambda dn, by, candidates: sentence(dn, by, candidates[0])
