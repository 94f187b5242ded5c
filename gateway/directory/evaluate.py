"""A filter asked of one entry in memory (RFC 4511 §4.5.1.7): True, False, or None for Undefined.

For what SQL could only say too widely, for entries that are not in the view file (the root DSE, the subschema), and for
Compare. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from gateway.directory.access import may_read, readable_type
from gateway.directory.indexing import attribute_key
from gateway.model import matching, schema
from gateway.model.dn import DN
from gateway.wire import filters
from gateway.wire.filters import Filter

Values: TypeAlias = Mapping[str, Sequence[bytes]]
"""Attribute key → values."""


class Evaluator:
    """`readable`: the attribute keys that may be asked about; None means all."""

    def __init__(self, readable: frozenset[str] | None = None) -> None:
        self._readable = readable

    def matches(self, item: Filter, entry: Values, name: DN) -> bool:
        """Whether the entry is to be returned: Undefined is not."""
        return self.evaluate(item, entry, name) is True

    def evaluate(self, item: Filter, entry: Values, name: DN) -> bool | None:
        """`name`: the entry's DN, for the `:dn` of extensible matches."""
        if isinstance(item, filters.And):
            return _conjunction([self.evaluate(part, entry, name) for part in item.filters])
        if isinstance(item, filters.Or):
            return _disjunction([self.evaluate(part, entry, name) for part in item.filters])
        if isinstance(item, filters.Not):
            return _opposite(self.evaluate(item.filter, entry, name))
        if isinstance(item, filters.Extensible):
            return self._extensible(item, entry, name)
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
        """The key of a known, readable attribute type; else None."""
        return readable_type(description, self._readable)

    def _values(self, attribute: str, entry: Values) -> list[bytes]:
        """The values of the type and of the readable ones among those derived from it (RFC 4512 §2.5.1)."""
        keys = [key for key in schema.subtypes(attribute) if may_read(key, self._readable)]
        return [value for key in keys for value in entry.get(key, ())]

    def _extensible(self, item: filters.Extensible, entry: Values, name: DN) -> bool | None:
        """MatchingRuleAssertion: without an attribute, of all those to which the rule applies; with :dn, also of the DN."""
        rule = schema.MATCHING_RULE_NAMES.get(item.matching_rule.lower()) if item.matching_rule else None
        if item.matching_rule and rule not in matching.KEYS:
            return None
        if item.attribute is not None:
            attribute = self.attribute(item.attribute)
            if attribute is None:
                return None
            asked = {attribute: rule or schema.ATTRIBUTE_TYPES[attribute].equality}
        elif rule:
            asked = dict.fromkeys(self._with_rule(rule, {*entry, *(_name_values(name) if item.dn_attributes else ())}), rule)
        else:
            return None
        in_name = _name_values(name) if item.dn_attributes else {}
        return _disjunction(
            [
                _any_equal(key_rule, item.value, [*self._values(key, entry), *in_name.get(key, ())])
                for key, key_rule in asked.items()
            ]
        )

    def _with_rule(self, rule: str, present: Iterable[str]) -> set[str]:
        """Those of the attributes whose equality or ordering rule this is."""
        known = {key: schema.ATTRIBUTE_TYPES[key] for key in present if self.attribute(key)}
        return {key for key, attribute in known.items() if rule in (attribute.equality, attribute.ordering)}


def _name_values(name: DN) -> dict[str, list[bytes]]:
    """The attributes of a DN, by key."""
    values: dict[str, list[bytes]] = {}
    for ava in (ava for rdn in name.rdns for ava in rdn.avas):
        values.setdefault(attribute_key(ava.type), []).append(ava.value.encode())
    return values


def _any_equal(rule: str | None, asserted: bytes, values: Sequence[bytes]) -> bool | None:
    """An ordering rule asks for what comes before the asserted value (RFC 4517 §4.2.4 and so on)."""
    function = matching.KEYS.get(rule or "")
    wanted = function(asserted) if function else None
    if function is None or wanted is None:
        return None
    keys = [key for value in values if (key := function(value)) is not None]
    return any(key < wanted for key in keys) if str(rule).endswith("OrderingMatch") else wanted in keys


def _compare(
    attribute: str,
    item: filters.Equality | filters.Approx | filters.GreaterOrEqual | filters.LessOrEqual,
    values: Sequence[bytes],
) -> bool | None:
    asserted = matching.equality_key(attribute, item.value)
    if asserted is None:
        return None
    keys = [key for value in values if (key := matching.equality_key(attribute, value)) is not None]
    if isinstance(item, filters.GreaterOrEqual | filters.LessOrEqual):
        if not matching.has_ordering(attribute):
            return None
        return any(key >= asserted if isinstance(item, filters.GreaterOrEqual) else key <= asserted for key in keys)
    return asserted in keys


def substrings(attribute: str, item: filters.Substrings, values: Sequence[bytes]) -> bool | None:
    """RFC 4517 §3.3.30: the pieces in order, not overlapping, the first at the start and the last at the end."""
    keys = matching.substring_keys(attribute, item.initial, item.any, item.final)
    if keys is None:
        return None
    return any(
        _has_pieces(value_key, *keys) for value in values if (value_key := matching.equality_key(attribute, value)) is not None
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


def _conjunction(results: Sequence[bool | None]) -> bool | None:
    if False in results:
        return False
    return None if None in results else True


def _disjunction(results: Sequence[bool | None]) -> bool | None:
    if True in results:
        return True
    return None if None in results else False
