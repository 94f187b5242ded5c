"""Filter → shape and keys, the first step of planning (RFC 4511 §4.5.1.7): the *shape* is what requests of one program have in
common and SQL is written for (sql_planner.py); the *keys* are the assertion values, prepared by their matching rules.

Decided here: what is Undefined, what may be asked about, and what SQL cannot say."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from gateway.directory.access import IN_EVERY_ENTRY, may_read, readable_type
from gateway.directory.planning.kind_constants import KindConstants
from gateway.directory.projection import active_directory
from gateway.directory.projection.index_keys import UNINDEXED, attribute_key, stored_key
from gateway.directory.projection.view_definition import View
from gateway.model.bounded_cache import MAX_LENGTH
from gateway.model.ldap import extensible_match, matching_rules, schema
from gateway.wire import filters
from gateway.wire.filters import Filter

Shape: TypeAlias = tuple[object, ...]
Key: TypeAlias = bytes | str | int

TRUE: Shape = ("true",)
FALSE: Shape = ("false",)
UNDEFINED: Shape = ("undefined",)
UNKNOWN: Shape = ("unknown",)
"""SQL cannot say it: every row must be evaluated."""
WIDE = "wide"
"""(WIDE, shape): the shape finds all that match and perhaps others; each row found must be evaluated."""

_LISTS = frozenset({"member", "uniquemember"})
"""The attributes by which groups name their members; the member table has them under the first."""

_MOST_KNOWN = 10_000

_MIN_FRAGMENT = 3
"""The trigram index has nothing shorter."""

ONE_PIECE = (("any", True),)
"""The places of a substring assertion that the trigram index answers alone."""

_Assertion: TypeAlias = filters.Equality | filters.Approx | filters.GreaterOrEqual | filters.LessOrEqual


class Shaper:
    """The shaper of filters for one access. `readable`: the attribute keys that may be read (None: all); others are Undefined.
    `narrowed`: not every member of every group is visible."""

    def __init__(self, view: View, readable: frozenset[str] | None, *, narrowed: bool) -> None:
        self._columns = frozenset(view.indexed_substrings)
        self._transitive = view.transitive_member_of
        self._absent = (_LISTS | {"memberuid"}).difference(map(schema.canonical, view.member_attributes))
        self._reference_types = frozenset(map(attribute_key, view.reference_attributes))
        self._readable = readable
        self._narrowed = narrowed
        self._constants = KindConstants(view)
        self._numbers = active_directory.USN_COLUMNS if view.kind == "ad" else {}
        self._known: dict[str, str | None] = {}
        self._composed = frozenset(filter(self._is_composed, {known.key for known in schema.ATTRIBUTE_TYPES.values()}))

    def _is_composed(self, attribute: str) -> bool:
        """Return whether a type derived from this one is not in the index or may not be read: SQL cannot say it."""
        derived = schema.subtypes(attribute)[1:]
        return any(key in UNINDEXED or not may_read(key, self._readable) for key in derived)

    def shape(self, item: Filter, keys: list[Key]) -> Shape:
        """Return the shape of a filter; its keys are added to `keys`."""
        return _SHAPES[type(item)](self, item, keys)

    def attribute(self, description: str) -> str | None:
        """Return the attribute's key, or None when it is unknown to the schema, has options we do not keep, or may not be
        read."""
        known = self._known.get(description, "")
        if known == "":
            known = readable_type(description, self._readable)
            if len(self._known) < _MOST_KNOWN and len(description) <= MAX_LENGTH:
                self._known[description] = known
        return known

    @staticmethod
    def key(attribute: str, value: bytes) -> bytes | None:
        """Return the stored matching key of an assertion value."""
        key = matching_rules.equality_function(attribute)(value)
        return stored_key(attribute, key) if key is not None else None

    @staticmethod
    def piece(attribute: str, value: bytes) -> bytes | None:
        """Return the key of a piece in the middle of a value that the trigram index can be asked for; None for any other."""
        prepared = matching_rules.substring_keys(attribute, None, (value,), None)
        key = prepared[1][0] if prepared is not None else b""
        return key if len(key) >= _MIN_FRAGMENT and len(key.decode()) >= _MIN_FRAGMENT else None

    def _asserted(self, item: _Assertion) -> tuple[str, bytes] | None:
        """Return the attribute and the key of a value assertion; None when it is Undefined."""
        attribute = self.attribute(item.attribute)
        key = self.key(attribute, item.value) if attribute is not None else None
        return (attribute, key) if attribute is not None and key is not None else None

    def equality(self, item: filters.Equality | filters.Approx, keys: list[Key]) -> Shape:
        asserted = self._asserted(item)
        if asserted is None:
            return UNDEFINED
        attribute, key = asserted
        if attribute in self._composed:
            return UNKNOWN
        if attribute in extensible_match.LINKS:
            return self._linked(attribute, key, keys, in_chain=self._transitive and attribute == "memberof")
        if attribute in self._numbers:
            return _number("=", attribute, key, keys)
        special = _SPECIAL_EQUALITY.get(attribute)
        if special is not None:
            return FALSE if attribute in self._absent else special(attribute, key, keys)
        if self._constants.are_known(attribute):
            kinds = self._constants.kinds(attribute, key)
            # Only what there can be goes into a shape: shapes are kept, and a client can ask for anything.
            return FALSE if kinds == () else ("is", attribute, key, kinds)
        keys.append(key)
        return self._as_seen(("=", attribute)) if attribute in self._reference_types else ("=", attribute)

    def _linked(self, attribute: str, key: bytes, keys: list[Key], *, in_chain: bool) -> Shape:
        """Return the shape of a membership assertion: groups that list the entry with this DN, or entries that such a group
        lists. `in_chain`: directly or through groups."""
        if attribute in self._absent:
            return FALSE
        keys.append(key.decode())
        link = "memberof" if attribute == "memberof" else "member"
        return self._as_seen((f"{link} in chain" if in_chain else link,))

    def _as_seen(self, shape: Shape) -> Shape:
        """Return the shape, wide where a party sees some entries only: it must not learn of the others by asserting their
        names."""
        return (WIDE, shape) if self._narrowed else shape

    def ordering(self, item: filters.GreaterOrEqual | filters.LessOrEqual, keys: list[Key]) -> Shape:
        asserted = self._asserted(item)
        if asserted is None or not matching_rules.has_ordering(asserted[0]):
            return UNDEFINED
        attribute, key = asserted
        if attribute in self._composed or attribute in _SPECIAL_EQUALITY:
            return UNKNOWN
        operator = ">=" if isinstance(item, filters.GreaterOrEqual) else "<="
        if attribute in self._numbers:
            return _number(operator, attribute, key, keys)
        keys.append(key)
        return (operator, attribute)

    def present(self, item: filters.Present, _keys: list[Key]) -> Shape:
        attribute = self.attribute(item.attribute)
        if attribute is None:
            return UNDEFINED
        if attribute in self._numbers:
            return TRUE
        if attribute in self._composed or attribute in _COMPUTED:
            return UNKNOWN
        if attribute in self._absent:
            return FALSE
        if attribute == "memberuid":
            return (WIDE, ("*", "member"))
        if attribute in extensible_match.LINKS:
            return self._as_seen(("*", "memberof" if attribute == "memberof" else "member"))
        if attribute in self._reference_types:
            return self._as_seen(("*", attribute))
        return TRUE if attribute in IN_EVERY_ENTRY else ("*", attribute)

    def substrings(self, item: filters.Substrings, keys: list[Key]) -> Shape:
        attribute = self.attribute(item.attribute)
        if attribute is None:
            return UNDEFINED
        prepared = matching_rules.substring_keys(attribute, item.initial, item.any, item.final)
        if prepared is None:
            return UNDEFINED
        if attribute in _SPECIAL_EQUALITY or attribute in self._composed or attribute in extensible_match.LINKS:
            return UNKNOWN
        initial, middle, final = prepared
        placed = [("initial", initial), *(("any", piece) for piece in middle), ("final", final)]
        pieces = [(place, key) for place, key in placed if key]
        keys += [key for _, key in pieces]
        by_fragment = attribute in self._columns
        return ("~", attribute, tuple((place, by_fragment and len(key.decode()) >= _MIN_FRAGMENT) for place, key in pieces))

    def conjunction(self, item: filters.And | filters.Or, keys: list[Key]) -> Shape:
        return ("&" if isinstance(item, filters.And) else "|", *(self.shape(part, keys) for part in item.filters))

    def negation(self, item: filters.Not, keys: list[Key]) -> Shape:
        return ("!", self.shape(item.filter, keys))

    def extensible(self, item: filters.Extensible, keys: list[Key]) -> Shape:
        """Return the shape of an extensible match: the attribute's own equality rule is equality, and some rules have shapes of
        their own; all others are evaluated on each row (search/filter_evaluator.py)."""
        rule = schema.MATCHING_RULE_NAMES.get(item.matching_rule.lower()) if item.matching_rule else None
        if item.matching_rule and (rule is None or not extensible_match.is_rule(rule)):
            return UNDEFINED
        if item.attribute is None:
            return UNKNOWN
        attribute = self.attribute(item.attribute)
        rule = rule or (schema.ATTRIBUTE_TYPES[attribute].equality if attribute is not None else None)
        if attribute is None or rule is None or not extensible_match.fits(rule, attribute):
            return UNDEFINED
        if rule == extensible_match.IN_CHAIN:
            key = self.key(attribute, item.value)
            return UNDEFINED if key is None else self._linked(attribute, key, keys, in_chain=True)
        if item.dn_attributes:
            return UNKNOWN
        if rule in extensible_match.BIT_RULES:
            return self._bits(rule, attribute, item.value, keys)
        if rule == schema.ATTRIBUTE_TYPES[attribute].equality:
            return self.equality(filters.Equality(item.attribute, item.value), keys)
        return UNKNOWN

    def _bits(self, rule: str, attribute: str, value: bytes, keys: list[Key]) -> Shape:
        """Return the shape of a bit rule; its key is the mask, as SQLite's signed integer."""
        mask = extensible_match.bits(value)
        if mask is None:
            return UNDEFINED
        if attribute in self._composed or attribute in self._numbers:
            return UNKNOWN
        keys.append(mask - (1 << 64) if mask >> 63 else mask)
        return (rule, attribute)


_LARGEST_NUMBER = (1 << 63) - 1
"""SQLite's largest integer: no number of a change is larger."""


def _number(operator: str, attribute: str, key: bytes, keys: list[Key]) -> Shape:
    """Return the shape of an assertion about an update sequence number, which is a column of the entry."""
    asserted = matching_rules.integer_of(key)
    keys.append(max(-_LARGEST_NUMBER, min(_LARGEST_NUMBER, asserted)))
    return (f"number {operator}", attribute)


def _by_dn(attribute: str, key: bytes, keys: list[Key]) -> Shape:
    keys.append(key.decode())
    return (attribute,)


def _by_login(_attribute: str, key: bytes, keys: list[Key]) -> Shape:
    """Return the shape for groups that have a member of this name, in any case; the spelling that they list is evaluated on
    each."""
    keys.append(matching_rules.equality_key("uid", key) or b"")
    return (WIDE, ("login",))


def _unknown(_attribute: str, _key: bytes, _keys: list[Key]) -> Shape:
    return UNKNOWN


_SPECIAL_EQUALITY: Mapping[str, Callable[[str, bytes, list[Key]], Shape]] = {
    "entrydn": _by_dn,
    "memberuid": _by_login,
    "subschemasubentry": _unknown,
    "contextcsn": _unknown,
    "entrycsn": _unknown,
    "hassubordinates": _unknown,
    **dict.fromkeys(active_directory.CONSTRUCTED - active_directory.USN_COLUMNS.keys(), _unknown),
}

_COMPUTED = active_directory.CONSTRUCTED - active_directory.USN_COLUMNS.keys() | {"contextcsn"}
"""The attributes (keys) that an entry may have although no row of the index says so."""

_SHAPES: Mapping[type, Callable[[Shaper, Filter, list[Key]], Shape]] = {
    filters.And: Shaper.conjunction,  # type: ignore[dict-item]
    filters.Or: Shaper.conjunction,  # type: ignore[dict-item]
    filters.Not: Shaper.negation,  # type: ignore[dict-item]
    filters.Equality: Shaper.equality,  # type: ignore[dict-item]
    filters.Approx: Shaper.equality,  # type: ignore[dict-item]
    filters.GreaterOrEqual: Shaper.ordering,  # type: ignore[dict-item]
    filters.LessOrEqual: Shaper.ordering,  # type: ignore[dict-item]
    filters.Present: Shaper.present,  # type: ignore[dict-item]
    filters.Substrings: Shaper.substrings,  # type: ignore[dict-item]
    filters.Extensible: Shaper.extensible,  # type: ignore[dict-item]
}
