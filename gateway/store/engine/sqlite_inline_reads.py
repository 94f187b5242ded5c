"""A look at a few rows of the embedded store, from the reactor's own thread: a bind needs some by their keys, which takes
microseconds where the way through a thread takes hundreds.

It waits for no lock: readers of a write-ahead log need none. Every look is a transaction of its own, so that it sees whatever
has been committed, by anybody. Where it cannot see, `Database.read` can, or says why not."""

import contextlib
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar, cast
from urllib.parse import quote

from sqlalchemy import Executable, Select
from sqlalchemy.dialects import sqlite

from gateway.model.objects import Kind
from gateway.model.records import Account
from gateway.store.engine.sql_types import SelectConnection, TableRow

T = TypeVar("T")

_PERSON = (
    "SELECT u.enabled, p.hash, r.decided_at, r.id, r.source_id, r.external_id, r.dn FROM users u"
    " LEFT JOIN local_passwords p ON p.user_id = u.id"
    " LEFT JOIN records r ON r.object_id = u.id AND r.kind = ? AND r.gone_at IS NULL"
    " WHERE u.id = ?"
)

_DIALECT = sqlite.dialect(paramstyle="named")


class Unseen(Exception):
    """The store cannot be seen from here."""


class Glimpse(NamedTuple):
    """What was seen of a person: `accounts` in the order in which they were linked."""

    exists: bool
    enabled: bool
    local_hash: str | None
    accounts: tuple[Account, ...]

    def __repr__(self) -> str:
        return f"Glimpse(exists={self.exists}, enabled={self.enabled}, accounts={self.accounts})"


NOBODY = Glimpse(False, False, None, ())


class Glance:
    """`path`: the store's file, which is opened with the first look."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor
        self._look: _Look
        self._closed = False

    def person(self, user_id: str) -> Glimpse | None:
        """The person as of the last commit, NOBODY when there is none; None when the store cannot be seen from here."""
        try:
            if self._connection is None:
                self._open()
            rows = self._cursor.execute(_PERSON, (Kind.USER.value, user_id)).fetchall()
        except sqlite3.Error:  # closed, locked, damaged, away, of an older form
            self._forget()
            return None
        if not rows:
            return NOBODY
        enabled, local_hash, _, record, *_ = rows[0]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row[2] or 0, row[3]))  # rarely: a sorter in the statement would cost all of them
        accounts = () if record is None else tuple(Account(*row[4:]) for row in rows)
        return Glimpse(True, bool(enabled), local_hash, accounts)

    def look(self, work: Callable[[SelectConnection], T]) -> T:
        """What `work` makes of the answer to its one statement. Raises Unseen, or as `work` does."""
        try:
            if self._connection is None:
                self._open()
            return work(self._look)
        except sqlite3.Error:
            self._forget()
            raise Unseen from None

    def close(self) -> None:
        """For good. May be called twice."""
        self._closed = True
        self._forget()

    def _open(self) -> None:
        if self._closed:
            raise sqlite3.ProgrammingError("closed")
        # mode=rw: the file is never created here, and the last one to close can fold the log into it.
        uri = f"file:{quote(self._path)}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0)
        self._connection = connection
        connection.execute("PRAGMA query_only = ON")
        self._cursor, self._look = connection.cursor(), _Look(connection)

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


_Compiled: TypeAlias = tuple[str, Mapping[str, object], Callable[[Iterable[object]], TableRow]]
"""A statement's text, the constants in it by the names of their parameters, and the constructor of its rows."""


class _Look:
    """What a piece of work takes for a Connection, as far as one statement needs it. A statement is compiled once: those that
    come here are constants of their modules."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self._compiled: dict[Executable, _Compiled] = {}

    def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None, /) -> "_Rows":
        known = self._compiled.get(statement)
        if known is None:
            known = self._compiled[statement] = _compiled(statement)
        text, constants, row = known
        return _Rows([row(found) for found in self._cursor.execute(text, {**constants, **(parameters or {})}).fetchall()])


def _compiled(statement: Executable) -> _Compiled:
    """The statement's text, the constants in it by the names of their parameters, and what makes of a tuple its row."""
    if not isinstance(statement, Select):
        raise TypeError("only a SELECT is read inline")
    compiled = statement.compile(dialect=_DIALECT)
    names = [column.key or "" for column in statement.selected_columns]
    row = namedtuple("Row", names, rename=True)  # type: ignore[misc]
    # The columns' names are known to the statement alone: nothing static says that such a tuple has attributes.
    make = cast("Callable[[Iterable[object]], TableRow]", row._make)
    return str(compiled), dict(compiled.params), make


class _Rows:
    """As much of a SQLAlchemy result as there is use for."""

    def __init__(self, rows: Sequence[TableRow]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[TableRow]:
        return iter(self._rows)

    def first(self) -> TableRow | None:
        return self._rows[0] if self._rows else None

    one_or_none = first
    """Of statements that find one by its key."""
