"""Shape → SQL over the view file, the second step of planning: written once for each shape (filter_shape.py) and kept.

SQL's three-valued logic is the filter's: Undefined is NULL. Where SQL cannot say a part exactly, it says it too widely, and the
plan is marked inexact: then every row that is found must be evaluated in memory (search/filter_evaluator.py). Here are the
nodes of single assertions; plan_nodes.py combines them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.directory.planning import member_nodes, plan_nodes
from gateway.directory.planning.catalogue import AttributeStatistics, Catalogue
from gateway.directory.planning.filter_shape import ONE_PIECE, WIDE, Shape
from gateway.directory.planning.plan_nodes import ALL_ENTRIES, PlanNode, nothing
from gateway.directory.projection.active_directory import USN_COLUMNS
from gateway.directory.projection.index_keys import fragment_table
from gateway.model.ldap import schema

_PARAMETER = re.compile(r"\?(\d+)")

_FRAGMENT_COST = 200
_RANGE_SHARE = 3
"""A prefix or an ordering assertion is taken to match this part of an attribute's rows: only the order of costs matters."""

_FEW_VALUES = 50
"""So many different values are walked for one entry; above, the entry is evaluated in memory."""

PROBED = 100
"""The entries that are counted, where many are expected, to see whether there are few: it costs less than a snapshot."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The SQL for one shape. `tables` and `where` are to be put into "SELECT … FROM {tables} WHERE {where}"; `e` is the entry.

    Parameters are numbered from `?1` in the order in which `shape` collected the keys. `cost` estimates the rows looked at;
    `cheap_rows`: every row looked at is found, so that a slice never takes long. `exact`: no row needs to be evaluated again.
    `parameters`: the highest parameter number in the text (a key may have turned out not to be needed). `probe`: SQL for how
    many entries the index names, counted up to PROBED at most; None when that costs as much as the search.
    """

    tables: str
    where: str
    cost: int
    exact: bool
    cheap_rows: bool
    parameters: int
    probe: str | None = None
    probe_parameters: int = 0


class Compiler:
    """The compiler of shapes into plans, for one state of the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._next = 0

    def compile(self, shape: Shape, first_parameter: int) -> Plan:
        """Return the plan for a shape. `first_parameter`: the number of the shape's first key."""
        self._next = first_parameter
        node = self._node(shape)
        if node.driver is None or node.cost >= ALL_ENTRIES:
            return Plan("entry e", node.condition, node.cost, node.exact, node.condition == "1", _highest(node.condition))
        tables = f"({node.driver}) d CROSS JOIN entry e ON e.id = d.entry"
        probe = f"SELECT count(*) FROM (SELECT 1 FROM ({node.driver}) LIMIT {PROBED})" if node.dense else None
        return Plan(
            tables,
            node.residual,
            node.cost,
            node.is_sharp,
            node.dense and node.residual == "1",
            _highest(tables + node.residual),
            probe,
            _highest(node.driver),
        )

    def _node(self, shape: Shape) -> PlanNode:
        return _NODES.get(str(shape[0]), Compiler._unknown)(self, shape)

    def _parameter(self) -> str:
        number = self._next
        self._next += 1
        return f"?{number}"

    # Constants and connectives ----------------------------------------------------------------------------------------

    def _unknown(self, _shape: Shape) -> PlanNode:
        return PlanNode("1", exact=False)

    def _true(self, _shape: Shape) -> PlanNode:
        return PlanNode("1")

    def _false(self, _shape: Shape) -> PlanNode:
        return nothing()

    def _undefined(self, _shape: Shape) -> PlanNode:
        return nothing("NULL")

    def _wide(self, shape: Shape) -> PlanNode:
        [node] = self._parts(shape)
        node.exact = False
        return node

    def _and(self, shape: Shape) -> PlanNode:
        return plan_nodes.conjunction(self._parts(shape))

    def _or(self, shape: Shape) -> PlanNode:
        return plan_nodes.disjunction(self._parts(shape))

    def _not(self, shape: Shape) -> PlanNode:
        [node] = self._parts(shape)
        return plan_nodes.negation(node)

    def _parts(self, shape: Shape) -> list[PlanNode]:
        return [self._node(part) for part in shape[1:]]  # type: ignore[arg-type]

    # Values -----------------------------------------------------------------------------------------------------------

    def _rows(self, attribute: str, test: str, share: Callable[[AttributeStatistics], int], *, distinct: bool) -> PlanNode:
        """Return the node for entries that have a row of the attribute (or of a type derived from it) that passes `test` on
        `v.value`. `share`: how many of an attribute's rows do."""
        found = [self._catalogue[key] for key in schema.subtypes(attribute) if key in self._catalogue]
        if not found:
            return nothing()
        ids = ", ".join(str(statistics.id) for statistics in found)
        is_one = f"= {ids}" if len(found) == 1 else f"IN ({ids})"
        query = f"FROM value v WHERE v.attribute {is_one} AND {test}"
        select = "SELECT DISTINCT" if distinct or len(found) > 1 else "SELECT"
        cost = sum(share(statistics) for statistics in found)
        return PlanNode(f"EXISTS (SELECT 1 {query} AND v.entry = e.id)", driver=f"{select} v.entry AS entry {query}", cost=cost)

    def _equality(self, shape: Shape) -> PlanNode:
        attribute, test = str(shape[1]), f"v.value = {self._parameter()}"
        node = self._rows(attribute, test, lambda statistics: statistics.rows_per_value, distinct=False)
        # As with object classes; the statistics of a young file do not show it.
        return _costly(node) if attribute == "structuralobjectclass" else node

    def _constant(self, shape: Shape) -> PlanNode:
        """Return the node of an assertion whose value is part of the shape: (attribute, key, the kinds of entries that it is
        true of, or None)."""
        _, attribute, key, kinds = shape
        assert isinstance(key, bytes)  # noqa: S101 (the shape is ours)
        node = self._rows(str(attribute), f"v.value = x'{key.hex()}'", lambda s: s.rows_per_value, distinct=False)
        if node.cost and isinstance(kinds, tuple):
            named = ", ".join(f"'{kind}'" for kind in kinds)
            node.condition = f"e.kind IN ({named})" if len(kinds) != 1 else f"e.kind = {named}"
        return _costly(node)  # nearly every filter has one of these beside something better

    def _ordering(self, shape: Shape) -> PlanNode:
        test = f"v.value {shape[0]} {self._parameter()} AND v.value > x''"
        return _as_set(self._rows(str(shape[1]), test, lambda statistics: statistics.rows // _RANGE_SHARE + 1, distinct=True))

    def _present(self, shape: Shape) -> PlanNode:
        attribute = str(shape[1])
        if attribute in member_nodes.PRESENCE:
            return PlanNode(member_nodes.PRESENCE[attribute])
        return _as_set(self._rows(attribute, "1", lambda statistics: statistics.rows, distinct=True))

    def _substrings(self, shape: Shape) -> PlanNode:
        """Return the node of a substring assertion: each piece is a condition on the keys; the order of several pieces is
        evaluated in memory."""
        attribute, places = str(shape[1]), shape[2]
        assert isinstance(places, tuple)  # noqa: S101 (the shape is ours)
        tests, fragments = ([] if places else ["v.value > x''"]), []
        for place, by_fragment in places:
            parameter = self._parameter()
            tests.append(_SUBSTRING_TESTS[place].format(p=parameter))
            if by_fragment:
                fragments.append(parameter)
        node = self._rows(attribute, " AND ".join(tests), lambda s: s.rows // _RANGE_SHARE + 1, distinct=True)
        if not places or places[0][0] != "initial":
            # Every row of the attribute is looked at, as fast as SQLite can.
            node.cost, node.dense = ALL_ENTRIES - 1, False
        node.exact = len(places) <= 1
        column = next((key for key in schema.subtypes(attribute) if key in self._catalogue), None)
        if fragments and places[0][0] != "initial" and column == attribute and len(schema.subtypes(attribute)) == 1:
            _find_by_fragment(node, attribute, fragments, exact=places == ONE_PIECE)
            return node
        return _as_set(node)

    def _bits(self, shape: Shape) -> PlanNode:
        """Return the node for entries with a value whose bits pass the test. An attribute with bits has few different values,
        as a rule: they are walked from one to the next, each is tested once, and the entries are looked up by those that
        pass."""
        parameter, statistics = self._parameter(), self._catalogue.get(str(shape[1]))
        if statistics is None:
            return nothing()
        test = _BIT_TESTS[str(shape[0])].format(value=_NUMBER, mask=parameter)
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

    def _number(self, shape: Shape) -> PlanNode:
        """Return the node of an assertion about an update sequence number. Only the last change is indexed."""
        column, operator = USN_COLUMNS[str(shape[1])], str(shape[0]).partition(" ")[2]
        test = f"{column} {operator} {self._parameter()}"
        if column != "changed":
            return PlanNode(f"e.{test}")
        return PlanNode(f"e.{test}", driver=f"SELECT id AS entry FROM entry WHERE {test}", cost=_USN_COST)

    def _entry_dn(self, _shape: Shape) -> PlanNode:
        parameter = self._parameter()
        return PlanNode(f"e.dn_key = {parameter}", driver=f"SELECT id AS entry FROM entry WHERE dn_key = {parameter}", cost=1)

    # Membership -------------------------------------------------------------------------------------------------------

    def _member(self, _shape: Shape) -> PlanNode:
        return member_nodes.groups_of(self._parameter())

    def _member_of(self, _shape: Shape) -> PlanNode:
        return member_nodes.members_of(self._parameter())

    def _member_in_chain(self, _shape: Shape) -> PlanNode:
        return member_nodes.groups_in_chain(self._parameter())

    def _member_of_in_chain(self, _shape: Shape) -> PlanNode:
        return member_nodes.members_in_chain(self._parameter())

    def _member_login(self, _shape: Shape) -> PlanNode:
        parameter, uid = self._parameter(), self._catalogue.get("uid")
        return nothing() if uid is None else member_nodes.groups_of_login(parameter, uid.id)


_USN_COST = ALL_ENTRIES - 3
"""A poller asks for what changed lately, which is less than all entries of a kind; anything else that is indexed may be less
still."""


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


def _highest(sql: str) -> int:
    """Return the highest parameter number."""
    return max(map(int, _PARAMETER.findall(sql)), default=0)


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

_NODES: Mapping[str, Callable[[Compiler, Shape], PlanNode]] = {
    "true": Compiler._true,
    "false": Compiler._false,
    "undefined": Compiler._undefined,
    "=": Compiler._equality,
    "is": Compiler._constant,
    ">=": Compiler._ordering,
    "<=": Compiler._ordering,
    "*": Compiler._present,
    "~": Compiler._substrings,
    "&": Compiler._and,
    "|": Compiler._or,
    "!": Compiler._not,
    "member": Compiler._member,
    "memberof": Compiler._member_of,
    "member in chain": Compiler._member_in_chain,
    "memberof in chain": Compiler._member_of_in_chain,
    "integerBitAndMatch": Compiler._bits,
    "integerBitOrMatch": Compiler._bits,
    "number =": Compiler._number,
    "number >=": Compiler._number,
    "number <=": Compiler._number,
    "entrydn": Compiler._entry_dn,
    "login": Compiler._member_login,
    WIDE: Compiler._wide,
}
