"""Inline reads of the embedded store, in the reactor's own thread: a bind needs a few rows by their keys, which takes
microseconds inline where the way through a thread takes hundreds.

An inline read waits for no lock: readers of a write-ahead log need none. Each is a transaction of its own and so sees every
commit, of any process. Where it cannot be done, `Database.read` can, or reports why not."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from sqlalchemy import Executable, Select

from gateway.model.objects import Kind
from gateway.model.records import Account
from gateway.store.engine.sql_types import SelectConnection, TableRow
from gateway.store.engine.sqlite.direct_statements import DirectStatement, compiled

T = TypeVar("T")

_LOGIN_STATE = (
    "SELECT u.enabled, p.hash,"
    " EXISTS (SELECT 1 FROM former_accounts f WHERE f.user_id = u.id AND NOT EXISTS"
    " (SELECT 1 FROM records n WHERE n.object_id = u.id AND n.source_id = f.source_id AND n.gone_at IS NULL)),"
    " r.decided_at, r.id, r.source_id, r.external_id, r.dn,"
    " coalesce(r.decided_by, '') FROM users u"
    " LEFT JOIN local_passwords p ON p.user_id = u.id"
    " LEFT JOIN records r ON r.object_id = u.id AND r.kind = ? AND r.gone_at IS NULL"
    " WHERE u.id = ?"
)


class InlineReadUnavailable(Exception):
    """The store cannot be read inline: it is closed, locked, damaged, away, or of an older schema."""


class LoginState(NamedTuple):
    """A user as far as a bind needs it; `accounts` in the order in which they were linked. `has_former`: a source has the user
    no more."""

    exists: bool
    enabled: bool
    local_hash: str | None
    accounts: tuple[Account, ...]
    has_former: bool = False

    def __repr__(self) -> str:
        return f"LoginState(exists={self.exists}, enabled={self.enabled}, accounts={self.accounts})"


UNKNOWN_USER = LoginState(False, False, None, ())


class InlineReader:
    """The reactor thread's own connection to the store's file at `path`, opened by the first read."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor
        self._selects: _InlineConnection
        self._closed = False

    def login_state(self, user_id: str) -> LoginState | None:
        """Return the user as of the last commit, UNKNOWN_USER when there is none; None when inline reads are unavailable."""
        try:
            if self._connection is None:
                self._open()
            rows = self._cursor.execute(_LOGIN_STATE, (Kind.USER.value, user_id)).fetchall()
        except sqlite3.Error:
            self._disconnect()
            return None
        if not rows:
            return UNKNOWN_USER
        enabled, local_hash, has_former, _, record, *_ = rows[0]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row[3] or 0, row[4]))  # rarely: a sorter in the statement would cost all of them
        accounts = () if record is None else tuple(Account(*row[5:]) for row in rows)
        return LoginState(True, bool(enabled), local_hash, accounts, bool(has_former))

    def read(self, work: Callable[[SelectConnection], T]) -> T:
        """Return what `work` makes of its one SELECT. Raises InlineReadUnavailable, or as `work` does."""
        try:
            if self._connection is None:
                self._open()
            return work(self._selects)
        except sqlite3.Error:
            self._disconnect()
            raise InlineReadUnavailable from None

    def close(self) -> None:
        """Close for good. May be called twice."""
        self._closed = True
        self._disconnect()

    def _open(self) -> None:
        if self._closed:
            raise sqlite3.ProgrammingError("closed")
        # mode=rw: the file is never created here, and the last one to close can fold the write-ahead log into it.
        uri = f"file:{quote(self._path)}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0)
        self._connection = connection
        connection.execute("PRAGMA query_only = ON")
        self._cursor, self._selects = connection.cursor(), _InlineConnection(connection)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


class _InlineConnection:
    """The SelectConnection of inline reads. A statement is compiled once: those read inline are constants of their modules."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self._compiled: dict[Executable, DirectStatement] = {}

    def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None, /) -> "_Rows":
        known = self._compiled.get(statement)
        if known is None:
            known = self._compiled[statement] = _compiled(statement)
        found = self._cursor.execute(known.text, known.values(parameters or {})).fetchall()
        return _Rows([known.row(values) for values in found])


def _compiled(statement: Executable) -> DirectStatement:
    found = compiled(statement) if isinstance(statement, Select) else None
    if found is None:
        raise TypeError("only a plain SELECT is read inline")
    return found


class _Rows:
    """The TableRows of an inline read."""

    def __init__(self, rows: Sequence[TableRow]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[TableRow]:
        return iter(self._rows)

    def first(self) -> TableRow | None:
        return self._rows[0] if self._rows else None

    one_or_none = first
    """For statements that find one row by its key."""
