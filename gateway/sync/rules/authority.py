"""Authority: from what the records of one object say to the attributes of the object. Pure.

Every attribute is decided by one source as a whole: the first of its order that has a value. `resolve` gives the values, for
every record of a first load; `decide` gives for one attribute the source that decided it and the reason, in the same order.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.objects import Attributes, Kind, Value, first_text
from gateway.model.records import Account
from gateway.store.records.former_accounts import FormerAccount

T = TypeVar("T")

_SINGLE: Mapping[Kind, frozenset[str]] = {
    kind: frozenset(name for name, definition in definitions.items() if definition.single)
    for kind, definitions in ATTRIBUTES.items()
}

ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class Rule:
    """The sources that decide one attribute: `sources` alone, in this order; none: all, in the common order. `yields`: a value
    that was edited here goes over theirs."""

    sources: tuple[str, ...] = ()
    yields: bool = False


class Contribution(NamedTuple):
    """A record's part in an object: its source, and its attributes, of which a name that is missing says nothing."""

    source_id: str
    attributes: Attributes


class Reason(StrEnum):
    """The reason for which a source decided an attribute."""

    ONLY_ONE = "only one"
    ORDER = "order"
    LIST = "list"
    YIELD = "yield"
    FALL_BACK = "fall-back"


class Decision(NamedTuple):
    """The source that decided an attribute. `lost`: the sources that have other values for it: first those that would be asked
    next, then those that the rule leaves out. `source_id` None: no source that may decide has a value."""

    values: tuple[Value, ...]
    source_id: str | None
    reason: Reason | None
    lost: tuple[tuple[str, tuple[Value, ...]], ...]


_NO_RULE = Rule()

Rules: TypeAlias = Mapping[Kind, Mapping[str, Rule]]

Vouching: TypeAlias = Callable[[Sequence[Account], Sequence[FormerAccount]], bool]
"""Returns whether a source checks the password of a person with these accounts and former accounts."""


@dataclass(frozen=True)
class Authority:
    """`order`: the common order; sources that are not in it come after, as they were linked, and what was edited here (source
    `local`) last. An object's name is never lost: of it, sources that its rule does not list come after those that it lists.
    `passwords`: the sources that decide passwords, in this order, as far as the configuration says it (law 14).
    `is_vouched_for`: whether any checks a person's password, as logins decide it; None: there are no logins.
    """

    order: tuple[str, ...] = ()
    rules: Rules = field(default_factory=dict)
    passwords: tuple[str, ...] = ()
    is_vouched_for: Vouching | None = field(default=None, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with what follows from the settings; "" without any."""
        if not self.order and not any(self.rules.values()):
            return ""
        rules = [
            (kind.value, name, rule.sources, rule.yields)
            for kind, named in sorted(self.rules.items())
            for name, rule in sorted(named.items())
        ]
        return repr((self.order, rules))

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {source_id: rank for rank, source_id in enumerate(self.order)} | {LOCAL: len(self.order) + 1}

    def ordered(self, items: Sequence[T], source_of: Callable[[T], str]) -> Sequence[T]:
        """Return the items in the common order; `items` as they were linked."""
        if len(items) < 2:
            return items
        ranks, unnamed = self._ranks, len(self.order)
        return sorted(items, key=lambda item: ranks.get(source_of(item), unnamed))

    def yields(self, kind: Kind, name: str) -> bool:
        """Return whether an edit made here goes over what the sources say of this attribute."""
        rule = self.rules.get(kind, {}).get(name)
        return rule is not None and rule.yields

    def takes_over_passwords(self, source_id: str, others: Collection[str]) -> bool:
        """Return whether a source that gets a user decides the password from then on. `others`: the sources that have the user
        already."""
        return source_id in self.passwords and not set(others).intersection(
            self.passwords[: self.passwords.index(source_id) + 1]
        )

    def decides(self, kind: Kind, name: str, source_id: str) -> bool:
        """Return whether the source may decide this attribute."""
        rule = self.rules.get(kind, {}).get(name)
        return rule is None or not rule.sources or name == NAMING_ATTRIBUTE[kind] or source_id in (*rule.sources, LOCAL)


NO_RULES = Authority()


def resolve(kind: Kind, records: Sequence[Contribution], authority: Authority = NO_RULES) -> dict[str, tuple[Value, ...]]:
    """Return the attributes of an object from what its records, in the order in which they were linked, say.

    A record in which a name is missing has said nothing about it; one that has it empty has withdrawn its value (law 9),
    and the next source is asked; what was edited here fills only what no source reports. Of an attribute that can have one
    value the first is kept."""
    single, rules = _SINGLE[kind], authority.rules.get(kind) or {}
    resolved: dict[str, tuple[Value, ...]] = {}
    for source_id, attributes in authority.ordered(records, _source_of):
        for name, values in attributes.items():
            known = resolved.get(name)
            if known is None or (values and not known and source_id != LOCAL):
                resolved[name] = values[:1] if name in single else values
    for name in rules:
        first = next(_candidates(kind, name, records, authority), None)
        values = () if first is None else first.attributes[name]
        resolved[name] = values[:1] if name in single else values
    return {name: values for name, values in resolved.items() if values}


def decide(kind: Kind, name: str, records: Sequence[Contribution], authority: Authority) -> Decision:
    """Return the decision about one attribute of an object, as `resolve` takes it."""
    asked = list(_candidates(kind, name, records, authority))
    left_out = [said for said in records if said.attributes.get(name) and said not in asked]
    lost = [(said.source_id, said.attributes[name]) for said in (*asked[1:], *left_out)]
    if not asked:
        return Decision((), None, None, tuple(lost))
    values = asked[0].attributes[name]
    reason = Reason.ONLY_ONE if len(records) == 1 else _reason(kind, name, asked[0].source_id, records, authority)
    return Decision(values[:1] if name in _SINGLE[kind] else values, asked[0].source_id, reason, tuple(lost))


def _reason(kind: Kind, name: str, source_id: str, records: Sequence[Contribution], authority: Authority) -> Reason:
    """`records`: several. A source decides by fall-back when one that goes before it has nothing to say."""
    rule = authority.rules.get(kind, {}).get(name)
    if source_id == LOCAL and rule is not None and rule.yields:
        return Reason.YIELD
    if rule is not None and rule.sources:
        return Reason.LIST if source_id == rule.sources[0] else Reason.FALL_BACK
    if sum(bool(said.attributes.get(name)) for said in records) == 1:
        return Reason.ONLY_ONE
    return Reason.ORDER if authority.ordered(records, _source_of)[0].source_id == source_id else Reason.FALL_BACK


def _candidates(kind: Kind, name: str, records: Sequence[Contribution], authority: Authority) -> Iterator[Contribution]:
    """Yield the records that have a value and may decide, the one that decides first."""
    rule = authority.rules.get(kind, {}).get(name, _NO_RULE)
    reported = [said for said in records if name in said.attributes and authority.decides(kind, name, said.source_id)]
    edited = [said for said in reported if said.source_id == LOCAL and said.attributes[name]]
    if rule.yields:
        yield from edited
    listed = {source_id: rank for rank, source_id in enumerate(rule.sources)}
    ordered = [said for said in authority.ordered(reported, _source_of) if said.source_id != LOCAL]
    ordered.sort(key=lambda said: listed.get(said.source_id, len(listed)))
    yield from (said for said in ordered if said.attributes[name])
    if not ordered and not rule.yields:
        yield from edited


def _source_of(said: Contribution) -> str:
    return said.source_id


def name_of(kind: Kind, attributes: Attributes) -> str:
    """Return the value that names an object of this kind; "" when it has none, and so cannot be an object."""
    return first_text(attributes, NAMING_ATTRIBUTE[kind]).strip()


def is_enabled(attributes: Attributes) -> bool:
    """Return whether a user may log in: yes, unless a source says no."""
    return first_text(attributes, ENABLED).lower() != "false"


def described(kind: Kind, attributes: Mapping[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
    """Return the attributes without those that are fields of the object itself (its name, whether it is enabled)."""
    fields = (NAMING_ATTRIBUTE[kind], ENABLED) if kind is Kind.USER else (NAMING_ATTRIBUTE[kind],)
    return {name: values for name, values in attributes.items() if name not in fields}
