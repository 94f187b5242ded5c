"""The evaluation of a filter on one entry in memory (RFC 4511 §4.5.1.7): True, False, or None for Undefined.

For parts that SQL can only say too widely, for entries that are not in the view file (the root DSE, the subschema), and for
Compare. Pure."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TypeAlias

from gateway.directory.access import may_read, readable_type
from gateway.directory.projection.index_keys import attribute_key
from gateway.model.ldap import extensible_match, matching_rules, schema
from gateway.model.ldap.dn import DN
from gateway.wire import filters
from gateway.wire.filters import Filter

Values: TypeAlias = Mapping[str, Sequence[bytes]]
"""Attribute key → values."""

GroupsOf: TypeAlias = Callable[[str], Container[str]]
"""DN key of an entry → the DN keys of the groups that it is in, directly or through groups. It may be slow: it is called only
for the in-chain rule."""


def in_no_group(_dn_key: str) -> Container[str]:
    """Return no groups, for entries that are in none."""
    return ()


class Evaluator:
    """The evaluator for one access. `readable`: the attribute keys that may be asked about; None means all."""

    def __init__(self, readable: frozenset[str] | None = None) -> None:
        self._readable = readable

    def matches(self, item: Filter, entry: Values, name: DN, groups_of: GroupsOf = in_no_group) -> bool:
        """Return whether the entry matches: Undefined does not."""
        return self.evaluate(item, entry, name, groups_of) is True

    def evaluate(self, item: Filter, entry: Values, name: DN, groups_of: GroupsOf = in_no_group) -> bool | None:
        """Return the filter's value on an entry. `name`: the entry's DN, for the `:dn` of extensible matches."""
        if isinstance(item, filters.And):
            return _conjunction(self.evaluate(part, entry, name, groups_of) for part in item.filters)
        if isinstance(item, filters.Or):
            return _disjunction(self.evaluate(part, entry, name, groups_of) for part in item.filters)
        if isinstance(item, filters.Not):
            return _opposite(self.evaluate(item.filter, entry, name, groups_of))
        if isinstance(item, filters.Extensible):
            return self._extensible(item, entry, name, groups_of)
        attribute = self.attribute(item.attribute)
        if attribute is None:
            return None
        values = self._values(attribute, entry)
        if isinstance(item, filters.Present):
            return bool(values)
        if isinstance(item, filters.Substrings):
            return substrings(attribute, item, values)
        return _compare(attribute, item, values)

    def attribute(self, description: str) -> str | None:
        """Return the key of a known, readable attribute type; else None."""
        return readable_type(description, self._readable)

    def _values(self, attribute: str, entry: Values) -> list[bytes]:
        """Return the values of the type and of the readable ones among those derived from it (RFC 4512 §2.5.1)."""
        keys = [key for key in schema.subtypes(attribute) if may_read(key, self._readable)]
        return [value for key in keys for value in entry.get(key, ())]

    def _extensible(self, item: filters.Extensible, entry: Values, name: DN, groups_of: GroupsOf) -> bool | None:
        """Evaluate a MatchingRuleAssertion: without an attribute, on all those whose own the rule is; with :dn, also on the
        DN."""
        rule = schema.MATCHING_RULE_NAMES.get(item.matching_rule.lower()) if item.matching_rule else None
        if item.matching_rule and (rule is None or not extensible_match.is_rule(rule)):
            return None
        in_name = _name_values(name) if item.dn_attributes else {}
        if item.attribute is not None:
            attribute = self.attribute(item.attribute)
            rule = rule or (schema.ATTRIBUTE_TYPES[attribute].equality if attribute is not None else None)
            if attribute is None or rule is None or not extensible_match.fits(rule, attribute):
                return None
            asked = {attribute}
        else:
            having = {key for key, values in (*entry.items(), *in_name.items()) if values}
            asked = {key for key in having if rule and self.attribute(key) and extensible_match.is_own(rule, key)}
        if rule == extensible_match.IN_CHAIN:
            return _disjunction(self._in_chain(key, item.value, entry, name, groups_of) for key in asked)
        values = {key: [*self._values(key, entry), *in_name.get(key, ())] for key in asked}
        return _disjunction(_any_matches(rule or "", item.value, found) for found in values.values())

    def _in_chain(self, attribute: str, asserted: bytes, entry: Values, name: DN, groups_of: GroupsOf) -> bool | None:
        """Evaluate the in-chain rule ([MS-ADTS] §3.1.1.3.4.4.3) for the links between groups and their members."""
        key = matching_rules.equality_key(attribute, asserted)
        if key is None:
            return None
        if not entry.get(attribute):
            return False
        return key.decode() in groups_of(name.key) if attribute == "memberof" else name.key in groups_of(key.decode())


def _name_values(name: DN) -> dict[str, list[bytes]]:
    """Return the attributes of a DN, by key."""
    values: dict[str, list[bytes]] = {}
    for ava in (ava for rdn in name.rdns for ava in rdn.avas):
        values.setdefault(attribute_key(ava.type), []).append(ava.value.encode())
    return values


def _any_matches(rule: str, asserted: bytes, values: Sequence[bytes]) -> bool | None:
    """Evaluate a matching rule; an ordering rule matches what comes before the asserted value (RFC 4517 §4.2.4 and so on)."""
    if rule in extensible_match.BIT_RULES:
        mask, test = extensible_match.bits(asserted), extensible_match.BIT_RULES[rule]
        found = [number for value in values if (number := extensible_match.bits(value)) is not None]
        return None if mask is None else any(test(number, mask) for number in found)
    function = matching_rules.KEYS[rule]
    wanted = function(asserted)
    if wanted is None:
        return None
    keys = [key for value in values if (key := function(value)) is not None]
    return any(key < wanted for key in keys) if rule.endswith("OrderingMatch") else wanted in keys


def _compare(
    attribute: str,
    item: filters.Equality | filters.Approx | filters.GreaterOrEqual | filters.LessOrEqual,
    values: Sequence[bytes],
) -> bool | None:
    asserted = matching_rules.equality_key(attribute, item.value)
    if asserted is None:
        return None
    if isinstance(item, filters.Equality) and item.value in values:  # spelled alike: nothing to prepare
        return True
    keys = [key for value in values if (key := matching_rules.equality_key(attribute, value)) is not None]
    if isinstance(item, filters.GreaterOrEqual | filters.LessOrEqual):
        if not matching_rules.has_ordering(attribute):
            return None
        return any(key >= asserted if isinstance(item, filters.GreaterOrEqual) else key <= asserted for key in keys)
    return asserted in keys


def substrings(attribute: str, item: filters.Substrings, values: Sequence[bytes]) -> bool | None:
    """Evaluate a substring assertion (RFC 4517 §3.3.30): the pieces in order, not overlapping, the first at the start and the
    last at the end."""
    keys = matching_rules.substring_keys(attribute, item.initial, item.any, item.final)
    if keys is None:
        return None
    return any(
        _has_pieces(value_key, *keys)
        for value in values
        if (value_key := matching_rules.equality_key(attribute, value)) is not None
    )


def _has_pieces(value: bytes, initial: bytes, middle: Sequence[bytes], final: bytes) -> bool:
    if not value.startswith(initial) or not value.endswith(final):
        return False
    position, end = len(initial), len(value) - len(final)
    for piece in middle:
        found = value.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= end


def _opposite(result: bool | None) -> bool | None:
    return None if result is None else not result


def _conjunction(results: Iterable[bool | None]) -> bool | None:
    """Return the And of the results, up to the first that is false."""
    all_true: bool | None = True
    for result in results:
        if result is False:
            return False
        if result is None:
            all_true = None
    return all_true


def _disjunction(results: Iterable[bool | None]) -> bool | None:
    """Return the Or of the results, up to the first that is true."""
    none_true: bool | None = False
    for result in results:
        if result is True:
            return True
        if result is None:
            none_true = None
    return none_true
