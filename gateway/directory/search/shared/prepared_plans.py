"""Prepared plans: the SQL of a filter shape below a base, compiled once and kept until the catalogue changes."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.directory.planning import catalogue
from gateway.directory.planning.filter_shape import Key, Shape
from gateway.directory.planning.sql_planner import Compiler, Plan
from gateway.directory.search import sort_keys
from gateway.directory.search.query import SUBORDINATE_SUBTREE
from gateway.directory.search.sort_keys import Order
from gateway.model.ldap import dn
from gateway.wire.messages import WHOLE_SUBTREE

_MAX_PLANS = 2_000
"""Filter shapes kept compiled; programs send a few dozen."""

_LONGEST_KEPT = 8_192
"""Characters of SQL: a filter of some twenty terms. Longer ones are hardly sent twice, and any client can make them up."""

_EVERYTHING = 4
"""The whole subtree of the view's base, which needs no condition."""

_SCOPES: Sequence[tuple[str, int]] = (
    ("e.dn_key = ?1", 1),
    ("e.parent = (SELECT id FROM entry WHERE dn_key = ?1)", 1),
    ("e.dn_key >= ?1 AND e.dn_key < ?2", 2),
    ("e.dn_key > ?1 AND e.dn_key < ?2", 2),
    ("1", 0),
)
"""By number: the condition of a scope, and how many parameters it has."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The SQL for a filter shape under a scope. Parameters: the base's (`scope_of`), then the filter's keys."""

    sql: str
    plan: Plan
    parameters: int


class PreparedPlans:
    """The prepared plans of one view file, the least lately made go first. `root_key`: of the view's base."""

    def __init__(self, connection: sqlite3.Connection, root_key: str) -> None:
        self._root_key = root_key
        self._catalogue: catalogue.Catalogue = catalogue.read(connection)
        self._plans: OrderedDict[tuple[Shape, int, str | Order], Prepared] = OrderedDict()

    def refresh(self, connection: sqlite3.Connection) -> bool:
        """Read the catalogue again; return whether it changed, and with it every plan."""
        present = catalogue.read(connection)
        if present == self._catalogue:
            return False
        self._catalogue = present
        self._plans.clear()
        return True

    def prepare(self, shape: Shape, scope: int, columns: str | Order) -> Prepared:
        """Return the SQL for a shape; `scope` as `scope_of` gives it. With an order instead of columns: for ids in that
        order."""
        key = (shape, scope, columns)
        prepared = self._plans.get(key)
        if prepared is None:
            prepared = self._compile(shape, scope, columns)
            if len(prepared.sql) <= _LONGEST_KEPT:
                self._plans[key] = prepared
                if len(self._plans) > _MAX_PLANS:
                    self._plans.popitem(last=False)
        return prepared

    def _compile(self, shape: Shape, scope: int, columns: str | Order) -> Prepared:
        condition, count = _SCOPES[scope]
        plan = Compiler(self._catalogue).compile(shape, count + 1)
        if not isinstance(columns, str):
            sql = sort_keys.statement(plan, condition, columns, self._catalogue)
            return Prepared(sql, plan, max(count, plan.parameters))
        where = condition if plan.where == "1" else f"{condition} AND {plan.where}"
        sql = f"SELECT {columns} FROM {plan.tables} WHERE {where}"
        return Prepared(sql, plan, max(count, plan.parameters))

    def scope_of(self, base_key: str, scope: int) -> tuple[int, tuple[Key, ...]]:
        """Return the number of the scope's condition, and its parameters."""
        if scope == WHOLE_SUBTREE:
            return (_EVERYTHING, ()) if base_key == self._root_key else (scope, (base_key, dn.subtree_end(base_key)))
        if scope == SUBORDINATE_SUBTREE:
            return scope, (base_key, dn.subtree_end(base_key))
        return scope, (base_key,)
