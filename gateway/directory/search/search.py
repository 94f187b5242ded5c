"""A prepared search becomes encoded entries: at once when it is small, in slices when it is large.

Nothing here waits or knows a connection; the frontend decides when to take the next slice (back-pressure) and in which
thread (`Search.blocking`)."""

import sqlite3
from collections.abc import Callable

from gateway.directory.planning.plan_nodes import POINT_COST
from gateway.directory.planning.sql_planner import PROBED
from gateway.directory.search.attribute_selection import Renderer
from gateway.directory.search.extended_names import ExtendedNames
from gateway.directory.search.query import Query
from gateway.directory.search.shared.prepared_plans import Prepared
from gateway.directory.search.sort_keys import Order
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ENCODED, ROW, Row, VisibleRows
from gateway.wire.messages import BASE_OBJECT

SLICE_ROWS = 500
"""Rows taken in one go: a slice of a large search holds the reactor for a millisecond or two."""

_ROWS_AT_ONCE = 2_000
"""Rows that the reactor is held for at most when the planner's estimate was too low: some milliseconds."""


class Search:
    """One prepared search. Either `at_once`, or `open` and then `next_slice` until it gives None, and `close` at the end.

    Making it reads nothing but the base. Raises NoSuchObject. The order of a query is sorted_search.py's."""

    def __init__(self, searcher: ViewSearcher, query: Query, *, base_may_be_missing: bool = False) -> None:
        self._searcher = searcher
        self._query = query
        self._shape, keys, renderer = searcher.parts(query, base_may_be_missing=base_may_be_missing)
        self._renderer = renderer
        self._plans = searcher.reader.plans
        self._scope, base = self._plans.scope_of(query.base_key, query.scope)
        # An entry that has been found needs no wide row when nothing is tested and nothing added.
        self._plain = searcher.access.is_everything and not renderer.needs_operational and not query.extended_names
        self._prepared = self._prepare()
        self._plain = self._plain and self._prepared.plan.exact
        if not self._plain:
            self._prepared = self._prepare()
        self._parameters = (*base, *keys)[: self._prepared.parameters]
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._render: Callable[[Row], bytes | None] | None = None

    def _prepare(self) -> Prepared:
        return self._plans.prepare(self._shape, self._scope, ENCODED if self._plain else ROW)

    @property
    def order(self) -> Order:
        """The order of the entries; empty: as they come."""
        return self._query.order

    @property
    def _is_point(self) -> bool:
        return self._query.scope == BASE_OBJECT or self._prepared.plan.cost <= POINT_COST

    @property
    def is_small(self) -> bool:
        """The search may be tried at once: few rows are expected, or it is soon known whether there are few."""
        plan = self._prepared.plan
        return (self._is_point or plan.cheap_rows or plan.probe is not None) and not self._is_rewritten

    @property
    def blocking(self) -> bool:
        """True when a slice may take long, because rows are looked at that are not found: it is taken in a thread then."""
        plan = self._prepared.plan
        return not (self._is_point or (plan.cheap_rows and plan.exact)) or self._is_rewritten

    @property
    def _is_rewritten(self) -> bool:
        """True when each value is looked at before it is sent, which may take long."""
        return bool(self._query.matched_values or self._query.extended_names)

    def at_once(self) -> list[bytes] | None:
        """Return all entries; None when there are many after all, so that they must be taken in slices."""
        execute, plan = self._searcher.reader.execute, self._prepared.plan
        most = _ROWS_AT_ONCE
        if not self._is_point and plan.probe is not None:
            (found,) = execute(plan.probe, self._parameters[: plan.probe_parameters]).fetchone()
            if found >= PROBED:
                return None
        elif not self._is_point:
            most = PROBED
        rows = execute(f"{self._prepared.sql} LIMIT {most}", self._parameters).fetchall()
        if len(rows) >= most:
            return None
        self._set_renderer(self._searcher.reader.connection)
        return self._rendered(rows)

    def open(self, holder: str = "") -> None:
        """Take a snapshot for `holder`. Raises TooManySearches."""
        self._connection = self._searcher.reader.snapshots.take(holder)
        try:
            self._set_renderer(self._connection)
        except BaseException:
            self.close()
            raise

    def _set_renderer(self, connection: sqlite3.Connection) -> None:
        """Bind the renderer to a connection: all that is added to a row, or tested of it, is read from the row's own state."""
        if not self._plain:
            visible = self._searcher.visible_rows(connection)
            self._render = row_renderer(self._query, self._prepared.plan.exact, self._renderer, visible)

    def next_slice(self, rows: int = SLICE_ROWS) -> list[bytes] | None:
        """Return the next entries (perhaps none, if none of the rows were to be shown), or None at the end."""
        if self._cursor is None:
            assert self._connection is not None, "open comes first"  # noqa: S101
            self._cursor = self._connection.execute(self._prepared.sql, self._parameters)
        fetched = self._cursor.fetchmany(rows)
        return self._rendered(fetched) if fetched else None

    def _rendered(self, rows: list[tuple[bytes]] | list[Row]) -> list[bytes]:
        if self._plain:
            encoded = [row[0] for row in rows]
            if self._renderer.changes_nothing:
                return encoded  # type: ignore[return-value]
            return [self._renderer(entry) for entry in encoded]  # type: ignore[arg-type]
        render = self._render
        assert render is not None, "set with the connection"  # noqa: S101
        return [entry for row in rows if (entry := render(row)) is not None]  # type: ignore[arg-type]

    def interrupt(self) -> None:
        """Interrupt a slice: it ends soon, with OperationalError. May be called from another thread."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Give the snapshot back. May be called at any time when no slice is being taken, and more than once."""
        connection, self._connection = self._connection, None
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
        if connection is not None:
            self._searcher.reader.snapshots.release(connection)


def row_test(query: Query, exact: bool, visible: VisibleRows) -> Callable[[Row], bool]:
    """Return the test whether a row is visible and matches after all. `exact`: the plan leaves nothing to evaluate."""
    return lambda row: visible.shows(row) and (exact or visible.matches(query.filter, row))


def row_renderer(query: Query, exact: bool, renderer: Renderer, visible: VisibleRows) -> Callable[[Row], bytes | None]:
    """Return the function that renders a row: the entry to send, or None when it is not visible or does not match after all."""
    passes = row_test(query, exact, visible)
    names = ExtendedNames(visible, as_text=query.extended_names == "text") if query.extended_names else None

    def render(row: Row) -> bytes | None:
        if not passes(row):
            return None
        entry = renderer(visible.encoded(row), row[5], visible.dynamic_values(row, renderer.dynamic))
        return entry if names is None else names.extended(entry)

    return render
