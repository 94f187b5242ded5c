"""Readers of a journal: the events of one state of a view, some rows at a time, from the first slice to the last.

Nothing here waits or knows a connection; the caller decides when to take the next slice, and in which thread."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from gateway.directory.access import Visibility
from gateway.directory.journal.past_visibility import PastVisibility, Told
from gateway.directory.planning.filter_shape import TRUE, Key
from gateway.directory.search.query import Query
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ROW, Row, VisibleRows
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.history import FormerEntry
from gateway.wire.entries import encode_entry


class EventKind(IntEnum):
    """The change of an entry that an event reports, numbered like the change types of draft-ietf-ldapext-psearch."""

    ADDED = 1
    REMOVED = 2
    MODIFIED = 4
    RENAMED = 8


class Event(NamedTuple):
    """The change of one entry. `entry`: encoded as it is to be sent; without attributes when REMOVED: the entry is deleted, or
    is no longer in the search's scope or visible, and its name is the last one that the party could know. `number`: of the
    change in the log. `former_dn`: of a RENAMED one."""

    kind: EventKind
    object_id: str
    entry: bytes
    number: int
    former_dn: str | None = None


class _JournalRow(NamedTuple):
    """A row of the view with the columns that the journal needs besides."""

    row: Row
    dn_key: str
    created: int
    changed: int

    def as_former(self) -> FormerEntry:
        """Return the present state as the former one, for an entry that has kept its place since then."""
        entry, kind, object_id, organizations = self.row[:4]
        return FormerEntry(entry, self.created, kind, object_id, organizations, self.row[6], self.dn_key)


_COLUMNS = f"{ROW}, e.dn_key, e.created, e.changed"


def _journal_rows(cursor: sqlite3.Cursor) -> Iterator[_JournalRow]:
    for entry, kind, object_id, organizations, encoded, operational, dn, dn_key, created, changed in cursor:
        yield _JournalRow((entry, kind, object_id, organizations, encoded, operational, dn), dn_key, created, changed)


class JournalReader(ABC):
    """A reader of events: `open`, then `next_slice` until it gives None, and `close` at the end. `position`, `moment`: of the
    state that is read."""

    def __init__(self, searcher: ViewSearcher, query: Query, told: Told) -> None:
        self._told = told
        self.position = 0
        self.moment = Moment(0, 0)
        self._searcher = searcher
        self._query = query
        self._reader = searcher.reader
        keys: list[Key] = []
        self._shape = searcher.shape(query.filter, keys)
        self._keys = keys
        self._renderer = searcher.renderer(query.attributes, query.types_only, stored_only=True)
        self._connection: sqlite3.Connection | None = None
        self._now: Visibility | None = None
        self._visible_rows: VisibleRows
        self._events: Iterator[Event | None]

    @property
    @abstractmethod
    def blocking(self) -> bool:
        """True when a slice may take long, so that it must be taken in a thread."""

    @abstractmethod
    def _read(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        """Yield the events, and None for each row that was looked at in vain."""

    def open(self, holder: str = "") -> None:
        """Take a snapshot for `holder`. Raises TooManySearches."""
        connection = self._connection = self._reader.snapshots.take(holder)
        try:
            self.position = view_file.position(connection)
            self.moment = history.latest(connection)
            self._now = self._reader.visibilities.get(self._searcher.access, connection)
            self._visible_rows = self._searcher.visible_rows(connection)
            self._events = self._read(connection)
        except BaseException:
            self.close()
            raise

    def next_slice(self, rows: int) -> list[Event] | None:
        """Return the events of the next rows (perhaps none), or None at the end."""
        looked_at = list(islice(self._events, rows if self.blocking else min(rows, _ROWS_AT_ONCE)))
        if not looked_at and self._now is not None:
            self._told.only = self._now.only
        return [event for event in looked_at if event is not None] if looked_at else None

    def interrupt(self) -> None:
        """Interrupt a slice, as Search.interrupt does."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Give the snapshot back. May be called more than once, when no slice is being taken."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._events = iter(())
            self._reader.snapshots.release(connection)

    def _render(self, found: _JournalRow, *, exact: bool) -> bytes | None:
        """Return the entry as it is sent; None when it is not visible or does not match."""
        row, visible = found.row, self._visible_rows
        if not visible.shows(row) or not (exact or visible.matches(self._query.filter, row)):
            return None
        return self._renderer(visible.encoded(row), row[5], visible.dynamic_values(row, self._renderer.dynamic))


class SnapshotReader(JournalReader):
    """A reader of all entries, each as ADDED."""

    def __init__(self, searcher: ViewSearcher, query: Query, told: Told) -> None:
        super().__init__(searcher, query, told)
        scope, base = self._reader.plans.scope_of(query.base_key, query.scope)
        self._prepared = self._reader.plans.prepare(self._shape, scope, _COLUMNS)
        self._parameters = (*base, *self._keys)[: self._prepared.parameters]

    @property
    def blocking(self) -> bool:
        return not (self._prepared.plan.cheap_rows and self._prepared.plan.exact)

    def _read(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        exact = self._prepared.plan.exact
        for found in _journal_rows(connection.execute(self._prepared.sql, self._parameters)):
            entry = self._render(found, exact=exact)
            yield None if entry is None else Event(EventKind.ADDED, found.row[2], entry, found.changed)


_CHANGED = f"SELECT {_COLUMNS} FROM entry e INDEXED BY entry_changed WHERE e.changed > ?"
_PARENTS = f"{_CHANGED} AND e.kind IN ('container', 'organization') ORDER BY e.dn_key"
_OTHERS = f"{_CHANGED} AND e.kind NOT IN ('container', 'organization')"
_MOVED = f"SELECT {_COLUMNS} FROM entry e WHERE instr(',' || e.organizations || ',', ?) AND e.changed <= ?"
_LISTING = f"SELECT {_COLUMNS} FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ? AND e.changed <= ?"
_NAMING = (
    f"SELECT {_COLUMNS} FROM entry t JOIN link l ON l.target = t.object_id JOIN entry e ON e.id = l.owner"
    " WHERE t.id = ? AND e.changed <= ?"
)
_OBJECT = f"SELECT {_COLUMNS} FROM entry e WHERE e.object_id = ? AND e.changed <= ?"

_ROWS_AT_ONCE = 50
"""Rows read in one go in the reactor, a millisecond or two: each costs ten times what one costs that is sent as stored."""

_MANY = 200
"""Rows that the reactor may be held for."""


class DifferenceReader(JournalReader):
    """A reader of the difference between a position and the present (`Journal.since`)."""

    def __init__(self, searcher: ViewSearcher, query: Query, told: Told, position: int, *, resumed: bool) -> None:
        super().__init__(searcher, query, told)
        self._start = position
        self._resumed = resumed
        self._exact = self._shape == TRUE
        self._past: PastVisibility
        self._displaced: frozenset[str] = frozenset()
        self._visibility_changed: set[int] = set()
        self._many = False

    @property
    def blocking(self) -> bool:
        return self._many

    def _read(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        counted = "SELECT count(*) FROM (SELECT 1 FROM {} > ? LIMIT ?)"
        changed = connection.execute(counted.format("entry WHERE changed"), (self._start, _MANY)).fetchone()[0]
        left = connection.execute(counted.format("former WHERE position"), (self._start, _MANY)).fetchone()[0]
        self._many = changed + left >= _MANY or (self._now is not None and left > 0)
        return self._differences(connection)

    def _differences(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        """Yield first the removal of entries whose names are needed; then what is there, parents before their children; at last
        what is gone."""
        start, now = self._start, self._now
        self._past = PastVisibility(connection, self._searcher.access, now, start, self._told, resumed=self._resumed)
        displaced = self._past.displaced()
        self._displaced = frozenset(displaced)
        yield from map(self._removed, displaced)
        yield from self._compare_unchanged(connection, _OBJECT, self._past.entered())
        for query in (_PARENTS, _OTHERS):
            for found in _journal_rows(connection.execute(query, (start,))):
                yield self._compare(found)
        yield from self._compare_unchanged(connection, _MOVED, [f",{one}," for one in self._moved_organizations()])
        yield from self._compare_unchanged(connection, _OBJECT, self._past.left())
        yield from self._compare_unchanged(connection, _LISTING, sorted(self._visibility_changed))
        yield from self._compare_unchanged(connection, _NAMING, sorted(self._visibility_changed))
        yield from (self._removed(one) for one in self._past.removed() if one not in self._displaced)

    def _compare_unchanged(
        self, connection: sqlite3.Connection, query: str, about: Iterable[int | str]
    ) -> Iterator[Event | None]:
        """Compare entries that have not changed themselves, each once."""
        done: set[int] = set()
        for one in about:
            for found in _journal_rows(connection.execute(query, (one, self._start))):
                if found.row[0] not in done:
                    done.add(found.row[0])
                    yield self._compare(found)

    def _compare(self, found: _JournalRow) -> Event | None:
        """Return the event for an entry that is there, though perhaps not visible to this party; None for none."""
        object_id, is_new = found.row[2], found.created > self._start
        then = self._former(object_id, found)
        if not is_new and (then is not None) != self._visible_rows.shows(found.row):
            self._visibility_changed.add(found.row[0])
        was = then is not None and self._query.covers(then.dn_key)
        entry = self._render(found, exact=self._exact) if self._query.covers(found.dn_key) else None
        if entry is None:
            return _removal(then, found.changed) if then is not None and was else None
        number = found.changed if found.changed > self._start else self.position
        if then is None or not was or is_new or object_id in self._displaced:
            return Event(EventKind.ADDED, object_id, entry, number)
        if then.dn != found.row[6]:
            return Event(EventKind.RENAMED, object_id, entry, number, then.dn)
        return Event(EventKind.MODIFIED, object_id, entry, number)

    def _former(self, object_id: str, found: _JournalRow) -> FormerEntry | None:
        """Return the state in which the party may know the entry; None when it cannot."""
        states = self._past.states.get(object_id)
        if states is None:
            untouched = found.created > self._start and not (self._resumed and found.changed > found.created)
            states = [] if untouched else [found.as_former()]
        return self._first_shown(states)

    def _first_shown(self, states: Sequence[FormerEntry]) -> FormerEntry | None:
        """Return the first of an entry's states that the party could see, if any in the scope of the search."""
        shown = [one for one in states if self._past.shown(one)]
        return next((one for one in shown if self._query.covers(one.dn_key)), shown[0] if shown else None)

    def _removed(self, object_id: str) -> Event | None:
        then = self._first_shown(self._past.states[object_id])
        return _removal(then, self.position) if then is not None and self._query.covers(then.dn_key) else None

    def _moved_organizations(self) -> set[int]:
        """Return the organizations (entry ids) that became visible to the party, or cease to be, with people in them who did
        not change themselves."""
        then, now = self._past.visibility, self._now
        if then is None or now is None or then.organizations is None or now.organizations is None:
            return set()
        return set(then.organizations ^ now.organizations)


def _removal(then: FormerEntry, number: int) -> Event:
    return Event(EventKind.REMOVED, then.object_id, encode_entry(then.dn.encode(), ()), number)
