"""Rows of one state of a view as one party sees them: which are shown, what of them, and the attributes that are computed on
request.

Everything is read on the connection that is handed in: a snapshot's, or the shared one. Narrowing of values is here only."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from operator import itemgetter
from typing import TypeAlias

from gateway.directory.access import Visibility
from gateway.directory.projection.entry_kinds import CONTAINER
from gateway.directory.search.entry_values import EntryValues
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.search.group_names import GroupNames
from gateway.directory.view_file import view_file
from gateway.directory.view_file.csn import Moment, format_csn
from gateway.directory.view_file.history import LATEST
from gateway.model.ldap import matching_rules
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries
from gateway.wire.filters import Filter

Row: TypeAlias = tuple[int, str, str, str, bytes, bytes, str]
"""id, kind, object id, organizations, encoded, operational, DN."""

ENCODED = "e.encoded"
"""The column of an entry that is sent as it is stored."""

ROW = "e.id, e.kind, e.object_id, e.organizations, e.encoded, e.operational, e.dn"

_LINKED = "e.id, e.kind, e.object_id, e.organizations, e.dn, e.dn_key"
_MEMBERS = f"SELECT {_LINKED} FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_LOGINS = "SELECT e.id, e.encoded FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_GROUPS = f"SELECT {_LINKED} FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ? ORDER BY e.dn_key"
_PRIMARY = f"SELECT {_LINKED} FROM primary_member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ?"
_GROUPS_ABOVE = f"""
WITH RECURSIVE above (entry) AS (
    SELECT group_entry FROM member WHERE member_entry = ?
    UNION SELECT m.group_entry FROM above a JOIN member m ON m.member_entry = a.entry
) SELECT {_LINKED} FROM above a JOIN entry e ON e.id = a.entry ORDER BY e.dn_key
"""
_SOME_BELOW = f"SELECT {_LINKED} FROM json_each(?) some JOIN entry e ON e.object_id = some.value WHERE e.parent = ?"
_NAMED = f"SELECT {_LINKED} FROM entry e WHERE e.dn_key = ?"

_Linked: TypeAlias = tuple[int, str, str, str, str, str]

_MAX_REMEMBERED = 10_000
"""Entries whose groups are remembered while a search tests one entry after the other."""


class VisibleRows:
    """The view that a party has of rows. `visibility` None: every row is shown, whole. `transitive`: memberOf has the groups
    reached through groups, too. `names`: the DNs of groups that the connection remembers. `on_request`: the attributes that
    are computed beside DYNAMIC when they are named (domain_values.py). `reference_types`: the attributes by which entries name
    others, beside those of members."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        visibility: Visibility | None,
        evaluator: Evaluator,
        *,
        transitive: bool = False,
        names: GroupNames | None = None,
        on_request: "Mapping[str, Computed]" = {},  # noqa: B006 (a constant)
        reference_types: frozenset[bytes] = frozenset(),
    ) -> None:
        self._connection = connection
        self._visibility = visibility
        self._evaluator = evaluator
        self._transitive = transitive
        self._names = names
        self._on_request = on_request
        self._computed = {**DYNAMIC, **on_request} if on_request else DYNAMIC
        self._reference_types = reference_types
        self._groups_of: dict[str, frozenset[str]] = {}

    def shows(self, row: Row) -> bool:
        """Return whether the party may know that there is such an entry."""
        return self._visibility is None or self._visibility.shows(*row[:4])

    def encoded(self, row: Row) -> bytes:
        """Return the entry as it may be seen: it names visible entries only."""
        if self._visibility is None:
            return row[4]
        encoded = self._narrowed_group(row, self._visibility) if row[1] == Kind.GROUP else row[4]
        return self._with_visible_names(encoded) if any(name in encoded for name in self._reference_types) else encoded

    def dynamic_values(self, row: Row, attributes: Sequence[str]) -> list[tuple[bytes, list[bytes]]]:
        """Return (name, values) of these attributes (keys), which no entry stores."""
        return [(name, compute(self, row)) for name, compute in map(self._computed.__getitem__, attributes)]

    def values(self, row: Row) -> EntryValues:
        """Return all values by attribute key."""
        computed = {key: partial(compute, self, row) for key, (_, compute) in DYNAMIC.items()}
        on_request = {key: partial(compute, self, row) for key, (_, compute) in self._on_request.items()}
        return EntryValues(self.encoded(row), row[5], computed, on_request)

    def matches(self, item: Filter, row: Row) -> bool:
        """Return whether the entry matches, as the party sees it."""
        return self._evaluator.matches(item, self.values(row), DN.parse(row[6]), self.groups_of)

    def groups_of(self, dn_key: str) -> Set[str]:
        """Return the DN keys of the groups that a visible entry is in, directly or through visible groups; none for any other
        name."""
        known = self._groups_of.get(dn_key)
        if known is None:
            if len(self._groups_of) >= _MAX_REMEMBERED:
                self._groups_of.clear()
            entry: _Linked | None = self._connection.execute(_NAMED, (dn_key,)).fetchone()
            found = self._above(entry[0]) if entry is not None and self._is_visible(entry) else []
            known = self._groups_of[dn_key] = frozenset(group[5] for group in found)
        return known

    def may_read(self, attribute: str) -> bool:
        """Return whether the party may read an attribute (its key) of the entries that it sees."""
        return self._evaluator.attribute(attribute) is not None

    def named(self, dn_key: str) -> bytes | None:
        """Return the visible entry with this DN, encoded; None for none."""
        row: Row | None = self._connection.execute(f"SELECT {ROW} FROM entry e WHERE e.dn_key = ?", (dn_key,)).fetchone()
        return row[4] if row is not None and self.shows(row) else None

    def groups_above(self, row: Row) -> list[bytes]:
        """Return the groups, encoded, that list an entry or are its primary one, or list such a group, as far as the party may
        know of them."""
        query = "SELECT encoded FROM entry WHERE id = ?"
        primary = [group for group in self._query(_PRIMARY, row[0]) if self._may_know(group)]
        above = [*primary, *(group for start in (row, *primary) for group in self._above(start[0]))]
        return [self._query(query, group).fetchone()[0] for group in dict.fromkeys(group[0] for group in above)]

    def numbers(self, row: Row) -> tuple[int, int]:
        """Return the numbers of the changes of the log with which an entry came, and last changed."""
        created, changed = self._query("SELECT created, changed FROM entry WHERE id = ?", row[0]).fetchone()
        return int(created), int(changed)

    def _with_visible_names(self, encoded: bytes) -> bytes:
        """Return the entry without the values by which it names entries that are not visible. A name that no entry has was
        made by a rule of the view alone."""
        name, attributes = entries.decode_entry(encoded)
        kept = [
            (kind, [v for v in all_ if kind not in self._reference_types or self._may_name(v)])
            for kind, all_ in attributes.items()
        ]
        return entries.encode_entry(name, [(kind, values) for kind, values in kept if values])

    def _may_name(self, value: bytes) -> bool:
        key = matching_rules.equality_key("entrydn", value)
        found = None if key is None else self._connection.execute(_NAMED, (key.decode(),)).fetchone()
        return found is None or self._is_visible(found)

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
        """Return the DNs of the groups that list the entry: the visible ones; a person sees all of the own groups."""
        if self._visibility is None and self._names is not None and not self._transitive:
            found = self._connection.execute("SELECT group_entry FROM member WHERE member_entry = ?", row[:1]).fetchall()
            return self._names.of([entry for (entry,) in found]) if found else []
        return [group[4].encode() for group in (self._above(row[0]) if self._transitive else self._groups(row[0]))]

    def _is_visible(self, linked: _Linked) -> bool:
        return self._visibility is None or self._visibility.shows(*linked[:4])

    def _groups(self, entry_id: int) -> list[_Linked]:
        """Return the groups that list an entry and may be known of, by DN."""
        return [group for group in self._query(_GROUPS, entry_id) if self._may_know(group)]

    def _may_know(self, group: _Linked) -> bool:
        return self._visibility is None or self._visibility.names_group(group[2])

    def _above(self, entry_id: int) -> list[_Linked]:
        """Return the groups that list an entry or such a group: a way through a group that may not be known of leads
        nowhere."""
        if self._visibility is None or self._visibility.groups is None:
            return self._query(_GROUPS_ABOVE, entry_id).fetchall()
        found: dict[int, _Linked] = {}
        pending = [entry_id]
        while pending:
            new = [group for group in self._groups(pending.pop()) if group[0] not in found]
            found.update({group[0]: group for group in new})
            pending += [group[0] for group in new]
        return sorted(found.values(), key=itemgetter(5))

    def _has_subordinates(self, row: Row) -> list[bytes]:
        """Return hasSubordinates (X.501). Of a container it says no more than that the view has such entries; below an
        organization of a scope everything is visible."""
        if self._visibility is None or self._visibility.only is None or row[1] == CONTAINER:
            below = self._connection.execute("SELECT 1 FROM entry WHERE parent = ? LIMIT 1", row[:1]).fetchone() is not None
        else:
            some = json.dumps(sorted(self._visibility.only))
            below = any(map(self._is_visible, self._connection.execute(_SOME_BELOW, (some, row[0]))))
        return [b"TRUE" if below else b"FALSE"]

    def _entry_csn(self, row: Row) -> list[bytes]:
        """Return entryCSN as OpenLDAP has it: the time and the number of the entry's last change."""
        return self._csn("SELECT changed, changed_at FROM entry WHERE id = ?", row[:1])

    def _context_csn(self, row: Row) -> list[bytes]:
        """Return contextCSN as OpenLDAP has it, at the view's base alone: the position of the view."""
        is_base = "EXISTS (SELECT 1 FROM entry WHERE id = ? AND parent = 0 AND kind = 'container')"
        return self._csn(f"{LATEST} AND {is_base}", row[:1], int(view_file.read_meta(self._connection, "mark")))

    def _csn(self, query: str, parameters: Sequence[int], mark: int = 0) -> list[bytes]:
        return [format_csn(Moment(*found), mark).encode() for found in self._connection.execute(query, parameters)]

    def _query(self, query: str, entry_id: int) -> sqlite3.Cursor:
        return self._connection.execute(query, (entry_id,))


Computed: TypeAlias = tuple[bytes, Callable[[VisibleRows, Row], list[bytes]]]
"""An attribute's name, and the function for its values."""

DYNAMIC: Mapping[str, Computed] = {
    "contextcsn": (b"contextCSN", VisibleRows._context_csn),
    "entrycsn": (b"entryCSN", VisibleRows._entry_csn),
    "hassubordinates": (b"hasSubordinates", VisibleRows._has_subordinates),
    "memberof": (b"memberOf", VisibleRows._member_of),
}
"""Operational attributes that are computed on request: key → name, and the function for their values."""
