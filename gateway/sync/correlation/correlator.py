"""Finds the objects of records that have none, in the order that sync/rules/correlation.py tells: each rule costs one look-up
for a whole batch. Writes nothing; afterwards each record has an object, old or new, or a situation that says why it has
none."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model.objects import Kind, User
from gateway.model.records import Situation
from gateway.store.correlation import link_decisions, object_keys, record_keys
from gateway.store.correlation.link_decisions import LinkDecision, Verdict
from gateway.store.engine.column_codecs import encode_strings
from gateway.store.engine.database import Connection
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows
from gateway.sync.batch_state import Touched, Work
from gateway.sync.correlation.lookup import Asked
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.correlation import DESCRIBED, KindRules, Reaction
from gateway.sync.rules.correlation_keys import PATH
from gateway.sync.rules.object_ids import new_id

MAX_CANDIDATES: Final = 20  # of one record: a rule that finds more is no rule by which people are told apart


@dataclass(frozen=True, slots=True)
class Found:
    """The objects that may be the record's, and what found them, in words and as `Link.decided_by`."""

    candidates: tuple[str, ...]
    by: str
    decided_by: str


def correlate(work: Work, batch: Iterable[Touched]) -> None:
    """Give those of the records that have no object one, or say why they have none."""
    loose = [touched for touched in batch if touched.row.object_id is None and touched.row.situation == Situation.LINKED.value]
    for kind in Kind:
        of_kind = [touched for touched in loose if touched.kind is kind]
        if of_kind:
            _Correlating(work, kind, of_kind).run()


class _Correlating:
    """The records of one kind of one batch."""

    def __init__(self, work: Work, kind: Kind, loose: Sequence[Touched]) -> None:
        self._work = work
        self._connection: Connection = work.connection
        self._kind = kind
        self._loose = loose
        self._rules: KindRules = work.rules.get(kind, correlation.NO_RULES)
        self._names = work.key_names.get(kind, frozenset())
        self._asked = Asked(work, kind, loose)
        self._fresh: dict[tuple[str, str], str] = {}
        self._explanations: list[_Explanation] = []

    def run(self) -> None:
        decisions = link_decisions.of_records(
            self._connection, self._work.source_id, self._kind, [touched.row.external_id for touched in self._loose]
        )
        for wave in self._waves():
            self._settle(wave, decisions)
        self._explain()

    def _waves(self) -> Iterator[list[Touched]]:
        """The records in an order in which whoever decides where one stands is decided before."""
        if PATH not in self._names or self._kind is not Kind.ORGANIZATION:
            yield list(self._loose)
            return
        waiting = {touched.row.id: touched for touched in self._loose}
        while waiting:
            ready = [one for one in waiting.values() if not self._asked.parents.waits_for(one) & waiting.keys() - {one.row.id}]
            wave = ready or list(waiting.values())  # records that name each other as parent
            yield wave
            for touched in wave:
                del waiting[touched.row.id]

    # ---- finding

    def _find(self, wave: Sequence[Touched], nevers: Mapping[int, frozenset[str]]) -> dict[int, Found]:
        """By the rules of the source; for whom they find nobody, by those of the other sources."""
        found: dict[int, Found] = {}
        for rule in self._rules.rules:
            asked = {one.row.id: self._asked.by_rule(one, rule) for one in wave if one.row.id not in found}
            pairs = object_keys.holders(self._connection, self._kind, rule.left, _union(asked.values()))
            found |= self._matching(asked, pairs, nevers, f"its rule {rule.text!r}", rule.decided_by)
        for name in sorted(self._names):
            asked = {one.row.id: self._asked.of_own(one, name) for one in wave if one.row.id not in found}
            keys = _union(asked.values())
            askers = list(record_keys.askers(self._connection, self._work.source_id, self._kind, name, keys))
            pairs = [(asker.key, asker.object_id) for asker in askers]
            by = f"the rule for {name} of the source {askers[0].source_id}" if askers else ""
            found |= self._matching(asked, pairs, nevers, by, f"rule:{name}")
        return found

    def _matching(
        self,
        asked: Mapping[int, frozenset[str]],
        pairs: Iterable[tuple[str, str]],
        nevers: Mapping[int, frozenset[str]],
        by: str,
        decided_by: str,
    ) -> Iterator[tuple[int, Found]]:
        deleted = self._work.deleted
        holders: defaultdict[str, set[str]] = defaultdict(set)
        for key, object_id in pairs:
            if len(holders[key]) <= MAX_CANDIDATES and object_id not in deleted:
                holders[key].add(object_id)
        if not holders:
            return
        for record_id, keys in asked.items():
            candidates = set().union(*(holders[key] for key in keys if key in holders)) - nevers.get(record_id, frozenset())
            if candidates:
                yield record_id, Found(tuple(sorted(candidates)[:MAX_CANDIDATES]), by, decided_by)

    # ---- deciding

    def _settle(self, wave: Sequence[Touched], decisions: Mapping[str, list[LinkDecision]]) -> None:
        said = {one.row.id: decisions[one.row.external_id] for one in wave if one.row.external_id in decisions}
        placed = {record_id: _place_of(about) for record_id, about in said.items()}
        existing = self._existing([decision.object_id for decision in placed.values() if decision is not None])
        nevers = {record_id: _nevers(about) for record_id, about in said.items()}
        left = []
        for one in wave:
            decision = placed.get(one.row.id)
            if decision is None or not self._obey(one, decision, existing):
                left.append(one)
        found = self._find(left, nevers)
        taken = self._taken(found.values())
        for one in left:
            self._decide(one, found.get(one.row.id) or self._among_fresh(one), taken, is_person_s=bool(nevers.get(one.row.id)))

    def _obey(self, one: Touched, decision: LinkDecision, existing: set[str]) -> bool:
        """Do what a person has decided, if that can still be done."""
        if decision.object_id in existing:
            self._link(one, decision.object_id, decision.decided_by)
            return True
        if decision.verdict is not Verdict.OWN:
            return False
        if lack := self._lacks(one):
            one.row = one.row._replace(situation=Situation.UNMATCHED.value, reason=lack)
        else:
            self._work.own_objects[decision.object_id] = self._make(one, decision.decided_by)
        return True

    def _decide(self, one: Touched, found: Found | None, taken: set[str], *, is_person_s: bool) -> None:
        rules = self._rules
        if is_person_s:
            self._wait(one, Situation.UNLINKED, found, Reaction.IGNORE, None)
        elif found is None:
            self._unmatched(one)
        elif len(found.candidates) > 1:
            self._wait(one, Situation.DISPUTED, found, rules.disputed, correlation.several_reason)
        elif found.candidates[0] in taken and not rules.several:
            self._wait(one, Situation.DISPUTED, found, rules.disputed, _first(correlation.occupied_reason))
        elif rules.unlinked is not Reaction.LINK:
            self._wait(one, Situation.UNLINKED, found, rules.unlinked, _first(correlation.unlinked_reason))
        else:
            taken.add(found.candidates[0])
            self._link(one, found.candidates[0], found.decided_by)

    def _unmatched(self, one: Touched) -> None:
        lack, reaction = self._lacks(one), self._rules.unmatched
        if reaction is Reaction.CREATE and not lack:
            self._make(one, correlation.DECIDED_BY_CREATION)
            return
        reasons = {Reaction.CREATE: lack, Reaction.IGNORE: ""}
        reason = reasons.get(reaction, correlation.uncreated_reason(one.row.dn))
        one.row = one.row._replace(situation=Situation.UNMATCHED.value, reason=reason)

    def _wait(
        self,
        one: Touched,
        situation: Situation,
        found: Found | None,
        reaction: Reaction,
        sentence: Callable[[str, str, Sequence[str]], str] | None,
    ) -> None:
        candidates = found.candidates if found is not None else ()
        one.row = one.row._replace(
            situation=situation.value,
            reason="",
            candidates=encode_strings(candidates),
            decided_by=found.decided_by if found is not None else None,
        )
        if sentence is not None and found is not None and reaction is not Reaction.IGNORE:
            self._explanations.append(_Explanation(one, found, sentence))

    def _link(self, one: Touched, object_id: str, decided_by: str) -> None:
        one.row = one.row._replace(object_id=object_id, decided_by=decided_by, decided_at=self._work.stamp)
        if object_id not in self._work.created:
            self._work.to_place[object_id] = self._kind

    def _make(self, one: Touched, decided_by: str) -> str:
        object_id = new_id(self._work.stamp)
        one.row = one.row._replace(object_id=object_id, decided_by=decided_by, decided_at=self._work.stamp)
        self._work.created[object_id] = one
        if self._rules.several:
            for rule in self._rules.rules:
                for key in self._asked.of_own(one, rule.left):
                    self._fresh.setdefault((rule.left, key), object_id)
        return object_id

    def _among_fresh(self, one: Touched) -> Found | None:
        """An object that this batch makes: only where several records of a source may share one."""
        for rule in self._rules.rules if self._fresh else ():
            keys = sorted(self._asked.by_rule(one, rule))
            objects = {self._fresh[rule.left, key] for key in keys if (rule.left, key) in self._fresh}
            if objects:
                return Found(tuple(sorted(objects)), f"its rule {rule.text!r}", rule.decided_by)
        return None

    def _lacks(self, one: Touched) -> str:
        """Why an object cannot be made for the record; "" when it can."""
        return correlation.unmatched_reason(self._kind, authority.name_of(self._kind, one.attributes), one.row.dn)

    def _existing(self, object_ids: Sequence[str]) -> set[str]:
        return (
            set(OBJECT_STORES[self._kind].get_many(self._connection, object_ids)) - self._work.deleted if object_ids else set()
        )

    def _taken(self, found: Iterable[Found]) -> set[str]:
        """Those of the objects found that a record of this source has, or is given in this batch."""
        single = {one.candidates[0] for one in found if len(one.candidates) == 1}
        if not single or self._rules.several:
            return set()
        leaving = {id_ for id_, one in self._work.touched.items() if one.old is not None and one.row.object_id is None}
        held = record_rows.holding(self._connection, self._work.source_id, single, leaving)
        return held | {one.row.object_id for one in self._work.touched.values() if one.row.object_id in single}

    # ---- telling

    def _explain(self) -> None:
        wanted = {candidate for one in self._explanations for candidate in one.found.candidates[:DESCRIBED]}
        names = described(self._connection, self._kind, wanted)
        for one in self._explanations:
            row, found = one.touched.row, one.found
            named = [names.get(candidate, candidate) for candidate in found.candidates]
            one.touched.row = row._replace(reason=one.sentence(row.dn or row.external_id, found.by, named))


@dataclass(frozen=True, slots=True)
class _Explanation:
    touched: Touched
    found: Found
    sentence: Callable[[str, str, Sequence[str]], str]


def described(connection: Connection, kind: Kind, object_ids: Iterable[str]) -> dict[str, str]:
    """Objects in words: what they are and their names."""
    ids = set(object_ids)
    found = OBJECT_STORES[kind].get_many(connection, ids) if ids else {}
    return {
        identifier: f"{kind} {thing.username if isinstance(thing, User) else thing.name}" for identifier, thing in found.items()
    }


def _union(keys: Iterable[frozenset[str]]) -> set[str]:
    return set().union(*keys)


def _place_of(about: Sequence[LinkDecision]) -> LinkDecision | None:
    return next((decision for decision in about if decision.verdict is not Verdict.NEVER), None)


def _nevers(about: Sequence[LinkDecision]) -> frozenset[str]:
    return frozenset(decision.object_id for decision in about if decision.verdict is Verdict.NEVER)


def _first(sentence: Callable[[str, str, str], str]) -> Callable[[str, str, Sequence[str]], str]:
    return lambda dn, by, candidates: sentence(dn, by, candidates[0])
