"""Searching a view through an Access: a prepared search becomes bytes, at once when it is small, in slices when it is large.

Nothing here waits or knows a connection; the frontend decides when to take the next slice (back-pressure) and in which
thread (`Search.blocking`)."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.directory.access import Access
from gateway.directory.search.attribute_selection import MatchedValues, Renderer, wanted
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.search.filter_shape import ONE_PIECE, TRUE, UNKNOWN, Key, Shape
from gateway.directory.search.sort_keys import Order
from gateway.directory.search.sql_planner import POINT_COST, PROBED
from gateway.directory.search.view_reader import BASE_OBJECT, ENCODED, SINGLE_LEVEL, WHOLE_SUBTREE, Prepared, ViewReader
from gateway.directory.search.visible_rows import LISTED_BY, ROW, Row, VisibleRows
from gateway.model.bounded_cache import LONGEST
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from gateway.wire.filters import Filter

SLICE_ROWS = 500
"""Rows taken in one go: a slice of a large search holds the reactor for a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search in our words. `base` (with its key) is known to be inside the view. `order`: what `sort_keys.order` gives;
    empty: as it comes. `matched_values`: only values that match one of these are sent (RFC 3876); empty: all."""

    base: DN
    base_key: str
    scope: int
    filter: Filter
    attributes: tuple[str, ...] = ()
    types_only: bool = False
    order: Order = ()
    matched_values: tuple[Filter, ...] = ()

    def covers(self, dn_key: str) -> bool:
        """Return whether an entry with this DN is in the scope of the search."""
        if self.scope == BASE_OBJECT:
            return dn_key == self.base_key
        if self.scope == SINGLE_LEVEL:
            return dn_key != self.base_key and dn.parent_key(dn_key) == self.base_key
        return dn_key.startswith(self.base_key) and (self.scope == WHOLE_SUBTREE or dn_key != self.base_key)


@dataclass(frozen=True, slots=True)
class DirectPlan:
    """A search for equality assertions, or for one piece in the middle of values, ready but for the values: parameters are
    `base`, then for each value what its function in `keys` makes of it (None: go the ordinary way). More than DIRECT_ROWS rows
    mean that there may be others. Assertions about what an entry is (kind_constants.OF_ITS_KIND) are in
    the plan with their values. `render` makes what is sent of a row (None: its first column is sent as it is)."""

    sql: str
    base: tuple[Key, ...]
    keys: tuple[Callable[[bytes], Key | None], ...]
    render: Callable[[Any], bytes] | None


DIRECT_ROWS = 20
"""More entries than this are not worth the short way. A piece may be in every value: one row more is taken, and no further."""


class NoSuchObject(Exception):
    """The base does not exist, or is not visible. `matched_dn`: the lowest visible entry above it."""

    def __init__(self, matched_dn: str) -> None:
        super().__init__(matched_dn)
        self.matched_dn = matched_dn


class ViewSearcher:
    """One view as one bound party sees it."""

    def __init__(self, reader: ViewReader, access: Access) -> None:
        self.reader = reader
        self.access = access
        self._shaper = reader.shaper(access)
        self._evaluator = Evaluator(access.attributes)
        self._renderers: dict[tuple[tuple[str, ...], bool, bool], Renderer] = {}

    # Rows -------------------------------------------------------------------------------------------------------------

    def visible_rows(self, connection: sqlite3.Connection) -> VisibleRows:
        """What this party sees of the state that the connection sees."""
        visibility = self.reader.visibility(self.access, connection)
        names = self.reader.names if connection is self.reader.connection else None
        return VisibleRows(
            connection, visibility, self._evaluator, transitive=self.reader.view.transitive_member_of, names=names
        )

    def find(self, key: str) -> Row:
        """The visible entry with this DN key. Raises NoSuchObject."""
        row = self.reader.nearest(key, self.visible_rows(self.reader.connection).shows)
        if row is None:
            raise NoSuchObject("")
        if dn.key(row[6]) != key:
            raise NoSuchObject(row[6])
        return row

    # Searches ---------------------------------------------------------------------------------------------------------

    def renderer(self, attributes: tuple[str, ...], types_only: bool, *, stored_only: bool = False) -> Renderer:
        """The renderer for a selection; requests repeat a few. `stored_only`: without what the view shows unasked and finds
        elsewhere, whose changes are no changes of the entry."""
        key = (attributes, types_only, stored_only)
        renderer = self._renderers.get(key)
        if renderer is None:
            unasked = frozenset() if stored_only else self.reader.view.shown_unasked
            selected = wanted(attributes, types_only, self.access.attributes, unasked)
            renderer = Renderer(selected, self.reader.view.stored_attributes)
            if sum(map(len, attributes)) <= LONGEST:
                if len(self._renderers) >= _MAX_RENDERERS:
                    self._renderers.clear()
                self._renderers[key] = renderer
        return renderer

    def search(self, query: Query) -> "Search":
        """Prepares a search; one that has an order is sorted_search.py's. Raises NoSuchObject. Nothing has been read yet but
        the base."""
        return Search(self, query, *self.parts(query))

    def parts(self, query: Query) -> tuple[Shape, list[Key], Renderer]:
        """What a search is made of. Raises NoSuchObject."""
        base_key = query.base_key
        if query.scope == BASE_OBJECT or not self.reader.is_container(base_key):
            self.find(base_key)
        keys: list[Key] = []
        shape = self._shaper.shape(query.filter, keys)
        if query.scope == BASE_OBJECT and shape != TRUE:
            # There is one row, and asking it costs less than any look into the index.
            keys, shape = [], UNKNOWN
        renderer = self.renderer(query.attributes, query.types_only)
        if query.matched_values:
            renderer = MatchedValues(renderer.wanted, self.reader.view.stored_attributes, query.matched_values, self._evaluator)
        return shape, keys, renderer

    def direct(self, query: Query) -> DirectPlan | None:
        """The plan for a search that one statement answers as it stands; None when it is not one of those."""
        if not self.access.is_everything:
            return None
        keys: list[Key] = []
        shape = self._shaper.shape(query.filter, keys)
        asked = list(shape[1:]) if shape[0] in ("&", "|") else [shape]
        makers = [self._maker(part) for part in asked if isinstance(part, tuple) and part[0] != "is"]
        renderer = self.renderer(query.attributes, query.types_only)
        base_key = query.base_key
        if None in makers or not self.reader.is_container(base_key):
            return None
        scope, base = self.reader.scope_of(base_key, query.scope)
        prepared = self.reader.prepare(shape, scope, self._columns(renderer))
        if not prepared.plan.exact or prepared.plan.cost > POINT_COST or prepared.parameters != len(base) + len(makers):
            return None
        pieces = any(isinstance(part, tuple) and part[0] == "~" for part in asked)
        if pieces and shape[0] == "|":  # all are found before one is given
            return None
        sql = f"{prepared.sql} LIMIT {DIRECT_ROWS + 1}" if pieces else prepared.sql
        return DirectPlan(sql, base, tuple(maker for maker in makers if maker is not None), self._render(renderer))

    def _columns(self, renderer: Renderer) -> str:
        """What `_render` needs of a row."""
        if not renderer.needs_operational:
            return ENCODED
        return f"{ENCODED}, {LISTED_BY}" if self._lists_groups(renderer) else ROW

    def _lists_groups(self, renderer: Renderer) -> bool:
        """Whether one statement finds the entry and all that is added to it: the groups that list it, and no others."""
        return renderer.adds_member_of_alone and not self.reader.view.transitive_member_of

    def _render(self, renderer: Renderer) -> Callable[[Any], bytes] | None:
        if renderer.wanted.is_whole_entry:
            return None
        if not renderer.needs_operational:
            return lambda row: renderer(row[0])
        if self._lists_groups(renderer):
            with_more, member_of = renderer.with_more, self.reader.names.member_of
            return lambda row: with_more(row[0], b"" if row[1] is None else member_of(row[1], row[2]))
        visible = self.visible_rows(self.reader.connection)
        return lambda row: renderer(row[4], row[5], visible.found(row, renderer.dynamic))

    def _maker(self, part: Shape) -> Callable[[bytes], Key | None] | None:
        """What makes the key of an assertion's value; None for what is neither equality nor one piece of three or more."""
        if part[0] == "=":
            return partial(self._shaper.key, str(part[1]))
        if part[0] == "~" and part[2] == ONE_PIECE:
            return partial(self._shaper.piece, str(part[1]))
        return self._member_key if part == ("member",) else None

    def _member_key(self, value: bytes) -> str | None:
        key = self._shaper.key("member", value)
        return None if key is None else key.decode()

    @staticmethod
    def tester(query: Query, exact: bool, visible: VisibleRows) -> Callable[[Row], bool]:
        """What tells of a row whether it is visible and matches after all."""
        return lambda row: visible.shows(row) and (exact or visible.matches(query.filter, row))

    def converter(self, query: Query, exact: bool, renderer: Renderer, visible: VisibleRows) -> Callable[[Row], bytes | None]:
        """What makes a row's answer: the entry to send, or None when it is not visible or does not match after all."""
        fits = self.tester(query, exact, visible)

        def answer(row: Row) -> bytes | None:
            return renderer(visible.encoded(row), row[5], visible.found(row, renderer.dynamic)) if fits(row) else None

        return answer


_MAX_RENDERERS = 1_000


class Search:
    """One prepared search. Either `at_once`, or `open` and then `next_slice` until it gives None, and `close` at the end."""

    def __init__(
        self,
        searcher: ViewSearcher,
        query: Query,
        shape: Shape,
        keys: Sequence[Key],
        renderer: Renderer,
    ) -> None:
        self._searcher = searcher
        self._query = query
        self._renderer = renderer
        self._scope, base = searcher.reader.scope_of(query.base_key, query.scope)
        self._shape = shape
        # An entry that has been found needs no wide row when nothing is tested and nothing added.
        self._plain = searcher.access.is_everything and not renderer.needs_operational
        self._prepared = self._prepare()
        self._plain = self._plain and self._prepared.plan.exact
        if not self._plain:
            self._prepared = self._prepare()
        self._parameters = (*base, *keys)[: self._prepared.parameters]
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._answer: Callable[[Row], bytes | None] | None = None

    def _prepare(self) -> Prepared:
        return self._searcher.reader.prepare(self._shape, self._scope, ENCODED if self._plain else ROW)

    @property
    def order(self) -> Order:
        """By what the entries are sorted; empty: they come as they come."""
        return self._query.order

    @property
    def _is_point(self) -> bool:
        return self._query.scope == BASE_OBJECT or self._prepared.plan.cost <= POINT_COST

    @property
    def is_small(self) -> bool:
        """Whether it may be tried to answer it at once: few rows are expected, or it is soon known whether there are few."""
        plan = self._prepared.plan
        return (self._is_point or plan.cheap_rows or plan.probe is not None) and not self._query.matched_values

    @property
    def blocking(self) -> bool:
        """Whether a slice may take long, because rows are looked at that are not found: to be taken in a thread."""
        plan = self._prepared.plan
        return not (self._is_point or (plan.cheap_rows and plan.exact)) or bool(self._query.matched_values)

    def at_once(self) -> list[bytes] | None:
        """All entries; None when there are many after all, so that it must be taken in slices."""
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
        self._look(self._searcher.reader.connection)
        return self._convert(rows)

    def open(self, holder: str = "") -> None:
        """Takes a snapshot for `holder`. Raises reader.TooManySearches."""
        self._connection = self._searcher.reader.snapshot(holder)
        try:
            self._look(self._connection)
        except BaseException:
            self.close()
            raise

    def _look(self, connection: sqlite3.Connection) -> object:
        """All that is added to a row, or tested of it, is read from the state that the row is from."""
        if not self._plain:
            visible = self._searcher.visible_rows(connection)
            self._answer = self._searcher.converter(self._query, self._prepared.plan.exact, self._renderer, visible)
        return None

    def next_slice(self, rows: int = SLICE_ROWS) -> list[bytes] | None:
        """The next entries (perhaps none, if none of the rows were to be shown), or None at the end."""
        if self._cursor is None:
            assert self._connection is not None, "open comes first"  # noqa: S101
            self._cursor = self._connection.execute(self._prepared.sql, self._parameters)
        fetched = self._cursor.fetchmany(rows)
        return self._convert(fetched) if fetched else None

    def _convert(self, rows: list[tuple[bytes]] | list[Row]) -> list[bytes]:
        if self._plain:
            encoded = [row[0] for row in rows]
            if self._renderer.changes_nothing:
                return encoded  # type: ignore[return-value]
            return [self._renderer(entry) for entry in encoded]  # type: ignore[arg-type]
        answer = self._answer
        assert answer is not None, "looked before"  # noqa: S101
        return [entry for row in rows if (entry := answer(row)) is not None]  # type: ignore[arg-type]

    def interrupt(self) -> None:
        """May be called from another thread than the one that is in `next_slice`: it ends soon, with OperationalError."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Gives the snapshot back. May be called at any time when no slice is being taken, and more than once."""
        connection, self._connection = self._connection, None
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
        if connection is not None:
            self._searcher.reader.release(connection)


_ROWS_AT_ONCE = 2_000
"""What the reactor is held for at the most when the planner's estimate was too low: some milliseconds."""
