"""Reading a journal: events out of one state of a view, some rows at a time, from the first slice to the last.

Nothing here waits or knows a connection; whoever reads decides when to take the next slice, and in which thread."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from gateway.directory.access import Visibility
from gateway.directory.journal.past_visibility import Past
from gateway.directory.search.filter_shape import TRUE, Key
from gateway.directory.search.visible_rows import ROW, Sight
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.history import Former
from gateway.wire.entries import encode_entry

if TYPE_CHECKING:
    from gateway.directory.journal.journal import Journal


class Happened(IntEnum):
    """What an event says of an entry; numbered as draft-ietf-ldapext-psearch numbers change types."""

    ADDED = 1
    REMOVED = 2
    MODIFIED = 4
    RENAMED = 8


class Event(NamedTuple):
    """One entry. `entry`: as it is to be sent, without attributes when REMOVED: then it is no more, or is out of the search or
    out of sight, and the name is the last that the party could know. `former_dn`: of a RENAMED one. `number`: of the change."""

    happened: Happened
    object_id: str
    entry: bytes
    number: int
    former_dn: str | None = None


class _Line(NamedTuple):
    """A row of the view with what the journal knows of it."""

    row: tuple[int, str, str, str, bytes, bytes, str]
    dn_key: str
    created: int
    changed: int

    def as_it_is(self) -> Former:
        """The present state, for an entry that has had the same place since then."""
        entry, kind, object_id, organizations = self.row[:4]
        return Former(entry, self.created, kind, object_id, organizations, self.row[6], self.dn_key)


_LINE = f"{ROW}, e.dn_key, e.created, e.changed"
_WIDTH = ROW.count(",") + 1


def _line(columns: tuple) -> _Line:  # type: ignore[type-arg]
    return _Line(columns[:_WIDTH], *columns[_WIDTH:])


class Reading(ABC):
    """`open`, then `next_slice` until it gives None, and `close` at the end. `position`, `moment`: of that state."""

    def __init__(self, journal: "Journal") -> None:
        self.position = 0
        self.moment = Moment(0, 0)
        self._journal = journal
        searcher, query = journal.searcher, journal.query
        self._reader = searcher.reader
        keys: list[Key] = []
        self._shape = self._reader.shaper(searcher.access).shape(query.filter, keys)
        self._keys = keys
        self._renderer = searcher.renderer(query.attributes, query.types_only, stored_only=True)
        self._connection: sqlite3.Connection | None = None
        self._now: Visibility | None = None
        self._sight: Sight
        self._events: Iterator[Event | None]

    @property
    @abstractmethod
    def blocking(self) -> bool:
        """Whether a slice may take long, so that it is to be taken in a thread."""

    @abstractmethod
    def _read(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        """The events, and None for each row that was looked at in vain."""

    def open(self, holder: str = "") -> None:
        """Takes a snapshot for `holder`. Raises reader.TooManySearches."""
        connection = self._connection = self._reader.snapshot(holder)
        try:
            self.position = view_file.position(connection)
            self.moment = history.latest(connection)
            self._now = self._reader.visibility(self._journal.searcher.access, connection)
            self._sight = self._journal.searcher.sight(connection)
            self._events = self._read(connection)
        except BaseException:
            self.close()
            raise

    def next_slice(self, rows: int) -> list[Event] | None:
        """What the next rows tell (perhaps nothing), or None at the end."""
        looked_at = list(islice(self._events, rows if self.blocking else min(rows, _ROWS_AT_ONCE)))
        return [event for event in looked_at if event is not None] if looked_at else None

    def interrupt(self) -> None:
        """As Search.interrupt."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """Gives the snapshot back. May be called more than once, when no slice is being taken."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._events = iter(())
            self._reader.release(connection)

    def _answer(self, line: _Line, *, exact: bool) -> bytes | None:
        """The entry as it is sent; None when it is not visible or does not match."""
        row, sight = line.row, self._sight
        if not sight.shows(row) or not (exact or sight.matches(self._journal.query.filter, row)):
            return None
        return self._renderer(sight.encoded(row), row[5], sight.found(row, self._renderer.dynamic))


class Everything(Reading):
    def __init__(self, journal: "Journal") -> None:
        super().__init__(journal)
        scope, base = self._reader.scope_of(journal.query.base_key, journal.query.scope)
        self._prepared = self._reader.prepare(self._shape, scope, _LINE)
        self._parameters = (*base, *self._keys)[: self._prepared.parameters]

    @property
    def blocking(self) -> bool:
        return not (self._prepared.plan.cheap_rows and self._prepared.plan.exact)

    def _read(self, connection: sqlite3.Connection) -> Iterator[Event | None]:
        exact = self._prepared.plan.exact
        for columns in connection.execute(self._prepared.sql, self._parameters):
            line = _line(columns)
            entry = self._answer(line, exact=exact)
            yield None if entry is None else Event(Happened.ADDED, line.row[2], entry, line.changed)


_CHANGED = f"SELECT {_LINE} FROM entry e INDEXED BY entry_changed WHERE e.changed > ?"
_PARENTS = f"{_CHANGED} AND e.kind IN ('container', 'organization') ORDER BY e.dn_key"
_OTHERS = f"{_CHANGED} AND e.kind NOT IN ('container', 'organization')"
_MOVED = f"SELECT {_LINE} FROM entry e WHERE instr(',' || e.organizations || ',', ?) AND e.changed <= ?"
_LISTING = f"SELECT {_LINE} FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ? AND e.changed <= ?"

_ROWS_AT_ONCE = 50
"""What the reactor makes in one go, a millisecond or two: each entry costs ten times what one costs that is sent as stored."""

_MANY = 200
"""Rows that the reactor may be held for."""


class Since(Reading):
    def __init__(self, journal: "Journal", position: int, resumed: bool) -> None:
        super().__init__(journal)
        self._start = position
        self._resumed = resumed
        self._exact = self._shape == TRUE
        self._past: Past
        self._displaced: frozenset[str] = frozenset()
        self._flipped: set[int] = set()
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
        """First those whose names are needed; then what is there, parents before their children; at last what is gone."""
        start = self._start
        self._past = Past(connection, self._journal.searcher.access, self._now, start, resumed=self._resumed)
        displaced = self._past.displaced()
        self._displaced = frozenset(displaced)
        yield from map(self._gone, displaced)
        for query in (_PARENTS, _OTHERS):
            for columns in connection.execute(query, (start,)):
                yield self._judge(_line(columns))
        yield from self._judged(connection, _MOVED, [f",{one}," for one in self._moved_organizations()])
        yield from self._judged(connection, _LISTING, sorted(self._flipped))
        yield from (self._gone(one) for one in self._past.removed() if one not in self._displaced)

    def _judged(self, connection: sqlite3.Connection, query: str, about: Iterable[int | str]) -> Iterator[Event | None]:
        """Entries that have not changed themselves, each once."""
        done: set[int] = set()
        for one in about:
            for columns in connection.execute(query, (one, self._start)):
                if columns[0] not in done:
                    done.add(columns[0])
                    yield self._judge(_line(columns))

    def _judge(self, line: _Line) -> Event | None:
        """What to tell of an entry that is there, though perhaps not for this party."""
        object_id, is_new = line.row[2], line.created > self._start
        then = self._seen_as(object_id, line)
        if not is_new and (then is not None) != self._sight.shows(line.row):
            self._flipped.add(line.row[0])
        was = then is not None and self._journal.fits(then.dn_key)
        entry = self._answer(line, exact=self._exact) if self._journal.fits(line.dn_key) else None
        if entry is None:
            return _removal(then, line.changed) if then is not None and was else None
        number = line.changed if line.changed > self._start else self.position
        if then is None or not was or is_new or object_id in self._displaced:
            return Event(Happened.ADDED, object_id, entry, number)
        if then.dn != line.row[6]:
            return Event(Happened.RENAMED, object_id, entry, number, then.dn)
        return Event(Happened.MODIFIED, object_id, entry, number)

    def _seen_as(self, object_id: str, line: _Line) -> Former | None:
        """The state in which the party may know the entry; None when it cannot."""
        states = self._past.states.get(object_id)
        if states is None:
            untouched = line.created > self._start and not (self._resumed and line.changed > line.created)
            states = [] if untouched else [line.as_it_is()]
        return self._best(states)

    def _best(self, states: Sequence[Former]) -> Former | None:
        """The first of an entry's states that the party could see, if any in the scope of the search."""
        shown = [one for one in states if self._past.shown(one)]
        return next((one for one in shown if self._journal.fits(one.dn_key)), shown[0] if shown else None)

    def _gone(self, object_id: str) -> Event | None:
        then = self._best(self._past.states[object_id])
        return _removal(then, self.position) if then is not None and self._journal.fits(then.dn_key) else None

    def _moved_organizations(self) -> set[int]:
        """Those that came into the party's sight, or left it, with people in them who did not change themselves."""
        then, now = self._past.visibility, self._now
        if then is None or now is None or then.organizations is None or now.organizations is None:
            return set()
        return set(then.organizations ^ now.organizations)


def _removal(then: Former, number: int) -> Event:
    return Event(Happened.REMOVED, then.object_id, encode_entry(then.dn.encode(), ()), number)
