"""Shape → SQL over the view file, the second step of planning: written once for each shape (filter_shape.py) and kept.

SQL's three-valued logic is the filter's: Undefined is NULL. What SQL cannot say exactly it says too widely, and the plan is
marked inexact: whoever runs it must ask filter_evaluator.py about every row."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.projection.index_keys import fragment_table
from gateway.directory.search.filter_shape import ONE_PIECE, WIDE, Shape
from gateway.model.ldap import schema

_PARAMETER = re.compile(r"\?(\d+)")
_OTHER_COLUMN = re.compile(r"\be\.(?!id\b)")

_ALL = 1 << 40
"""The cost of looking at every entry."""

_FRAGMENT_COST = 200
_RANGE_SHARE = 3
"""A prefix or an ordering assertion is taken to match this part of an attribute's rows: only the order of costs matters."""

_FEW_VALUES = 50
"""So many different values are walked for one entry; above, the entry is asked."""

PROBED = 100
"""How many entries are counted, where many are expected, to see whether there are few: it costs less than a snapshot."""

POINT_COST = 400
"""Up to this estimated number of rows a search is answered at once; above it is run in slices."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the planner knows of an attribute: its id in the file, its rows, and how many different values they have."""

    id: int
    rows: int
    distinct_values: int

    @property
    def rows_per_value(self) -> int:
        """How many rows an equality assertion finds on average."""
        return self.rows // self.distinct_values + 1 if self.distinct_values else 1


Catalogue: TypeAlias = Mapping[str, Statistics]


def read_catalogue(connection: sqlite3.Connection) -> dict[str, Statistics]:
    """The attributes that the file knows."""
    return {row[0]: Statistics(*row[1:]) for row in connection.execute("SELECT key, id, rows, distinct_values FROM attribute")}


@dataclass(frozen=True, slots=True)
class Plan:
    """SQL for one shape. `tables` and `where` are to be put into "SELECT … FROM {tables} WHERE {where}"; `e` is the entry.

    Parameters are numbered from `?1` in the order in which `shape` collected the keys. `cost` estimates the rows looked at;
    `cheap_rows`: every row looked at is found, so that a slice never takes long. `exact`: no row needs to be asked again.
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


@dataclass(slots=True)
class _Node:
    """A compiled part: its condition on `e`, and, if it can find entries by itself, the query that does."""

    condition: str
    exact: bool = True
    """Whether the condition says no more than the filter."""
    driver: str | None = None
    """SELECT … AS entry; None when it cannot drive."""
    cost: int = _ALL
    residual: str = "1"
    """What is left to test on the entries that the driver finds."""
    sharp: bool | None = None
    """Whether driver and residual together say no more than the filter; None: as `exact`."""
    dense: bool = True
    """Whether the driver finds entries about as fast as it looks at rows."""
    heavy: bool = False
    """Whether the condition looks at many rows before it knows of one entry: where few are found, each is asked instead."""

    @property
    def is_sharp(self) -> bool:
        """See `sharp`."""
        return self.exact if self.sharp is None else self.sharp


class Compiler:
    """Shape → Plan, for one state of the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._next = 0

    def compile(self, shape: Shape, first_parameter: int) -> Plan:
        """`first_parameter`: the number of the shape's first key."""
        self._next = first_parameter
        node = self._node(shape)
        if node.driver is None or node.cost >= _ALL:
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

    def _node(self, shape: Shape) -> _Node:
        return _NODES.get(str(shape[0]), Compiler._asked)(self, shape)

    def _parameter(self) -> str:
        number = self._next
        self._next += 1
        return f"?{number}"

    def _asked(self, _shape: Shape) -> _Node:
        return _Node("1", exact=False)

    def _true(self, _shape: Shape) -> _Node:
        return _Node("1")

    def _false(self, _shape: Shape) -> _Node:
        return _Node("0", driver="SELECT 0 AS entry WHERE 0", cost=0)

    def _undefined(self, _shape: Shape) -> _Node:
        return _Node("NULL", driver="SELECT 0 AS entry WHERE 0", cost=0)

    def _rows(self, attribute: str, test: str, share: Callable[[Statistics], int], *, distinct: bool) -> _Node:
        """Entries that have a row of the attribute (or of a type derived from it) that passes `test` on `v.value`."""
        found = [self._catalogue[key] for key in schema.subtypes(attribute) if key in self._catalogue]
        if not found:
            return _Node("0", driver="SELECT 0 AS entry WHERE 0", cost=0)
        ids = ", ".join(str(statistics.id) for statistics in found)
        is_one = f"= {ids}" if len(found) == 1 else f"IN ({ids})"
        query = f"FROM value v WHERE v.attribute {is_one} AND {test}"
        select = "SELECT DISTINCT" if distinct or len(found) > 1 else "SELECT"
        cost = sum(share(statistics) for statistics in found)
        return _Node(f"EXISTS (SELECT 1 {query} AND v.entry = e.id)", driver=f"{select} v.entry AS entry {query}", cost=cost)

    def _equality(self, shape: Shape) -> _Node:
        attribute, test = str(shape[1]), f"v.value = {self._parameter()}"
        node = self._rows(attribute, test, lambda statistics: statistics.rows_per_value, distinct=False)
        if (
            attribute == "structuralobjectclass" and node.cost
        ):  # as with object classes, and a young file's statistics do not tell
            node.cost = max(node.cost, _ALL - 2)
        return node

    def _is(self, shape: Shape) -> _Node:
        """An assertion whose value is part of the shape: (attribute, key, the kinds that it comes to, or None)."""
        _, attribute, key, kinds = shape
        assert isinstance(key, bytes)  # noqa: S101 (the shape is ours)
        node = self._rows(str(attribute), f"v.value = x'{key.hex()}'", lambda s: s.rows_per_value, distinct=False)
        if node.cost:  # nearly every filter has one of these beside something better
            node.cost = max(node.cost, _ALL - 2)
        if node.cost and isinstance(kinds, tuple):
            named = ", ".join(f"'{kind}'" for kind in kinds)
            node.condition = f"e.kind IN ({named})" if len(kinds) != 1 else f"e.kind = {named}"
        return node

    def _ordering(self, shape: Shape) -> _Node:
        test = f"v.value {shape[0]} {self._parameter()} AND v.value > x''"
        return self._scanned(
            self._rows(str(shape[1]), test, lambda statistics: statistics.rows // _RANGE_SHARE + 1, distinct=True)
        )

    def _present(self, shape: Shape) -> _Node:
        attribute = str(shape[1])
        if attribute in _MEMBER_PRESENCE:
            return _Node(_MEMBER_PRESENCE[attribute])
        return self._scanned(self._rows(attribute, "1", lambda statistics: statistics.rows, distinct=True))

    @staticmethod
    def _scanned(node: _Node) -> _Node:
        """A condition that would walk many rows for each entry is asked once, as a set."""
        if node.driver is not None and node.condition != "0":
            node.condition, node.heavy = f"e.id IN ({node.driver})", True
        return node

    def _bits(self, shape: Shape) -> _Node:
        """Entries with a value whose bits pass the test. An attribute with bits has few different values, as a rule: they are
        walked from one to the next, each is tested once, and the entries are looked up by those that pass."""
        parameter, statistics = self._parameter(), self._catalogue.get(str(shape[1]))
        if statistics is None:
            return self._false(shape)
        test = _BIT_TESTS[str(shape[0])].format(value=_NUMBER, mask=parameter)
        passing = _DIFFERENT_VALUES.format(attribute=statistics.id, test=test)
        query = f"v.attribute = {statistics.id} AND v.value IN ({passing})"
        many = statistics.distinct_values > _FEW_VALUES
        return _Node(
            f"EXISTS (SELECT 1 FROM value v WHERE {query} AND v.entry = e.id)",
            driver=f"SELECT DISTINCT v.entry AS entry FROM value v WHERE {query}",
            cost=statistics.rows // _RANGE_SHARE + statistics.distinct_values + 1,
            dense=not many,
            heavy=many,
        )

    def _chain_up(self, _shape: Shape) -> _Node:
        """Groups that list the entry with this DN, or list such a group. Groups may list each other in circles."""
        return self._chain("group_entry", "member_entry", cost=50)

    def _chain_down(self, _shape: Shape) -> _Node:
        """Entries that the group with this DN lists, or that such a group lists."""
        return self._chain("member_entry", "group_entry", cost=1_000)

    def _chain(self, found: str, known: str, cost: int) -> _Node:
        query = f"""WITH RECURSIVE chain (entry) AS (
            SELECT {found} FROM member WHERE {known} = (SELECT id FROM entry WHERE dn_key = {self._parameter()})
            UNION SELECT m.{found} FROM chain c CROSS JOIN member m ON m.{known} = c.entry
        ) SELECT entry FROM chain"""
        return _Node(f"e.id IN ({query})", driver=query, cost=cost, heavy=True)

    def _member(self, _shape: Shape) -> _Node:
        """Groups that have the entry with this DN as a direct member."""
        entry = f"(SELECT id FROM entry WHERE dn_key = {self._parameter()})"
        query = f"FROM member m WHERE m.member_entry = {entry}"
        return _Node(
            f"EXISTS (SELECT 1 {query} AND m.group_entry = e.id)", driver=f"SELECT m.group_entry AS entry {query}", cost=20
        )

    def _member_of(self, _shape: Shape) -> _Node:
        entry = f"(SELECT id FROM entry WHERE dn_key = {self._parameter()})"
        query = f"FROM member m WHERE m.group_entry = {entry}"
        return _Node(
            f"EXISTS (SELECT 1 {query} AND m.member_entry = e.id)", driver=f"SELECT m.member_entry AS entry {query}", cost=500
        )

    def _login(self, _shape: Shape) -> _Node:
        """Groups that have an entry with this uid as a direct member."""
        parameter = self._parameter()
        uid = self._catalogue.get("uid")
        if uid is None:
            return self._false(_shape)
        query = f"FROM value v JOIN member m ON m.member_entry = v.entry WHERE v.attribute = {uid.id} AND v.value = {parameter}"
        return _Node(
            f"EXISTS (SELECT 1 {query} AND m.group_entry = e.id)", driver=f"SELECT m.group_entry AS entry {query}", cost=20
        )

    def _wide(self, shape: Shape) -> _Node:
        node = self._node(shape[1])  # type: ignore[arg-type]
        node.exact = False
        return node

    def _entry_dn(self, _shape: Shape) -> _Node:
        parameter = self._parameter()
        return _Node(f"e.dn_key = {parameter}", driver=f"SELECT id AS entry FROM entry WHERE dn_key = {parameter}", cost=1)

    def _substrings(self, shape: Shape) -> _Node:
        """Each piece as a condition on the keys; with several pieces their order is asked of each row."""
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
            node.cost, node.dense = _ALL - 1, False
        node.exact = len(places) <= 1
        column = next((key for key in schema.subtypes(attribute) if key in self._catalogue), None)
        if fragments and places[0][0] != "initial" and column == attribute and len(schema.subtypes(attribute)) == 1:
            self._by_fragment(node, attribute, fragments, exact=places == ONE_PIECE)
            return node
        return self._scanned(node)

    @staticmethod
    def _by_fragment(node: _Node, attribute: str, parameters: Sequence[str], *, exact: bool) -> None:
        """Finds the entries by the trigram index; anything but one piece in the middle is asked of each row."""
        quoted = [f"""'"' || replace(CAST({p} AS TEXT), '"', '""') || '"'""" for p in parameters]
        table, match = fragment_table(attribute), " || ' AND ' || ".join(quoted)
        node.driver = f"SELECT rowid AS entry FROM {table} WHERE {table} MATCH ({match})"
        node.condition, node.heavy = f"e.id IN ({node.driver})", True
        node.exact = exact
        node.cost = _FRAGMENT_COST

    def _and(self, shape: Shape) -> _Node:
        nodes = [self._node(part) for part in shape[1:]]  # type: ignore[arg-type]
        condition = _joined(" AND ", [node.condition for node in nodes if node.condition != "1"])
        both = _Node(condition, all(node.exact for node in nodes), heavy=any(node.heavy for node in nodes))
        best = min((node for node in nodes if node.driver is not None), key=lambda node: node.cost, default=None)
        if best is None:
            return both
        others = [node for node in nodes if node is not best]
        tested = [node for node in others if not (node.heavy and best.cost <= POINT_COST)]
        both.driver, both.cost, both.dense = best.driver, best.cost, best.dense
        tests = [best.residual, *(node.condition for node in tested)]
        both.residual = _joined(" AND ", [test for test in tests if test != "1"])
        both.sharp = best.is_sharp and all(node.exact for node in others) and len(tested) == len(others)
        return both

    def _or(self, shape: Shape) -> _Node:
        nodes = [self._node(part) for part in shape[1:]]  # type: ignore[arg-type]
        if not nodes:
            return self._false(shape)
        conditions = [node.condition for node in nodes]
        condition = "1" if "1" in conditions else _joined(" OR ", conditions)
        either = _Node(condition, all(node.exact for node in nodes), heavy=any(node.heavy for node in nodes))
        drivers = [node.driver for node in nodes if node.driver is not None]
        if len(drivers) < len(nodes):
            return either
        either.cost = sum(node.cost for node in nodes)
        either.driver = _either(drivers, conditions, few=either.cost <= POINT_COST and not either.heavy)
        either.dense = either.cost <= POINT_COST and all(node.dense for node in nodes)  # all are found before one is given
        if all(node.residual == "1" for node in nodes):
            either.sharp = all(node.is_sharp for node in nodes)
        elif either.heavy and either.cost <= POINT_COST:
            either.sharp = False
        else:
            either.residual = condition
        return either

    def _not(self, shape: Shape) -> _Node:
        node = self._node(shape[1])  # type: ignore[arg-type]
        # The opposite of "too wide" is too narrow: nothing can be said.
        return _Node(f"NOT {node.condition}", heavy=node.heavy) if node.exact else _Node("1", exact=False)


def _either(drivers: Sequence[str], conditions: Sequence[str], *, few: bool) -> str:
    """What any of the drivers finds, each entry once. Where it is a few, whoever a driver before has found is left out one by
    one, which costs half as much as SQLite's table of all that were found."""
    found = [f"SELECT entry FROM ({driver})" for driver in drivers]
    if not few or any(_OTHER_COLUMN.search(condition) for condition in conditions):
        return " UNION ".join(found)
    for number in range(1, len(found)):
        fresh = " AND ".join(f"({condition}) IS NOT TRUE" for condition in conditions[:number])
        found[number] = f"SELECT e.id AS entry FROM (SELECT entry AS id FROM ({drivers[number]})) e WHERE {fresh}"
    return " UNION ALL ".join(found)


def _highest(sql: str) -> int:
    """The highest parameter number."""
    return max(map(int, _PARAMETER.findall(sql)), default=0)


def _joined(word: str, tests: Sequence[str]) -> str:
    return f"({word.join(tests)})" if tests else "1"


_SUBSTRING_TESTS: Mapping[str, str] = {
    # A key that starts with {p} lies between {p} and {p} followed by the greatest octet; UTF-8 has no 0xFF.
    "initial": "v.value >= {p} AND v.value < CAST({p} || x'ff' AS BLOB)",
    "any": "instr(v.value, {p}) > 0",
    "final": "substr(v.value, -length({p})) = {p}",
}

_MEMBER_PRESENCE: Mapping[str, str] = {
    "member": "EXISTS (SELECT 1 FROM member m WHERE m.group_entry = e.id)",
    "memberof": "EXISTS (SELECT 1 FROM member m WHERE m.member_entry = e.id)",
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

_NODES: Mapping[str, Callable[[Compiler, Shape], _Node]] = {
    "true": Compiler._true,
    "false": Compiler._false,
    "undefined": Compiler._undefined,
    "=": Compiler._equality,
    "is": Compiler._is,
    ">=": Compiler._ordering,
    "<=": Compiler._ordering,
    "*": Compiler._present,
    "~": Compiler._substrings,
    "&": Compiler._and,
    "|": Compiler._or,
    "!": Compiler._not,
    "member": Compiler._member,
    "memberof": Compiler._member_of,
    "member in chain": Compiler._chain_up,
    "memberof in chain": Compiler._chain_down,
    "integerBitAndMatch": Compiler._bits,
    "integerBitOrMatch": Compiler._bits,
    "entrydn": Compiler._entry_dn,
    "login": Compiler._login,
    WIDE: Compiler._wide,
}
