"""A search whose entries come in an order. Few are sorted in memory; of many, SQLite sorts the ids, outside the reactor, and
the entries are read by id as they are sent. So the list can be entered anywhere: by position, or by a value."""

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import closing

from gateway.directory.search import sort_keys
from gateway.directory.search.filter_evaluator import Values
from gateway.directory.search.query import Query
from gateway.directory.search.search import SLICE_ROWS, Search, row_renderer, row_test
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ENCODED, ROW, Row, VisibleRows

_ROWS_SORTED_AT_ONCE = 200
"""Rows that are decoded and sorted in the reactor: a few milliseconds. Above, ids are sorted in a thread."""

_IDS_AT_ONCE = 10_000


class SortedSearch(Search):
    """A Search for a query with an order; `arrange` comes before `seek`, `count` and `locate`, and is done by the first slice
    at the latest."""

    def __init__(self, searcher: ViewSearcher, query: Query) -> None:
        super().__init__(searcher, query)
        self._by = query.order
        self._ids: array[int] | None = None
        self._held = 0
        self._next = 0
        self._stop = 0
        self._visible: VisibleRows | None = None
        self._passes: Callable[[Row], bool] | None = None

    @property
    def is_small(self) -> bool:
        return self._is_point and not self._is_rewritten

    @property
    def blocking(self) -> bool:
        return True

    def at_once(self) -> list[bytes] | None:
        """Return all entries in order; None when there are many after all."""
        reader = self._searcher.reader
        sql = reader.plans.prepare(self._shape, self._scope, ROW).sql
        rows: list[Row] = reader.execute(f"{sql} LIMIT {_ROWS_SORTED_AT_ONCE}", self._parameters).fetchall()
        if len(rows) >= _ROWS_SORTED_AT_ONCE:
            return None
        self._set_renderer(reader.connection)
        render = self._render
        assert render is not None  # noqa: S101 (just set)
        by_id = {row[0]: row for row in rows}
        ordered = sort_keys.sort([(row[0], self._values(row)) for row in rows], self._by)
        return [entry for one in ordered if (entry := render(by_id[one])) is not None]

    def next_slice(self, rows: int = SLICE_ROWS) -> list[bytes] | None:
        self.arrange()
        assert self._ids is not None  # noqa: S101 (arranged)
        chosen = self._ids[self._next : min(self._next + rows, self._stop)]
        self._next += len(chosen)
        if not chosen:
            return None
        return self._rendered(self._encoded(chosen) if self._plain else self._rows(chosen))

    def close(self) -> None:
        super().close()
        held, self._held = self._held, 0
        if held:
            self._searcher.reader.snapshots.count_ids(-held)

    # The list ---------------------------------------------------------------------------------------------------------

    def arrange(self, *, exactly: bool = False) -> None:
        """Sort the list. May take long; not in the reactor. `exactly`: only what is visible and matches after all is on the
        list, so that it can be counted. Raises TooManySearches, and OperationalError when interrupted."""
        if self._ids is not None:
            return
        ids = self._sorted()
        if exactly and not (self._prepared.plan.exact and self._searcher.access.is_everything):
            assert self._passes is not None  # noqa: S101 (set when it was opened)
            ids = array("q", (row[0] for row in self._rows(ids) if self._passes(row)))
        self._ids = ids
        self.seek(0, len(ids))

    @property
    def count(self) -> int:
        """The number of entries on the list."""
        return len(self._ids or ())

    def seek(self, start: int, stop: int) -> None:
        """Let the next slices be of the entries from place `start` to before place `stop`, from 0."""
        self._next, self._stop = start, stop

    def locate(self, asserted: bytes) -> int:
        """Return the first place whose key (the first one) is not less than that of a value (not greater, when reversed)."""
        assert self._ids is not None  # noqa: S101 (arranged)
        reverse = self._by[0].reverse

        def is_behind(place: int) -> bool:
            key = self._place_key(place)
            return key <= (False, asserted) if reverse else key >= (False, asserted)

        return bisect_left(range(len(self._ids)), True, key=is_behind)

    def _place_key(self, place: int) -> tuple[bool, bytes]:
        assert self._ids is not None  # noqa: S101 (arranged)
        for row in self._rows(self._ids[place : place + 1]):
            least = self._by[0].least(self._values(row))
            return least is None, least or b""
        raise LookupError(place)

    def _sorted(self) -> "array[int]":
        prepared = self._plans.prepare(self._shape, self._scope, self._by)
        ids = array("q")
        with closing(self._snapshot.cursor()) as cursor:
            cursor.execute(prepared.sql, self._parameters)
            while found := cursor.fetchmany(_IDS_AT_ONCE):
                self._searcher.reader.snapshots.count_ids(len(found))
                self._held += len(found)
                ids.extend([one[0] for one in found])
        return ids

    @property
    def _snapshot(self) -> sqlite3.Connection:
        assert self._connection is not None, "open comes first"  # noqa: S101
        return self._connection

    def _rows(self, ids: "array[int]") -> list[Row]:
        read, connection = f"SELECT {ROW} FROM entry e WHERE e.id = ?", self._snapshot
        return [row for one in ids for row in connection.execute(read, (one,))]

    def _encoded(self, ids: "array[int]") -> list[tuple[bytes]]:
        read, connection = f"SELECT {ENCODED} FROM entry e WHERE e.id = ?", self._snapshot
        return [row for one in ids for row in connection.execute(read, (one,))]

    def _set_renderer(self, connection: sqlite3.Connection) -> None:
        self._visible = self._searcher.visible_rows(connection)
        exact = self._prepared.plan.exact
        self._passes = row_test(self._query, exact, self._visible)
        self._render = row_renderer(self._query, exact, self._renderer, self._visible)

    def _values(self, row: Row) -> Values:
        assert self._visible is not None  # noqa: S101 (set with the connection)
        return self._visible.values(row)
