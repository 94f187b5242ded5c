"""Plan nodes and their algebra: the SQL of one part of a filter, and how And, Or and Not combine parts. Pure.

A node always has a condition on the entry `e`; a node that can find entries by itself also has a *driver*, a query that gives
their ids. A conjunction is driven by its cheapest part, a disjunction by all of its parts or by none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OTHER_COLUMN = re.compile(r"\be\.(?!id\b)")

ALL_ENTRIES = 1 << 40
"""The cost of looking at every entry."""

POINT_COST = 400
"""Up to this estimated number of rows a search is answered at once; above it is run in slices."""


@dataclass(slots=True)
class PlanNode:
    """The SQL of one part of a filter.

    `condition`: a test on `e`. `exact`: the condition says no more than the filter. `driver`: SELECT … AS entry; None for a
    part that cannot drive. `cost`: rows that the driver looks at. `residual`: the test that remains for the entries that the
    driver finds. `sharp`: driver and residual together say no more than the filter; None: as `exact`. `dense`: the driver finds
    entries about as fast as it looks at rows. `heavy`: the condition looks at many rows before it knows of one entry; where few
    entries are found, each is evaluated in memory instead."""

    condition: str
    exact: bool = True
    driver: str | None = None
    cost: int = ALL_ENTRIES
    residual: str = "1"
    sharp: bool | None = None
    dense: bool = True
    heavy: bool = False

    @property
    def is_sharp(self) -> bool:
        """See `sharp`."""
        return self.exact if self.sharp is None else self.sharp


def nothing(condition: str = "0") -> PlanNode:
    """Return the node that finds no entry. `condition`: "NULL" for Undefined."""
    return PlanNode(condition, driver="SELECT 0 AS entry WHERE 0", cost=0)


def conjunction(nodes: Sequence[PlanNode]) -> PlanNode:
    """Return the node of an And: driven by the cheapest of its parts, the others are tested on what that finds."""
    condition = _joined(" AND ", [node.condition for node in nodes if node.condition != "1"])
    both = PlanNode(condition, all(node.exact for node in nodes), heavy=any(node.heavy for node in nodes))
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


def disjunction(nodes: Sequence[PlanNode]) -> PlanNode:
    """Return the node of an Or: driven by the drivers of all its parts, if each has one."""
    if not nodes:
        return nothing()
    conditions = [node.condition for node in nodes]
    condition = "1" if "1" in conditions else _joined(" OR ", conditions)
    either = PlanNode(condition, all(node.exact for node in nodes), heavy=any(node.heavy for node in nodes))
    drivers = [node.driver for node in nodes if node.driver is not None]
    if len(drivers) < len(nodes):
        return either
    either.cost = sum(node.cost for node in nodes)
    either.driver = _union(drivers, conditions, few=either.cost <= POINT_COST and not either.heavy)
    either.dense = either.cost <= POINT_COST and all(node.dense for node in nodes)  # all are found before one is given
    if all(node.residual == "1" for node in nodes):
        either.sharp = all(node.is_sharp for node in nodes)
    elif either.heavy and either.cost <= POINT_COST:
        either.sharp = False
    else:
        either.residual = condition
    return either


def negation(node: PlanNode) -> PlanNode:
    """Return the node of a Not. The opposite of "too wide" is too narrow: then every entry is left to be evaluated."""
    return PlanNode(f"NOT {node.condition}", heavy=node.heavy) if node.exact else PlanNode("1", exact=False)


def _union(drivers: Sequence[str], conditions: Sequence[str], *, few: bool) -> str:
    """Return a query for the entries that any of the drivers finds, each entry once. Where they are few, those that a driver
    before has found are left out one by one, which costs half as much as SQLite's table of all that were found."""
    found = [f"SELECT entry FROM ({driver})" for driver in drivers]
    if not few or any(_OTHER_COLUMN.search(condition) for condition in conditions):
        return " UNION ".join(found)
    for number in range(1, len(found)):
        fresh = " AND ".join(f"({condition}) IS NOT TRUE" for condition in conditions[:number])
        found[number] = f"SELECT e.id AS entry FROM (SELECT entry AS id FROM ({drivers[number]})) e WHERE {fresh}"
    return " UNION ALL ".join(found)


def _joined(operator: str, tests: Sequence[str]) -> str:
    return f"({operator.join(tests)})" if tests else "1"
