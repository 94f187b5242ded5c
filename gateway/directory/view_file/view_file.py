"""The view file: one SQLite database per view and shape, derived from the log; it can be thrown away at any time (law 5).

Here are its tables, opening it for writing and for reading, and what belongs to the file as a whole. Entries are written by
entry_writer.py and read by directory/search. Its content and its log position commit together."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import structlog

from gateway.directory.projection.index_keys import fragment_table
from gateway.directory.projection.view_definition import View
from gateway.directory.view_file.csn import mark_of
from gateway.model.errors import StoreUnavailable

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE attribute (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
    rows INTEGER NOT NULL DEFAULT 0, distinct_values INTEGER NOT NULL DEFAULT 0);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    dn_key TEXT NOT NULL,
    dn TEXT NOT NULL,
    plain_key TEXT,
    object_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    organizations TEXT NOT NULL,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    encoded BLOB NOT NULL,
    operational BLOB NOT NULL
);
CREATE TABLE value (attribute INTEGER NOT NULL, value BLOB NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (attribute, value, entry)) WITHOUT ROWID;
CREATE TABLE member (group_entry INTEGER NOT NULL, member_entry INTEGER NOT NULL,
    PRIMARY KEY (group_entry, member_entry)) WITHOUT ROWID;
CREATE TABLE primary_member (group_entry INTEGER NOT NULL, member_entry INTEGER NOT NULL,
    PRIMARY KEY (group_entry, member_entry)) WITHOUT ROWID;
CREATE TABLE link (owner INTEGER NOT NULL, target TEXT NOT NULL, PRIMARY KEY (owner, target)) WITHOUT ROWID;
CREATE TABLE moment (number INTEGER PRIMARY KEY, time INTEGER NOT NULL);
CREATE TABLE former (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    created INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    organizations TEXT NOT NULL,
    dn TEXT NOT NULL,
    dn_key TEXT NOT NULL,
    kept BLOB NOT NULL
);
"""
"""`entry.organizations`: the ids of the entries of the organizations it belongs to, comma separated; `entry.plain_key`: the
key it would have if an older entry had not the same name; `entry.created`, `entry.changed`: the numbers of the changes of the
log with which it came and with which its octets last changed, and when the latter was (milliseconds); `value`: every value's
matching key; `member`: direct membership; `primary_member`: that of people in their primary group, which views of kind `ad` do
not list; `link`: the objects (ids) that an entry names, or would if they had entries; `moment`: when changes of the log were
made; `former`: the state of an entry until `position`, and what a tombstone keeps of it."""

INDEXES = """
CREATE UNIQUE INDEX entry_dn ON entry (dn_key);
CREATE UNIQUE INDEX entry_object ON entry (object_id);
CREATE INDEX entry_changed ON entry (changed);
CREATE INDEX entry_parent ON entry (parent);
CREATE INDEX entry_plain ON entry (plain_key) WHERE plain_key IS NOT NULL;
CREATE INDEX member_of ON member (member_entry, group_entry);
CREATE INDEX primary_member_of ON primary_member (member_entry, group_entry);
CREATE INDEX link_target ON link (target, owner);
CREATE INDEX former_position ON former (position);
CREATE INDEX former_entry ON former (entry, position);
"""

BUILT_AGAIN = "none needed: it is built again from the store"

_log = structlog.get_logger("gateway.directory")

_WRITER_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 8_000
"""The size of the write-ahead log (32 MiB) at which it is carried over: a build writes the same pages again and again."""

_SNAPSHOT_CACHE_KIB = 256
"""There may be hundreds of snapshots, and each reads sequentially: what they share is the system's page cache."""

_SHARED_CACHE_KIB = 8 * 1024
"""For the one connection that answers small searches: the upper levels of the indexes."""


class ViewFile:
    """The file of one view's shape in a folder."""

    def __init__(self, folder: Path, view: View) -> None:
        self.view = view
        self.path = folder / f"view-{view.name}-{view.fingerprint}.sqlite"

    def open_writer(self) -> sqlite3.Connection:
        """Return the one writing connection; an empty file with its tables is made when there is none or the present one is
        broken."""
        try:
            return self._writer()
        except OSError as error:
            raise self._unavailable(error) from error
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise self._unavailable(error) from error
            # Not a database, or a torn one: it is derived data, so it is made again from the store.
            _log.warning("view file is broken", view=self.view.name, path=str(self.path), error=str(error), cure=BUILT_AGAIN)
            self.remove()
            return self._writer()

    def _writer(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * 4096}")
            connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        """Create all tables or none, should the process end here. The trigram index needs no folding: matching keys are folded
        already, or must not be; and no column sizes: results are not ranked."""
        with transaction(connection):
            for statement in filter(str.strip, (TABLES + INDEXES).split(";")):
                connection.execute(statement)
            for table in map(fragment_table, self.view.indexed_substrings):
                connection.execute(
                    f"CREATE VIRTUAL TABLE {table} USING fts5(keys, content='', columnsize=0,"
                    " tokenize='trigram case_sensitive 1')"
                )
            connection.execute(
                "INSERT INTO meta VALUES ('position', 0), ('digest', ''), ('floor', 0), ('complete', 0), ('instance', ''),"
                " ('build', lower(hex(randomblob(8)))), ('mark', ?)",
                (mark_of(self.view.name),),
            )

    def open_reader(self, *, shared: bool = False) -> sqlite3.Connection:
        """Return a read-only connection that may move between threads. `shared`: the one that answers all small searches."""
        try:
            connection = self._connect(read_only=True)
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_SHARED_CACHE_KIB if shared else _SNAPSHOT_CACHE_KIB}")
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return connection

    def _connect(self, read_only: bool = False) -> sqlite3.Connection:
        if not read_only:
            # SQLite gives its other files the mode of this one: no other user of this machine may read the directory.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        mode = "ro" if read_only else "rw"
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=10,
            cached_statements=256,
        )

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"view {self.view.name}: {self.path}: {error}; check that the folder is writable and the disk has room"
        )

    def remove(self) -> None:
        """Delete the file and what belongs to it."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def remove_others(self) -> None:
        """Delete the files of this view's earlier shapes, once this one serves."""
        for other in self.path.parent.glob(f"view-{self.view.name}-????????????????.sqlite*"):
            if not other.name.startswith(self.path.name):
                other.unlink(missing_ok=True)


def is_broken(error: Exception) -> bool:
    """Return whether the file itself is at fault (no database, a torn page, rows that contradict each other) and not its
    surroundings (disk full, permissions, locks)."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.ProgrammingError
    )


def read_meta(connection: sqlite3.Connection, key: str) -> int | str:
    """Return a value of `meta`: position, digest (of the log there: store/log/epoch.py), floor, complete,
    instance, mark (of csn.py), build (differs for each file made)."""
    value: int | str = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
    return value


def position(connection: sqlite3.Connection) -> int:
    """Return the number of the last change of the log that is in the file."""
    return int(read_meta(connection, "position"))


def floor(connection: sqlite3.Connection) -> int:
    """Return the position from which on the file has the history of its entries."""
    return int(read_meta(connection, "floor"))


def write_meta(connection: sqlite3.Connection, key: str, value: int | str) -> None:
    """Set a value of `meta`."""
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction: all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
