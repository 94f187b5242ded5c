"""Sort keys of server-side sorting (RFC 2891): their attributes, whether they have an order, and the same order in SQL and in
Python. An entry without the attribute comes after all that have it (§1.1), so first when reversed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.directory.access import may_read, readable_type
from gateway.directory.planning.catalogue import Catalogue
from gateway.directory.planning.sql_planner import Plan
from gateway.directory.projection.active_directory import CONSTRUCTED
from gateway.directory.projection.index_keys import UNINDEXED, stored_key
from gateway.directory.search.filter_evaluator import Values
from gateway.directory.search.visible_rows import DYNAMIC
from gateway.model.ldap import matching_rules, schema
from gateway.wire.controls.search import SortKey

NAME = "entrydn"
"""The sort key that orders entries like the tree: those below an entry come right behind it."""

_WITHOUT_ORDER = (UNINDEXED | DYNAMIC.keys() | CONSTRUCTED) - {NAME}


class Problem(Enum):
    """The reason why entries cannot be sorted by a key."""

    NO_SUCH_ATTRIBUTE = "there is no such attribute type, or it may not be read"
    NO_ORDER = "its values have no order, or not the one that the rule asks for"


class CannotSort(Exception):
    """A sort key that cannot be used. `attribute`: as the client spelled it."""

    def __init__(self, problem: Problem, attribute: str) -> None:
        super().__init__(f"{attribute}: {problem.value}")
        self.problem = problem
        self.attribute = attribute


@dataclass(frozen=True, slots=True)
class SortBy:
    """One sort key: the attribute types (keys) whose least value counts, and the direction."""

    attributes: tuple[str, ...]
    reverse: bool = False

    def key(self, value: bytes) -> bytes | None:
        """Return the key of an asserted value; None when it is outside the syntax."""
        key = matching_rules.equality_key(self.attributes[0], value)
        return None if key is None else stored_key(self.attributes[0], key)

    def least(self, values: Values) -> bytes | None:
        """Return the key by which an entry with these values is sorted; None when it has none."""
        found = [_stored(attribute, value) for attribute in self.attributes for value in values.get(attribute, ())]
        return min((key for key in found if key), default=None)


Order = tuple[SortBy, ...]
"""Most significant first; entries that are alike in all of them keep the order of the view file."""


def _stored(attribute: str, value: bytes) -> bytes | None:
    key = matching_rules.equality_key(attribute, value)
    return None if key is None else stored_key(attribute, key)


def order(keys: Sequence[SortKey], readable: frozenset[str] | None) -> Order:
    """Return the order that a client asks for. `readable`: the attribute keys that it may read; None: all. Raises
    CannotSort."""
    return tuple(_by(key, readable) for key in keys)


def _by(key: SortKey, readable: frozenset[str] | None) -> SortBy:
    attribute = readable_type(key.attribute, readable)
    if attribute is None:
        raise CannotSort(Problem.NO_SUCH_ATTRIBUTE, key.attribute)
    attributes = tuple(one for one in schema.subtypes(attribute) if may_read(one, readable))
    names_others = schema.holds_names(attribute) and attribute != NAME  # their order would tell of names that are not visible
    if names_others or not _WITHOUT_ORDER.isdisjoint(attributes) or not _has_order(attribute, key.ordering_rule):
        raise CannotSort(Problem.NO_ORDER, key.attribute)
    return SortBy(attributes, key.reverse)


def _has_order(attribute: str, rule: str | None) -> bool:
    """Return whether an attribute has the order of a rule. Without a rule: that of the attribute, or of its equality keys. A
    rule must say the same: other orders (of case, of a language) are not supported."""
    known = schema.ATTRIBUTE_TYPES[attribute]
    own = matching_rules.KEYS.get(known.equality or "")
    if own is None or rule is None:
        return own is not None
    return matching_rules.KEYS.get(schema.MATCHING_RULE_NAMES.get(rule.lower(), "")) is own


def statement(plan: Plan, scope: str, by: Order, catalogue: Catalogue) -> str:
    """Return the SQL for the ids of the entries of a plan, in this order. `scope`: the condition on the place in the tree.

    Found entries and their values are put into one heap and grouped by entry: no join whose cost would depend on guesses.
    """
    unknown = ["NULL"] * len(by)
    found = ["found.name" if one.attributes == (NAME,) else "NULL" for one in by]
    parts = [f"SELECT found.entry AS entry, {', '.join(f'{key} AS k{number}' for number, key in enumerate(found))} FROM found"]
    for number, one in enumerate(by):
        ids = ", ".join(str(catalogue[key].id) for key in one.attributes if key in catalogue)
        if ids and one.attributes != (NAME,):
            keys = ", ".join([*unknown[:number], "v.value", *unknown[number + 1 :]])
            values = f"v.attribute IN ({ids}) AND v.value > x'' AND v.entry IN (SELECT entry FROM found)"
            parts.append(f"SELECT v.entry, {keys} FROM value v WHERE {values}")
    ways = ("DESC NULLS FIRST" if one.reverse else "ASC NULLS LAST" for one in by)
    terms = ", ".join(f"min(k{number}) {way}" for number, way in enumerate(ways))
    return (
        f"WITH found (entry, name) AS MATERIALIZED (SELECT e.id, e.dn_key FROM {plan.tables} WHERE {scope} AND {plan.where})"
        f" SELECT entry FROM ({' UNION ALL '.join(parts)}) GROUP BY entry ORDER BY {terms}, entry"
    )


def sort(rows: list[tuple[int, Values]], by: Order) -> list[int]:
    """Return the ids of a few rows in order, by one stable sort for each key."""
    rows.sort(key=lambda row: row[0])
    for one in reversed(by):
        rows.sort(key=_sorted_by(one), reverse=one.reverse)
    return [row[0] for row in rows]


def _sorted_by(one: SortBy) -> Callable[[tuple[int, Mapping[str, Sequence[bytes]]]], tuple[bool, bytes]]:
    def key(row: tuple[int, Values]) -> tuple[bool, bytes]:
        least = one.least(row[1])
        return least is None, least or b""

    return key
