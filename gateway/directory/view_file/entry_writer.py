"""Entries → the view file. One transaction is one step of the log; the position commits with the content (law 5).

Rows are touched only where they differ, and an entry whose bytes did not change is not written at all."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.directory.projection import active_directory
from gateway.directory.projection.entry import Entry
from gateway.directory.projection.index_keys import KeyMaker, decoded
from gateway.directory.projection.view_definition import View
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.entry_lookup import EntryLookup
from gateway.directory.view_file.history import FormerEntry
from gateway.directory.view_file.index_writer import IndexWriter
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.wire.entries import ExactSelection


class PutResult(NamedTuple):
    """The outcome of storing an entry. `old_key` and `old_dn`: its name before; None when it is new. `old`: its octets before;
    none when it is new."""

    entry_id: int
    old_key: str | None
    old_dn: str | None
    changed: bool
    old: bytes = b""


class ViewWriter:
    """The writer of one view file: `begin`, then changes, then `finish`, within one transaction. Not shared between threads.

    `entries`: lookups of what is there. `index`: the indexes, which are written along."""

    def __init__(self, connection: sqlite3.Connection, view: View) -> None:
        self.entries = EntryLookup(connection)
        self.index = IndexWriter(connection, view)
        self._connection = connection
        self._keys = KeyMaker()
        self._last_parent = ("", 0)
        self._moment = Moment(0, 0)
        self._kept = ExactSelection(active_directory.KEPT_IN_TOMBSTONES) if view.has_tombstones else None

    def begin(self, moments: Sequence[Moment]) -> None:
        """Begin a transaction's changes. `moments`: of the changes of the log that it brings, the last one last."""
        self._moment = history.record_moments(self._connection, moments)

    def finish(self, position: int, *, complete: bool = True) -> None:
        """Write what was collected and the position; to be called at the end of each transaction."""
        self.index.flush()
        history.prune(self._connection, position)
        view_file.write_meta(self._connection, "position", position)
        view_file.write_meta(self._connection, "complete", int(complete))

    def discard(self) -> None:
        """Drop what was collected; to be called when a transaction is rolled back."""
        self.index.discard()
        self._last_parent = ("", 0)

    # Entries ----------------------------------------------------------------------------------------------------------

    def put(
        self, entry: Entry, organizations: Sequence[int] = (), plain_key: str | None = None, *, may_exist: bool = True
    ) -> PutResult:
        """Store an entry. `organizations`: the entry ids of those it belongs to; `plain_key`: as in view_file.TABLES.
        `may_exist` false: the caller knows that the object has none yet, so that none is looked for."""
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
            result = PutResult(int(cursor.lastrowid or 0), None, None, True)
        else:
            result = PutResult(old[0], old[1], old[2], old[1:8] != stored, old[6])
            if not result.changed:
                return result
            if (old[2], old[5]) != (entry.dn, placed):
                former = FormerEntry(old[0], old[8], entry.kind, entry.object_id, old[5], old[2], dn.key(old[2]))
                self._record_former(former, old[6])
            self._connection.execute(
                "UPDATE entry SET dn_key = ?, dn = ?, plain_key = ?, parent = ?, organizations = ?, encoded = ?,"
                " operational = ?, changed = ?, changed_at = ? WHERE id = ?",
                (*stored, *self._moment, result.entry_id),
            )
        keys = self._keys.rows((*entry.attributes, *entry.operational_values))
        self.index.replace(result.entry_id, keys, self._keys.rows(decoded(old[6], old[7])) if old else None)
        return result

    def remove(self, object_id: str) -> tuple[int, str] | None:
        """Remove an object's entry and its memberships; return its id and DN key, or None when there was none."""
        old = self._connection.execute(
            "SELECT id, dn_key, encoded, operational, created, kind, organizations, dn FROM entry WHERE object_id = ?",
            (object_id,),
        ).fetchone()
        if old is None:
            return None
        self._last_parent = ("", 0)
        self._record_former(FormerEntry(old[0], old[4], old[5], object_id, old[6], old[7], dn.key(old[7])), old[2])
        self.index.replace(old[0], set(), self._keys.rows(decoded(old[2], old[3])))
        self._connection.execute("DELETE FROM entry WHERE id = ?", (old[0],))
        for table in ("member", "primary_member"):
            self._connection.execute(f"DELETE FROM {table} WHERE group_entry = ?", (old[0],))
            self._connection.execute(f"DELETE FROM {table} WHERE member_entry = ?", (old[0],))
        self._connection.execute("DELETE FROM link WHERE owner = ?", (old[0],))
        return int(old[0]), str(old[1])

    def free_name(self, object_id: str) -> None:
        """Free the DN of an object that is about to be written again under another. The key that it has meanwhile is a DN key,
        too: an entry below that is written before it finds its parent by it."""
        self._last_parent = ("", 0)
        self._connection.execute(
            "UPDATE entry SET dn_key = dn_key || '~' || object_id || ',' WHERE object_id = ?", (object_id,)
        )

    def set_members(self, group_entry: int, members: Iterable[int], primary: Iterable[int] = ()) -> None:
        """Make the direct members of a group exactly these; `primary`: those who are in it without being listed."""
        self._set_members("member", group_entry, members)
        self._set_members("primary_member", group_entry, primary)

    def _set_members(self, table: str, group_entry: int, members: Iterable[int]) -> None:
        now = set(members)
        query = f"SELECT member_entry FROM {table} WHERE group_entry = ?"
        before = {row[0] for row in self._connection.execute(query, (group_entry,))}
        self._connection.executemany(
            f"DELETE FROM {table} WHERE group_entry = ? AND member_entry = ?", [(group_entry, m) for m in before - now]
        )
        self._connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(group_entry, m) for m in sorted(now - before)])

    def set_links(self, result: PutResult, targets: Collection[str]) -> None:
        """Make the objects that an entry names exactly these. `result`: of putting it."""
        now, owner = set(targets), result.entry_id
        if result.old_dn is None and not now:
            return
        before = {row[0] for row in self._connection.execute("SELECT target FROM link WHERE owner = ?", (owner,))}
        gone, new = [(owner, one) for one in before - now], [(owner, one) for one in now - before]
        self._connection.executemany("DELETE FROM link WHERE owner = ? AND target = ?", gone)
        self._connection.executemany("INSERT INTO link VALUES (?, ?)", new)

    def _record_former(self, former: FormerEntry, encoded: bytes) -> None:
        kept = self._kept(encoded) if self._kept is not None else b""
        history.record_former(self._connection, self._moment.number, former._replace(kept=kept))

    def _parent(self, dn_key: str) -> int:
        """Return the id of the parent's entry; neighbours mostly come together."""
        key = dn.parent_key(dn_key)
        if key != self._last_parent[0]:
            row = self._connection.execute("SELECT id FROM entry WHERE dn_key = ?", (key,)).fetchone()
            self._last_parent = (key, int(row[0]) if row else 0)
        return self._last_parent[1]


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return the number of entries by kind, for status and metrics."""
    return dict(connection.execute("SELECT kind, count(*) FROM entry GROUP BY kind"))
