"""The objects that may be those of records without one: by the rules of their own source, then by those of the other sources.
Each rule costs one lookup for all records. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model.objects import Kind
from gateway.store.correlation import object_keys, record_keys
from gateway.sync.correlation.record_keys import RecordKeys
from gateway.sync.rules.correlation import KindRules
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord

MAX_CANDIDATES: Final = 20  # of one record: a rule that finds more is no rule that tells people apart


@dataclass(frozen=True, slots=True)
class Candidates:
    """The objects that may be the record's, and what found them, in words and as `Link.decided_by`."""

    object_ids: tuple[str, ...]
    by: str
    decided_by: str


class CandidateFinder:
    """Finds candidates for records of one kind. `deleted`: objects that this transaction has deleted, which are none."""

    def __init__(
        self, transaction: SourceTransaction, kind: Kind, rules: KindRules, keys: RecordKeys, deleted: Collection[str]
    ) -> None:
        self._connection, self._source_id = transaction.connection, transaction.source_id
        self._kind, self._rules, self._keys, self._deleted = kind, rules, keys, deleted
        self._names = transaction.key_names.get(kind, frozenset())
        self._created: dict[tuple[str, str], str] = {}

    def note_created(self, record: PendingRecord, object_id: str) -> None:
        """Make an object of this batch known to `among_created`."""
        if self._rules.several:
            for rule in self._rules.rules:
                for key in self._keys.of_own(record, rule.left):
                    self._created.setdefault((rule.left, key), object_id)

    def among_created(self, record: PendingRecord) -> Candidates | None:
        """Return the objects that this batch makes: only where several records of a source may share one."""
        for rule in self._rules.rules if self._created else ():
            keys = sorted(self._keys.by_rule(record, rule))
            objects = {self._created[rule.left, key] for key in keys if (rule.left, key) in self._created}
            if objects:
                return Candidates(tuple(sorted(objects)), f"its rule {rule.text!r}", rule.decided_by)
        return None

    def find(self, wave: Sequence[PendingRecord], excluded: Mapping[int, frozenset[str]]) -> dict[int, Candidates]:
        """Return the candidates by record id. `excluded`: objects that an administrator has ruled out for a record."""
        found: dict[int, Candidates] = {}
        for rule in self._rules.rules:
            wanted = {one.row.id: self._keys.by_rule(one, rule) for one in wave if one.row.id not in found}
            pairs = object_keys.holders(self._connection, self._kind, rule.left, _union(wanted.values()))
            found |= self._matching(wanted, pairs, excluded, f"its rule {rule.text!r}", rule.decided_by)
        for name in sorted(self._names):
            wanted = {one.row.id: self._keys.of_own(one, name) for one in wave if one.row.id not in found}
            askers = list(
                record_keys.linked_searching(self._connection, self._source_id, self._kind, name, _union(wanted.values()))
            )
            pairs = [(asker.key, asker.object_id) for asker in askers]
            by = f"the rule for {name} of the source {askers[0].source_id}" if askers else ""
            found |= self._matching(wanted, pairs, excluded, by, f"rule:{name}")
        return found

    def _matching(
        self,
        wanted: Mapping[int, frozenset[str]],
        pairs: Iterable[tuple[str, str]],
        excluded: Mapping[int, frozenset[str]],
        by: str,
        decided_by: str,
    ) -> Iterator[tuple[int, Candidates]]:
        holders: defaultdict[str, set[str]] = defaultdict(set)
        for key, object_id in pairs:
            if len(holders[key]) <= MAX_CANDIDATES and object_id not in self._deleted:
                holders[key].add(object_id)
        if not holders:
            return
        for record_id, keys in wanted.items():
            objects = set().union(*(holders[key] for key in keys if key in holders)) - excluded.get(record_id, frozenset())
            if objects:
                yield record_id, Candidates(tuple(sorted(objects)[:MAX_CANDIDATES]), by, decided_by)


def _union(keys: Iterable[frozenset[str]]) -> set[str]:
    return set().union(*keys)
