"""Plan nodes of values: the rows of an attribute that pass a test, and the numbers that stand in the entry's own row. Pure.

`parameter` is the number of the SQL parameter with the asserted key; `e` is the entry."""

from collections.abc import Callable, Mapping, Sequence

from gateway.directory.planning.catalogue import AttributeStatistics, Catalogue
from gateway.directory.planning.filter_shape import ONE_PIECE
from gateway.directory.planning.plan_nodes import ALL_ENTRIES, PlanNode, nothing
from gateway.directory.projection.active_directory import USN_COLUMNS
from gateway.directory.projection.index_keys import fragment_table
from gateway.model.ldap import schema

_FRAGMENT_COST = 200
_RANGE_SHARE = 3
"""A prefix or an ordering assertion is taken to match this part of an attribute's rows: only the order of costs matters."""

_FEW_VALUES = 50
"""So many different values are walked for one entry; above, the entry is evaluated in memory."""

_USN_COST = ALL_ENTRIES - 3
"""A poller asks for what changed lately, which is less than all entries of a kind; anything else that is indexed may be less
still."""


def equality(catalogue: Catalogue, attribute: str, parameter: str) -> PlanNode:
    """Return the node for entries with a value of this key."""
    node = _rows(catalogue, attribute, f"v.value = {parameter}", lambda statistics: statistics.rows_per_value, distinct=False)
    # As with object classes; the statistics of a young file do not show it.
    return _costly(node) if attribute == "structuralobjectclass" else node


def constant(catalogue: Catalogue, attribute: str, key: bytes, kinds: tuple[object, ...] | None) -> PlanNode:
    """Return the node for entries with a value of this key, which is part of the shape. `kinds`: those of the entries that
    have it, where the kind decides."""
    node = _rows(catalogue, attribute, f"v.value = x'{key.hex()}'", lambda s: s.rows_per_value, distinct=False)
    if node.cost and kinds is not None:
        named = ", ".join(f"'{kind}'" for kind in kinds)
        node.condition = f"e.kind IN ({named})" if len(kinds) != 1 else f"e.kind = {named}"
    return _costly(node)  # nearly every filter has one of these beside something better


def ordering(catalogue: Catalogue, attribute: str, operator: str, parameter: str) -> PlanNode:
    """Return the node for entries with a value on that side of the key. `operator`: >= or <=."""
    test = f"v.value {operator} {parameter} AND v.value > x''"
    return _as_set(_rows(catalogue, attribute, test, lambda statistics: statistics.rows // _RANGE_SHARE + 1, distinct=True))


def present(catalogue: Catalogue, attribute: str) -> PlanNode:
    """Return the node for entries with any value."""
    return _as_set(_rows(catalogue, attribute, "1", lambda statistics: statistics.rows, distinct=True))


def substrings(
    catalogue: Catalogue, attribute: str, places: tuple[tuple[str, bool], ...], parameters: Sequence[str]
) -> PlanNode:
    """Return the node of a substring assertion: each piece is a condition on the keys; the order of several pieces is
    evaluated in memory. `places`: where each piece stands, and whether the trigram index knows it."""
    tests, fragments = ([] if places else ["v.value > x''"]), []
    for (place, by_fragment), parameter in zip(places, parameters, strict=True):
        tests.append(_SUBSTRING_TESTS[place].format(p=parameter))
        if by_fragment:
            fragments.append(parameter)
    node = _rows(catalogue, attribute, " AND ".join(tests), lambda s: s.rows // _RANGE_SHARE + 1, distinct=True)
    if not places or places[0][0] != "initial":
        # Every row of the attribute is looked at, as fast as SQLite can.
        node.cost, node.dense = ALL_ENTRIES - 1, False
    node.exact = len(places) <= 1
    column = next((key for key in schema.subtypes(attribute) if key in catalogue), None)
    if fragments and places[0][0] != "initial" and column == attribute and len(schema.subtypes(attribute)) == 1:
        _find_by_fragment(node, attribute, fragments, exact=places == ONE_PIECE)
        return node
    return _as_set(node)


def bits(catalogue: Catalogue, attribute: str, rule: str, parameter: str) -> PlanNode:
    """Return the node for entries with a value whose bits pass the test of the matching rule.

    An attribute with bits has few different values, as a rule: they are walked from one to the next, each is tested once, and
    the entries are looked up by those that pass."""
    statistics = catalogue.get(attribute)
    if statistics is None:
        return nothing()
    test = _BIT_TESTS[rule].format(value=_NUMBER, mask=parameter)
    passing = _DIFFERENT_VALUES.format(attribute=statistics.id, test=test)
    query = f"v.attribute = {statistics.id} AND v.value IN ({passing})"
    many = statistics.distinct_values > _FEW_VALUES
    return PlanNode(
        f"EXISTS (SELECT 1 FROM value v WHERE {query} AND v.entry = e.id)",
        driver=f"SELECT DISTINCT v.entry AS entry FROM value v WHERE {query}",
        cost=statistics.rows // _RANGE_SHARE + statistics.distinct_values + 1,
        dense=not many,
        heavy=many,
    )


def number(attribute: str, operator: str, parameter: str) -> PlanNode:
    """Return the node of an assertion about an update sequence number. Only the last change is indexed."""
    column = USN_COLUMNS[attribute]
    test = f"{column} {operator} {parameter}"
    if column != "changed":
        return PlanNode(f"e.{test}")
    return PlanNode(f"e.{test}", driver=f"SELECT id AS entry FROM entry WHERE {test}", cost=_USN_COST)


def entry_dn(parameter: str) -> PlanNode:
    """Return the node for the one entry with this DN."""
    return PlanNode(f"e.dn_key = {parameter}", driver=f"SELECT id AS entry FROM entry WHERE dn_key = {parameter}", cost=1)


def _rows(
    catalogue: Catalogue, attribute: str, test: str, share: Callable[[AttributeStatistics], int], *, distinct: bool
) -> PlanNode:
    """Return the node for entries that have a row of the attribute (or of a type derived from it) that passes `test` on
    `v.value`. `share`: how many of an attribute's rows do."""
    found = [catalogue[key] for key in schema.subtypes(attribute) if key in catalogue]
    if not found:
        return nothing()
    ids = ", ".join(str(statistics.id) for statistics in found)
    is_one = f"= {ids}" if len(found) == 1 else f"IN ({ids})"
    query = f"FROM value v WHERE v.attribute {is_one} AND {test}"
    select = "SELECT DISTINCT" if distinct or len(found) > 1 else "SELECT"
    cost = sum(share(statistics) for statistics in found)
    return PlanNode(f"EXISTS (SELECT 1 {query} AND v.entry = e.id)", driver=f"{select} v.entry AS entry {query}", cost=cost)


def _costly(node: PlanNode) -> PlanNode:
    """Return the node as one that drives a search only where there is nothing better."""
    if node.cost:
        node.cost = max(node.cost, ALL_ENTRIES - 2)
    return node


def _as_set(node: PlanNode) -> PlanNode:
    """Return the node with its condition asked once, as a set: it would walk many rows for each entry."""
    if node.driver is not None and node.condition != "0":
        node.condition, node.heavy = f"e.id IN ({node.driver})", True
    return node


def _find_by_fragment(node: PlanNode, attribute: str, parameters: Sequence[str], *, exact: bool) -> None:
    """Let the trigram index drive the node; anything but one piece in the middle is evaluated in memory."""
    quoted = [f"""'"' || replace(CAST({p} AS TEXT), '"', '""') || '"'""" for p in parameters]
    table, match = fragment_table(attribute), " || ' AND ' || ".join(quoted)
    node.driver = f"SELECT rowid AS entry FROM {table} WHERE {table} MATCH ({match})"
    node.condition, node.heavy = f"e.id IN ({node.driver})", True
    node.exact = exact
    node.cost = _FRAGMENT_COST


_SUBSTRING_TESTS: Mapping[str, str] = {
    # A key that starts with {p} lies between {p} and {p} followed by the greatest octet; UTF-8 has no 0xFF.
    "initial": "v.value >= {p} AND v.value < CAST({p} || x'ff' AS BLOB)",
    "any": "instr(v.value, {p}) > 0",
    "final": "substr(v.value, -length({p})) = {p}",
}

_OCTET = f"((instr(x'{bytes(range(256)).hex()}', substr(different.value, {{place}}, 1)) - 1) << {{shift}})"
_NUMBER = f"({' | '.join(_OCTET.format(place=16 - octet, shift=8 * octet) for octet in range(8))})"
"""The lower 64 bits of an integer's key, which SQL has no word for: each octet is looked for among all octets."""

_BIT_TESTS: Mapping[str, str] = {
    "integerBitAndMatch": "{value} & {mask} = {mask}",
    "integerBitOrMatch": "{value} & {mask} != 0",
}

_DIFFERENT_VALUES = """
WITH RECURSIVE different (value) AS (
    SELECT min(value) FROM value WHERE attribute = {attribute} AND value > x''
    UNION ALL SELECT (SELECT min(n.value) FROM value n WHERE n.attribute = {attribute} AND n.value > different.value)
    FROM different WHERE different.value IS NOT NULL
) SELECT value FROM different WHERE value IS NOT NULL AND {test}"""
