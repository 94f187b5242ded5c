"""Under which keys the objects of records are looked for, and under which they would be found themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.model.objects import Attributes, Kind
from gateway.sync.batch_state import Touched, Work
from gateway.sync.correlation.organization_parents import Parents
from gateway.sync.rules import authority
from gateway.sync.rules.correlation import Rule
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH, keys_of, path_key


@dataclass(slots=True)
class Asked:
    """Answers for these records of one kind."""

    work: Work
    kind: Kind
    batch: Sequence[Touched]
    _parents: Parents | None = field(default=None)

    @property
    def parents(self) -> Parents:
        """Made when it is first needed: only rules by path do."""
        if self._parents is None:
            self._parents = Parents(self.work, self.batch)
        return self._parents

    def by_rule(self, one: Touched, rule: Rule) -> frozenset[str]:
        """What a rule of its own source looks for."""
        return self._path(one) if rule.left == PATH else keys_of(rule.right(_said(one)))

    def of_own(self, one: Touched, name: str) -> frozenset[str]:
        """The keys that an object made for the record would have under this name."""
        return self._path(one) if name == PATH else keys_of(_said(one).get(name, ()))

    def _path(self, one: Touched) -> frozenset[str]:
        if self.kind is not Kind.ORGANIZATION:
            return frozenset()
        key = path_key(self.parents.of(one), authority.name_of(self.kind, one.attributes))
        return frozenset({key} if key else ())


def _said(one: Touched) -> Attributes:
    return {**one.attributes, EXTERNAL_ID: (one.row.external_id,)}
