"""A look at one person in the embedded store, from the reactor's own thread: a bind needs three rows by their keys, which
takes some microseconds where the way through a thread takes hundreds.

It waits for no lock: readers of a write-ahead log need none. Every look is a transaction of its own, so that it sees whatever
has been committed, by anybody. Where it cannot see, `Database.read` can, or says why not."""

import contextlib
import sqlite3
from typing import Any, NamedTuple
from urllib.parse import quote

from gateway.model.objects import Kind
from gateway.model.records import Account

_PERSON = (
    "SELECT u.enabled, p.hash, r.source_id, r.external_id, r.dn FROM users u"
    " LEFT JOIN local_passwords p ON p.user_id = u.id"
    " LEFT JOIN records r ON r.object_id = u.id AND r.kind = ?"
    " WHERE u.id = ? ORDER BY r.decided_at, r.id"
)


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
        self._closed = False

    def person(self, user_id: str) -> Glimpse | None:
        """The person as of the last commit, NOBODY when there is none; None when the store cannot be seen from here."""
        try:
            rows = self._opened().execute(_PERSON, (Kind.USER.value, user_id)).fetchall()
        except sqlite3.Error:  # closed, locked, damaged, away, of an older form
            self._forget()
            return None
        if not rows:
            return NOBODY
        enabled, local_hash = rows[0][:2]
        return Glimpse(True, bool(enabled), local_hash, tuple(Account(*row[2:]) for row in rows if row[2] is not None))

    def close(self) -> None:
        """For good. May be called twice."""
        self._closed = True
        self._forget()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._closed:
                raise sqlite3.ProgrammingError("closed")
            # mode=rw: the file is never created here, and the last one to close can fold the log into it.
            options: dict[str, Any] = {"uri": True, "isolation_level": None, "check_same_thread": False, "timeout": 0}
            self._connection = sqlite3.connect(f"file:{quote(self._path)}?mode=rw", **options)
            self._connection.execute("PRAGMA query_only = ON")
        return self._connection

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
