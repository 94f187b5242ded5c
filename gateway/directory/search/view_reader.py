"""Reading a view file: connections, the planner's catalogue, prepared searches. What a search is made of; search.py runs it.

A small search is answered at once on the shared connection; a large one takes a connection of its own out of the pool, in a
read transaction: it sees one state of the view from its first slice to its last."""

import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from gateway.directory.access import Access, Visibility
from gateway.directory.search import sort_keys, sql_planner
from gateway.directory.search.filter_shape import Key, Shape, Shaper
from gateway.directory.search.sort_keys import Order
from gateway.directory.search.sql_planner import Compiler, Plan
from gateway.directory.search.visible_rows import ROW, GroupNames, Row
from gateway.directory.view_file import view_file
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.errors import Busy
from gateway.model.ldap import dn
from gateway.model.objects import ROOT_ORGANIZATION_ID

ENCODED = "e.encoded"

BASE_OBJECT, SINGLE_LEVEL, WHOLE_SUBTREE, SUBORDINATE_SUBTREE = range(4)
"""SearchRequest.scope (RFC 4511 §4.5.1.2; subordinateSubtree: draft-sermersheim-ldap-subordinate-scope)."""

MAX_SNAPSHOTS = 256
"""Large searches that run at the same time; further ones are told to try again. Each costs a descriptor and some 100 KiB."""

SNAPSHOTS_LEFT_SHARE = 4
"""Nobody may hold more than so many times what is left: of 256 one alone gets 205, the next 41 of the 51 that are left, and so
on. A client with many connections is not hindered, and keeps nobody else from searching."""

MAX_HELD_IDS = 8_000_000
"""Ids of sorted searches and virtual lists in memory, 8 octets each: of all connections together."""

_MAX_PLANS = 2_000
"""Filter shapes kept compiled; programs send a few dozen."""

_LONGEST_KEPT = 8_192
"""Characters of SQL: a filter of some twenty terms. Longer ones are hardly sent twice, and anybody can make them up."""


class TooManySearches(Busy):
    """All snapshots, or all memory for sorted ones, are in use: try again when one is given back."""

    def __init__(self) -> None:
        super().__init__("too many large searches are running; try again shortly")


@dataclass(frozen=True, slots=True)
class Prepared:
    """SQL for a filter shape under a scope. Parameters: the base's (scope_parameters), then the filter's keys."""

    sql: str
    plan: Plan
    parameters: int


class ViewReader:
    """All reading of one view file in this process. Used from one thread, but for what `snapshot` hands out."""

    def __init__(self, file: ViewFile) -> None:
        self.view = file.view
        self._file = file
        self.connection = file.open_reader(shared=True)
        self.execute: Callable[..., sqlite3.Cursor] = self.connection.execute
        self.point: Callable[..., sqlite3.Cursor] = self.connection.cursor().execute
        """For searches whose rows are all fetched at once: one cursor, used again and again."""
        self.root_key = file.view.base.key
        self._containers = {name.key for name in file.view.containers}
        self._idle: list[sqlite3.Connection] = []
        self._in_use = 0
        self._holders: dict[sqlite3.Connection, str] = {}
        self._held: Counter[str] = Counter()
        self._closed = False
        self._plans: OrderedDict[tuple[Shape, int, str | Order], Prepared] = OrderedDict()
        self._held_ids = 0
        self._holding = Lock()
        self._shapers: dict[tuple[frozenset[str] | None, bool], Shaper] = {}
        self._visibilities: dict[Access, tuple[int, Visibility]] = {}
        self.names = GroupNames(self.connection)
        self.catalogue: sql_planner.Catalogue = sql_planner.read_catalogue(self.connection)
        self.generation = 0

    def close(self) -> None:
        """A search that is still open keeps its snapshot; the generation moves on, so that nobody keeps what was prepared."""
        self._closed = True
        self.generation += 1
        self.connection.close()
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def hold(self) -> bool:
        """Begins a read transaction on the shared connection, so that several searches right after each other need not each;
        whether it did: `let_go` must then follow before the reactor's turn is over, or the file's log could not be emptied."""
        if self.connection.in_transaction:
            return False
        self.point("BEGIN")
        return True

    def let_go(self) -> None:
        """Ends what `hold` began."""
        if not self._closed and self.connection.in_transaction:
            self.connection.rollback()

    @property
    def is_closed(self) -> bool:
        """Whether another file, or none, serves by now."""
        return self._closed

    # The state of the file --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """To be called when the file has changed: prepared searches stay good unless the catalogue did not."""
        catalogue = sql_planner.read_catalogue(self.connection)
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self._plans.clear()
            self.generation += 1

    @property
    def position(self) -> int:
        """The last change of the log that the file has."""
        return view_file.position(self.connection)

    # Names ------------------------------------------------------------------------------------------------------------

    def row(self, dn_key: str) -> Row | None:
        """The entry with this DN."""
        found: Row | None = self.execute(f"SELECT {ROW} FROM entry e WHERE e.dn_key = ?", (dn_key,)).fetchone()
        return found

    def named(self, dn_key: str) -> tuple[str, str, str] | None:
        """Kind, object id and DN of the entry with this DN."""
        found: list[tuple[str, str, str]] = self.point(_NAMED, (dn_key,)).fetchall()
        return found[0] if found else None

    def row_of(self, object_id: str) -> Row | None:
        """The entry of this object."""
        found: Row | None = self.execute(f"SELECT {ROW} FROM entry e WHERE e.object_id = ?", (object_id,)).fetchone()
        return found

    def is_container(self, dn_key: str) -> bool:
        """Whether it is one of the entries that are always there."""
        return dn_key in self._containers

    def nearest(self, dn_key: str, visible: Callable[[Row], bool]) -> Row | None:
        """The entry with this DN, or the lowest one above it, that is visible; None outside the view."""
        while dn_key.startswith(self.root_key):
            row = self.row(dn_key)
            if row is not None and visible(row):
                return row
            dn_key = dn.parent_key(dn_key)
        return None

    # Access -----------------------------------------------------------------------------------------------------------

    def shaper(self, access: Access) -> Shaper:
        """The shaper for what may be read and seen."""
        key = (access.attributes, not access.is_everything)
        shaper = self._shapers.get(key)
        if shaper is None:
            if len(self._shapers) >= _MAX_PLANS:
                self._shapers.clear()
            shaper = self._shapers[key] = Shaper(self.view, key[0], narrowed=key[1])
        return shaper

    def visibility(self, access: Access, connection: sqlite3.Connection) -> Visibility | None:
        """`access` resolved against the organizations that the connection sees; None when everything is visible. Kept until
        the file changes."""
        if access.is_everything:
            return None
        position = view_file.position(connection)
        known = self._visibilities.get(access)
        if known is None or known[0] != position:
            if len(self._visibilities) >= _MAX_PLANS:
                self._visibilities.clear()
            known = self._visibilities[access] = (position, _resolve(access, connection))
        return known[1]

    # Plans ------------------------------------------------------------------------------------------------------------

    def prepare(self, shape: Shape, scope: int, columns: str | Order) -> Prepared:
        """The SQL for a shape; `scope` as `scope_of` gives it. With an order instead of columns: for ids in that order."""
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
        compiled = Compiler(self.catalogue).compile(shape, count + 1)
        if not isinstance(columns, str):
            sql = sort_keys.statement(compiled, condition, columns, self.catalogue)
            return Prepared(sql, compiled, max(count, compiled.parameters))
        where = condition if compiled.where == "1" else f"{condition} AND {compiled.where}"
        sql = f"SELECT {columns} FROM {compiled.tables} WHERE {where}"
        return Prepared(sql, compiled, max(count, compiled.parameters))

    def scope_of(self, base_key: str, scope: int) -> tuple[int, tuple[Key, ...]]:
        """The number of the scope's condition and its parameters."""
        if scope == WHOLE_SUBTREE:
            return (_EVERYTHING, ()) if base_key == self.root_key else (scope, (base_key, dn.subtree_end(base_key)))
        if scope == SUBORDINATE_SUBTREE:
            return scope, (base_key, dn.subtree_end(base_key))
        return scope, (base_key,)

    # Snapshots --------------------------------------------------------------------------------------------------------

    def snapshot(self, holder: str = "") -> sqlite3.Connection:
        """A connection in a read transaction, to be given back by `release`. `holder`: for whom, such as a client's address.
        Raises TooManySearches."""
        left = MAX_SNAPSHOTS - self._in_use
        if left <= 0 or self._held[holder] >= left * SNAPSHOTS_LEFT_SHARE:
            raise TooManySearches
        connection = self._idle.pop() if self._idle else self._file.open_reader()
        self._in_use += 1
        self._held[holder] += 1
        self._holders[connection] = holder
        connection.execute("BEGIN")
        connection.execute("SELECT value FROM meta").fetchone()  # the transaction starts with the first read
        return connection

    def release(self, connection: sqlite3.Connection) -> None:
        """Ends the transaction."""
        self._in_use -= 1
        holder = self._holders.pop(connection)
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]
        try:
            connection.rollback()
        except sqlite3.OperationalError:  # an interrupt is in effect still: whoever gave it back is not to suffer for it
            connection.close()
            return
        if self._closed or len(self._idle) >= _IDLE_SNAPSHOTS:
            connection.close()
        else:
            self._idle.append(connection)

    def count_ids(self, ids: int) -> None:
        """Counts ids that a sorted search keeps in memory (negative: gives up). From any thread. Raises TooManySearches."""
        with self._holding:
            if ids > 0 and self._held_ids + ids > MAX_HELD_IDS:
                raise TooManySearches
            self._held_ids += ids


_IDLE_SNAPSHOTS = 8
"""Kept open for the next large searches."""

_NAMED = "SELECT kind, object_id, dn FROM entry WHERE dn_key = ?"

_EVERYTHING = 4

_SCOPES: Sequence[tuple[str, int]] = (
    ("e.dn_key = ?1", 1),
    ("e.parent = (SELECT id FROM entry WHERE dn_key = ?1)", 1),
    ("e.dn_key >= ?1 AND e.dn_key < ?2", 2),
    ("e.dn_key > ?1 AND e.dn_key < ?2", 2),
    ("1", 0),
)

_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM entry WHERE object_id = ?
    UNION SELECT e.id FROM entry e JOIN below b ON e.parent = b.id WHERE e.kind = 'organization'
) SELECT id FROM below
"""


def _resolve(access: Access, connection: sqlite3.Connection) -> Visibility:
    scope = access.scope
    if scope is None:
        return Visibility(frozenset(), frozenset(), access.only)
    groups = None if scope.group_ids is None else frozenset(scope.group_ids)
    if ROOT_ORGANIZATION_ID in scope.organization_ids:
        return Visibility(None, groups, None)
    below = {row[0] for object_id in scope.organization_ids for row in connection.execute(_BELOW, (object_id,))}
    return Visibility(frozenset(below), groups, None)
