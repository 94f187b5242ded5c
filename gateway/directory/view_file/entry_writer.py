"""Entries → the view file. One transaction is one step of the log; the position commits with the content (law 5).

Rows are touched only where they differ, and an entry whose bytes did not change is not written at all."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.directory.projection.index_keys import KeyMaker, decoded, fragment_table, fragments
from gateway.directory.projection.projection import Entry
from gateway.directory.projection.view_definition import View
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.history import FormerEntry
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.wire.entries import values

_CHUNK = 500
"""Ids asked for in one statement."""

_MAX_COLLECTED = 50_000
"""Index rows held before they are written."""


class PutResult(NamedTuple):
    """What storing an entry did. `old_key` and `old_dn`: its name before; None when it is new."""

    entry_id: int
    old_key: str | None
    old_dn: str | None
    changed: bool


class ViewWriter:
    """Writes one view file. Not shared between threads."""

    def __init__(self, connection: sqlite3.Connection, view: View) -> None:
        self._connection = connection
        self._tables = {attribute: fragment_table(attribute) for attribute in view.indexed_substrings}
        self._keys = KeyMaker()
        self._attribute_ids: dict[str, int] = dict(connection.execute("SELECT key, id FROM attribute"))
        self._added: set[tuple[int, bytes, int]] = set()
        self._removed: set[tuple[int, bytes, int]] = set()
        self._fragments: dict[str, list[tuple[int, str]]] = {}
        self._last_parent = ("", 0)
        self._moment = Moment(0, 0)

    # What is there ---------------------------------------------------------------------------------------------------

    def entry_ids(self, object_ids: Iterable[str]) -> dict[str, int]:
        """Object id → entry id of those that have an entry."""
        return dict(self._select("object_id, id", object_ids))

    def places(self, object_ids: Iterable[str]) -> dict[str, tuple[int, str, str]]:
        """Object id → (entry id, DN, DN key) of those that have an entry."""
        return {row[0]: (row[1], row[2], row[3]) for row in self._select("object_id, id, dn, dn_key", object_ids)}

    def logins(self, object_ids: Iterable[str]) -> list[bytes]:
        """The first uid of each of those that have one."""
        return [uid for row in self._select("encoded", object_ids) for uid in values(row[0], b"uid")[:1]]

    def _select(self, columns: str, object_ids: Iterable[str]) -> list[tuple[Any, ...]]:
        ids = list(object_ids)
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            rows += self._connection.execute(f"SELECT {columns} FROM entry WHERE object_id IN ({marks})", chunk).fetchall()
        return rows

    def held(self, dn_keys: Sequence[str]) -> set[str]:
        """Those of these DNs that an entry has."""
        found: set[str] = set()
        for start in range(0, len(dn_keys), _CHUNK):
            chunk = dn_keys[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            found.update(
                row[0] for row in self._connection.execute(f"SELECT dn_key FROM entry WHERE dn_key IN ({marks})", chunk)
            )
        return found

    def holder(self, dn_key: str) -> tuple[str, str] | None:
        """(kind, object id) of the entry that has this DN."""
        row: tuple[str, str] | None = self._connection.execute(
            "SELECT kind, object_id FROM entry WHERE dn_key = ?", (dn_key,)
        ).fetchone()
        return row

    def place(self, dn_key: str) -> tuple[str, int, str, str] | None:
        """(kind, entry id, DN, DN key) of the entry that has this DN."""
        row: tuple[str, int, str, str] | None = self._connection.execute(
            "SELECT kind, id, dn, dn_key FROM entry WHERE dn_key = ?", (dn_key,)
        ).fetchone()
        return row

    def waiting_for(self, plain_key: str) -> list[tuple[str, str]]:
        """(kind, object id) of those that would have this DN if no other had it."""
        return self._connection.execute("SELECT kind, object_id FROM entry WHERE plain_key = ?", (plain_key,)).fetchall()

    def children(self, entry_id: int) -> list[tuple[str, str]]:
        """(kind, object id) of the entries right below."""
        return self._connection.execute("SELECT kind, object_id FROM entry WHERE parent = ?", (entry_id,)).fetchall()

    def groups_of(self, entry_ids: Iterable[int]) -> set[str]:
        """The ids of the groups that list any of these entries."""
        query = "SELECT e.object_id FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ?"
        return {row[0] for entry_id in entry_ids for row in self._connection.execute(query, (entry_id,))}

    # What changes ----------------------------------------------------------------------------------------------------

    def begin(self, moments: Sequence[Moment]) -> None:
        """To be called at the start of each transaction: when the changes were made that it brings, the last one last."""
        self._moment = history.begin(self._connection, moments)

    def put(
        self, entry: Entry, organizations: Sequence[int] = (), plain_key: str | None = None, *, may_exist: bool = True
    ) -> PutResult:
        """Stores an entry. `may_exist` false: the caller knows that the object has none yet, so that none is looked for."""
        query = (
            "SELECT id, dn_key, dn, plain_key, parent, organizations, encoded, operational, created FROM entry"
            " WHERE object_id = ?"
        )
        old = self._connection.execute(query, (entry.object_id,)).fetchone() if may_exist else None
        encoded, operational = entry.encoded, entry.operational
        if entry.kind != Kind.USER:
            self._last_parent = ("", 0)
        placed = ",".join(map(str, organizations))
        stored = (entry.dn_key, entry.dn, plain_key, self._parent(entry.dn_key), placed, encoded, operational)
        if old is None:
            cursor = self._connection.execute(
                "INSERT INTO entry (dn_key, dn, plain_key, parent, organizations, encoded, operational, object_id, kind,"
                " created, changed, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*stored, entry.object_id, entry.kind, self._moment.number, *self._moment),
            )
            done = PutResult(int(cursor.lastrowid or 0), None, None, True)
        else:
            done = PutResult(old[0], old[1], old[2], old[1:8] != stored)
            if not done.changed:
                return done
            if (old[2], old[5]) != (entry.dn, placed):
                self._remember(FormerEntry(old[0], old[8], entry.kind, entry.object_id, old[5], old[2], dn.key(old[2])))
            self._connection.execute(
                "UPDATE entry SET dn_key = ?, dn = ?, plain_key = ?, parent = ?, organizations = ?, encoded = ?,"
                " operational = ?, changed = ?, changed_at = ? WHERE id = ?",
                (*stored, *self._moment, done.entry_id),
            )
        rows = self._keys.rows((*entry.attributes, *entry.operational_values))
        self._index(done.entry_id, rows, self._keys.rows(decoded(old[6], old[7])) if old else None)
        return done

    def set_members(self, group_entry: int, members: Iterable[int]) -> None:
        """Makes the direct members of a group exactly these."""
        now = set(members)
        query = "SELECT member_entry FROM member WHERE group_entry = ?"
        before = {row[0] for row in self._connection.execute(query, (group_entry,))}
        self._connection.executemany(
            "DELETE FROM member WHERE group_entry = ? AND member_entry = ?", [(group_entry, m) for m in before - now]
        )
        self._connection.executemany("INSERT INTO member VALUES (?, ?)", [(group_entry, m) for m in sorted(now - before)])

    def remove(self, object_id: str) -> tuple[int, str] | None:
        """Removes an object's entry and its memberships; its id and DN key, or None when there was none."""
        old = self._connection.execute(
            "SELECT id, dn_key, encoded, operational, created, kind, organizations, dn FROM entry WHERE object_id = ?",
            (object_id,),
        ).fetchone()
        if old is None:
            return None
        self._last_parent = ("", 0)
        self._remember(FormerEntry(old[0], old[4], old[5], object_id, old[6], old[7], dn.key(old[7])))
        self._index(old[0], set(), self._keys.rows(decoded(old[2], old[3])))
        self._connection.execute("DELETE FROM entry WHERE id = ?", (old[0],))
        self._connection.execute("DELETE FROM member WHERE group_entry = ?", (old[0],))
        self._connection.execute("DELETE FROM member WHERE member_entry = ?", (old[0],))
        return int(old[0]), str(old[1])

    def _remember(self, former: FormerEntry) -> None:
        history.remember(self._connection, self._moment.number, former)

    def step_aside(self, object_id: str) -> None:
        """Frees the DN of an object that is about to be written again under another. What it has meanwhile is a key, too: an
        entry below that is written before it finds its parent by it."""
        self._last_parent = ("", 0)
        self._connection.execute(
            "UPDATE entry SET dn_key = dn_key || '~' || object_id || ',' WHERE object_id = ?", (object_id,)
        )

    def finish(self, position: int, *, complete: bool = True) -> None:
        """Writes what was collected and the position; to be called at the end of each transaction."""
        self._flush()
        history.forget_oldest(self._connection, position)
        view_file.fill(self._connection, "position", position)
        view_file.fill(self._connection, "complete", int(complete))

    def _flush(self) -> None:
        """Rows are collected so that they are written in the order of the index, but not more than fit well into memory."""
        self._connection.executemany("DELETE FROM value WHERE attribute = ? AND value = ? AND entry = ?", self._removed)
        self._connection.executemany("INSERT OR IGNORE INTO value VALUES (?, ?, ?)", sorted(self._added))
        self._added, self._removed = set(), set()
        self._flush_fragments()

    def _flush_fragments(self) -> None:
        for attribute, texts in self._fragments.items():
            self._connection.executemany(f"INSERT INTO {self._tables[attribute]} (rowid, keys) VALUES (?, ?)", texts)
        self._fragments = {}

    def forget(self) -> None:
        """Drops what was collected; to be called when a transaction is rolled back."""
        self._added, self._removed, self._fragments = set(), set(), {}
        self._last_parent = ("", 0)
        self._attribute_ids = dict(self._connection.execute("SELECT key, id FROM attribute"))

    def analyze(self) -> None:
        """Refreshes what the planner knows about how selective each attribute is."""
        self._connection.execute(
            "UPDATE attribute SET (rows, distinct_values) ="
            " (SELECT count(*), count(DISTINCT v.value) FROM value v WHERE v.attribute = attribute.id)"
        )

    def optimize_fragments(self) -> None:
        """Makes each trigram index one piece again: a search looks into every piece that it has been written in."""
        for table in self._tables.values():
            self._connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

    def _parent(self, dn_key: str) -> int:
        """The id of the parent's entry; neighbours mostly come together."""
        key = dn.parent_key(dn_key)
        if key != self._last_parent[0]:
            row = self._connection.execute("SELECT id FROM entry WHERE dn_key = ?", (key,)).fetchone()
            self._last_parent = (key, int(row[0]) if row else 0)
        return self._last_parent[1]

    def _index(self, entry_id: int, rows: set[tuple[str, bytes]], old: set[tuple[str, bytes]] | None) -> None:
        if len(self._added) > _MAX_COLLECTED:
            self._flush()
        ids = self._attribute_ids
        for attribute, _ in rows:
            if attribute not in ids:
                self._name(attribute)
        added = {(ids[attribute], key, entry_id) for attribute, key in (rows - old if old else rows)}
        self._removed -= added
        self._added |= added
        texts = fragments(self._tables, rows)
        if old:
            removed = {(ids[attribute], key, entry_id) for attribute, key in old - rows}
            self._added -= removed
            self._removed |= removed
            texts = self._replace_fragments(entry_id, fragments(self._tables, old), texts)
        for attribute, text in texts.items():
            self._fragments.setdefault(attribute, []).append((entry_id, text))

    def _replace_fragments(self, entry_id: int, old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
        """Removes the texts that are no longer so; those that are to be added."""
        gone = [(attribute, text) for attribute, text in old.items() if new.get(attribute) != text]
        if gone:
            self._flush_fragments()
        for attribute, text in gone:
            table = self._tables[attribute]
            self._connection.execute(f"INSERT INTO {table} ({table}, rowid, keys) VALUES ('delete', ?, ?)", (entry_id, text))
        return {attribute: text for attribute, text in new.items() if old.get(attribute) != text}

    def _name(self, attribute: str) -> None:
        cursor = self._connection.execute("INSERT INTO attribute (key) VALUES (?)", (attribute,))
        self._attribute_ids[attribute] = int(cursor.lastrowid or 0)


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Entries by kind, for status and metrics."""
    return dict(connection.execute("SELECT kind, count(*) FROM entry GROUP BY kind"))
