"""Rows of one state of a view as one party sees them: which are shown, what of them, and the values that are found when asked.

Everything is read on the connection that is handed in: a snapshot's, or the shared one. Narrowing of values is here only."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from operator import itemgetter
from typing import TypeAlias

from gateway.directory.access import Visibility
from gateway.directory.search.entry_values import EntryValues
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.view_file import view_file
from gateway.directory.view_file.csn import Moment, format_csn
from gateway.directory.view_file.history import LATEST
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries
from gateway.wire.filters import Filter

Row: TypeAlias = tuple[int, str, str, str, bytes, bytes, str]
"""id, kind, object id, organizations, encoded, operational, DN."""

ROW = "e.id, e.kind, e.object_id, e.organizations, e.encoded, e.operational, e.dn"

_SEEN = "e.id, e.kind, e.object_id, e.organizations, e.dn, e.dn_key"
_MEMBERS = f"SELECT {_SEEN} FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_LOGINS = "SELECT e.id, e.encoded FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_GROUPS = f"SELECT {_SEEN} FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ? ORDER BY e.dn_key"
_GROUPS_ABOVE = f"""
WITH RECURSIVE above (entry) AS (
    SELECT group_entry FROM member WHERE member_entry = ?
    UNION SELECT m.group_entry FROM above a JOIN member m ON m.member_entry = a.entry
) SELECT {_SEEN} FROM above a JOIN entry e ON e.id = a.entry ORDER BY e.dn_key
"""
_NAMED = f"SELECT {_SEEN} FROM entry e WHERE e.dn_key = ?"

_Seen: TypeAlias = tuple[int, str, str, str, str, str]

LISTED_BY = (
    "(SELECT group_concat(group_entry) FROM member WHERE member_entry = e.id), (SELECT value FROM meta WHERE key = 'position')"
)
"""The ids of the groups that list an entry, with commas between them (NULL: none does), and the position of that state."""

_MAX_REMEMBERED = 10_000
"""Entries whose groups are remembered while a search asks about one after the other."""

_LONGEST_LISTED = 500
"""Characters of LISTED_BY: some 70 groups. Whoever is in more costs more memory than it saves time."""


class GroupNames:
    """The DNs of groups, remembered as long as the file that a connection reads stays the same."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._known: dict[int, tuple[str, bytes]] = {}
        self._version = 0
        self._attributes: dict[str, bytes] = {}
        self._position = 0

    def of(self, group_ids: Iterable[int]) -> list[bytes]:
        """The DNs of these groups, in the order of their keys; one that has gone meanwhile lists nobody."""
        (version,) = self._execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
            self._version = version
        known = self._known
        named = [known.get(group_id) or self._look_up(group_id) for group_id in group_ids]
        return [name for _, name in sorted(filter(None, named))]

    def member_of(self, listed: str, position: int) -> bytes:
        """The attribute memberOf of an entry, encoded, from what LISTED_BY gives; empty when all those groups have gone. Those
        who are in the same groups share it until the view moves on: a name changes with its position alone."""
        if position != self._position or len(self._attributes) >= _MAX_REMEMBERED:
            self._attributes.clear()
            self._position = position
        encoded = self._attributes.get(listed)
        if encoded is None:
            names = self.of(map(int, listed.split(",")))
            encoded = entries.encode_attribute(b"memberOf", names) if names else b""
            if len(listed) <= _LONGEST_LISTED:
                self._attributes[listed] = encoded
        return encoded

    def _look_up(self, group_id: int) -> tuple[str, bytes] | None:
        row = self._execute("SELECT dn_key, dn FROM entry WHERE id = ? AND kind = 'group'", (group_id,)).fetchone()
        if row is None:
            return None
        found = self._known[group_id] = (row[0], row[1].encode())
        return found


class VisibleRows:
    """`visibility` None: every row is shown, whole. `transitive`: memberOf has the groups reached through groups, too. `names`:
    those that the connection remembers."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        visibility: Visibility | None,
        evaluator: Evaluator,
        *,
        transitive: bool = False,
        names: "GroupNames | None" = None,
    ) -> None:
        self._connection = connection
        self._visibility = visibility
        self._evaluator = evaluator
        self._transitive = transitive
        self._names = names
        self._groups_of: dict[str, frozenset[str]] = {}

    def shows(self, row: Row) -> bool:
        """Whether the party may know that there is such an entry."""
        return self._visibility is None or self._visibility.shows(*row[:4])

    def encoded(self, row: Row) -> bytes:
        """The entry as it may be seen: a group lists its visible members only."""
        if self._visibility is None or row[1] != Kind.GROUP:
            return row[4]
        return self._narrowed_group(row, self._visibility)

    def found(self, row: Row, attributes: Sequence[str]) -> list[tuple[bytes, list[bytes]]]:
        """(name, values) of these attributes (keys of DYNAMIC), which no entry stores."""
        return [(name, find(self, row)) for name, find in map(DYNAMIC.__getitem__, attributes)]

    def values(self, row: Row) -> EntryValues:
        """All values by attribute key."""
        return EntryValues(self.encoded(row), row[5], {key: partial(find, self, row) for key, (_, find) in DYNAMIC.items()})

    def matches(self, item: Filter, row: Row) -> bool:
        """Whether the entry matches, as the party sees it."""
        return self._evaluator.matches(item, self.values(row), DN.parse(row[6]), self.groups_of)

    def groups_of(self, dn_key: str) -> Set[str]:
        """The DN keys of the groups that a visible entry is in, directly or through visible groups; none for any other name."""
        known = self._groups_of.get(dn_key)
        if known is None:
            if len(self._groups_of) >= _MAX_REMEMBERED:
                self._groups_of.clear()
            entry: _Seen | None = self._connection.execute(_NAMED, (dn_key,)).fetchone()
            found = self._above(entry[0]) if entry is not None and self._is_known(entry) else []
            known = self._groups_of[dn_key] = frozenset(group[5] for group in found)
        return known

    def _narrowed_group(self, row: Row, visibility: Visibility) -> bytes:
        shown = {member[0]: member[4].encode() for member in self._query(_MEMBERS, row[0]) if visibility.shows(*member[:4])}
        name, attributes = entries.decode_entry(row[4])
        listed = set(shown.values())
        kept = {b"member": listed, b"uniqueMember": listed}
        if b"memberUid" in attributes:
            people = self._query(_LOGINS, row[0])
            logins = (entries.values(encoded, b"uid")[:1] for member, encoded in people if member in shown)
            kept[b"memberUid"] = {login for found in logins for login in found}
        narrowed = [(kind, [v for v in all_ if v in kept.get(kind, all_)]) for kind, all_ in attributes.items()]
        return entries.encode_entry(name, [(kind, values) for kind, values in narrowed if values])

    def _member_of(self, row: Row) -> list[bytes]:
        """The DNs of the groups that list the entry: the visible ones; a person is told all of the own groups."""
        if self._visibility is None and self._names is not None and not self._transitive:
            found = self._connection.execute("SELECT group_entry FROM member WHERE member_entry = ?", row[:1]).fetchall()
            return self._names.of([entry for (entry,) in found]) if found else []
        return [group[4].encode() for group in (self._above(row[0]) if self._transitive else self._groups(row[0]))]

    def _is_known(self, seen: _Seen) -> bool:
        """Whether the party may know of an entry that something leads to: a person may know of all groups above the own entry,
        and no filter of a person looks at others."""
        visibility = self._visibility
        return visibility is None or visibility.only is not None or visibility.shows(*seen[:4])

    def _groups(self, entry_id: int) -> list[_Seen]:
        """The groups that list an entry and may be known of, by DN."""
        return [group for group in self._query(_GROUPS, entry_id) if self._is_known(group)]

    def _above(self, entry_id: int) -> list[_Seen]:
        """The groups that list an entry or such a group: a way through a group that may not be known of leads nowhere."""
        if self._visibility is None or self._visibility.only is not None:
            return self._query(_GROUPS_ABOVE, entry_id).fetchall()
        found: dict[int, _Seen] = {}
        waiting = [entry_id]
        while waiting:
            new = [group for group in self._groups(waiting.pop()) if group[0] not in found]
            found.update({group[0]: group for group in new})
            waiting += [group[0] for group in new]
        return sorted(found.values(), key=itemgetter(5))

    def _has_subordinates(self, row: Row) -> list[bytes]:
        """X.501: whether there are entries below. Of a container this says no more than that the view has such entries; below
        a visible organization everything is visible."""
        below = self._connection.execute("SELECT 1 FROM entry WHERE parent = ? LIMIT 1", row[:1]).fetchone()
        return [b"FALSE" if below is None else b"TRUE"]

    def _entry_csn(self, row: Row) -> list[bytes]:
        """As OpenLDAP has it: when, and with which change, the entry changed last."""
        return self._csn("SELECT changed, changed_at FROM entry WHERE id = ?", row[:1])

    def _context_csn(self, row: Row) -> list[bytes]:
        """As OpenLDAP has it, at the view's base alone: how far the view has come."""
        is_base = "EXISTS (SELECT 1 FROM entry WHERE id = ? AND parent = 0 AND kind = 'container')"
        return self._csn(f"{LATEST} AND {is_base}", row[:1], int(view_file.read(self._connection, "mark")))

    def _csn(self, query: str, parameters: Sequence[int], mark: int = 0) -> list[bytes]:
        return [format_csn(Moment(*found), mark).encode() for found in self._connection.execute(query, parameters)]

    def _query(self, query: str, entry_id: int) -> sqlite3.Cursor:
        return self._connection.execute(query, (entry_id,))


DYNAMIC: Mapping[str, tuple[bytes, Callable[[VisibleRows, Row], list[bytes]]]] = {
    "contextcsn": (b"contextCSN", VisibleRows._context_csn),
    "entrycsn": (b"entryCSN", VisibleRows._entry_csn),
    "hassubordinates": (b"hasSubordinates", VisibleRows._has_subordinates),
    "memberof": (b"memberOf", VisibleRows._member_of),
}
"""Operational attributes that are found when they are asked for: key → name, and how."""
