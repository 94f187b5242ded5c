"""Shape → SQL over the view file, the second step of planning: written once for each shape (filter_shape.py) and kept.

SQL's three-valued logic is the filter's: Undefined is NULL. Where SQL cannot say a part exactly, it says it too widely, and the
plan is marked inexact: then every row that is found must be evaluated in memory (search/filter_evaluator.py). The nodes of
single assertions are in value_nodes.py and member_nodes.py; plan_nodes.py combines them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.directory.planning import member_nodes, plan_nodes, value_nodes
from gateway.directory.planning.catalogue import Catalogue
from gateway.directory.planning.filter_shape import WIDE, Shape
from gateway.directory.planning.plan_nodes import ALL_ENTRIES, PlanNode, nothing

_PARAMETER = re.compile(r"\?(\d+)")

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

    # Values and numbers -----------------------------------------------------------------------------------------------

    def _equality(self, shape: Shape) -> PlanNode:
        return value_nodes.equality(self._catalogue, str(shape[1]), self._parameter())

    def _constant(self, shape: Shape) -> PlanNode:
        _, attribute, key, kinds = shape
        assert isinstance(key, bytes)  # noqa: S101 (the shape is ours)
        return value_nodes.constant(self._catalogue, str(attribute), key, kinds if isinstance(kinds, tuple) else None)

    def _ordering(self, shape: Shape) -> PlanNode:
        return value_nodes.ordering(self._catalogue, str(shape[1]), str(shape[0]), self._parameter())

    def _present(self, shape: Shape) -> PlanNode:
        attribute = str(shape[1])
        if attribute in member_nodes.PRESENCE:
            return PlanNode(member_nodes.PRESENCE[attribute])
        return value_nodes.present(self._catalogue, attribute)

    def _substrings(self, shape: Shape) -> PlanNode:
        places = shape[2]
        assert isinstance(places, tuple)  # noqa: S101 (the shape is ours)
        return value_nodes.substrings(self._catalogue, str(shape[1]), places, [self._parameter() for _ in places])

    def _bits(self, shape: Shape) -> PlanNode:
        return value_nodes.bits(self._catalogue, str(shape[1]), str(shape[0]), self._parameter())

    def _number(self, shape: Shape) -> PlanNode:
        return value_nodes.number(str(shape[1]), str(shape[0]).partition(" ")[2], self._parameter())

    def _entry_dn(self, _shape: Shape) -> PlanNode:
        return value_nodes.entry_dn(self._parameter())

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


def _highest(sql: str) -> int:
    """Return the highest parameter number."""
    return max(map(int, _PARAMETER.findall(sql)), default=0)


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
