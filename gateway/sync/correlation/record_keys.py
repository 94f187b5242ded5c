"""The correlation keys of records: those under which a rule looks for their objects, and those under which an object made for
them would be found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.model.objects import Attributes, Kind
from gateway.sync.correlation.organization_parents import OrganizationParents
from gateway.sync.rules import authority
from gateway.sync.rules.correlation import Rule
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH, keys_of, path_key
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords


@dataclass(slots=True)
class RecordKeys:
    """Computes the keys of some records of one kind (`batch`), of all that are under work (`records`)."""

    transaction: SourceTransaction
    records: PendingRecords
    kind: Kind
    batch: Sequence[PendingRecord]
    _parents: OrganizationParents | None = field(default=None)

    @property
    def parents(self) -> OrganizationParents:
        """Made when it is first needed: only rules by path need it."""
        if self._parents is None:
            self._parents = OrganizationParents(self.transaction, self.records, self.batch)
        return self._parents

    def by_rule(self, record: PendingRecord, rule: Rule) -> frozenset[str]:
        """Return the keys that a rule of the record's own source looks for."""
        return self._path(record) if rule.left == PATH else keys_of(rule.right(_reported(record)))

    def of_own(self, record: PendingRecord, name: str) -> frozenset[str]:
        """Return the keys that an object made for the record would have under this name."""
        return self._path(record) if name == PATH else keys_of(_reported(record).get(name, ()))

    def _path(self, record: PendingRecord) -> frozenset[str]:
        if self.kind is not Kind.ORGANIZATION:
            return frozenset()
        key = path_key(self.parents.of(record), authority.name_of(self.kind, record.attributes))
        return frozenset({key} if key else ())


def _reported(record: PendingRecord) -> Attributes:
    return {**record.attributes, EXTERNAL_ID: (record.row.external_id,)}
