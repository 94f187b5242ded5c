"""Rows of one state of a view as one party sees them: which are shown, what of them, and the values that are found when asked.

Everything is read on the connection that is handed in: a snapshot's, or the shared one. Narrowing of values is here only."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TypeAlias

from gateway.directory.access import Visibility
from gateway.directory.evaluate import Evaluator
from gateway.directory.indexing import attribute_key, decoded
from gateway.model.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries, filters
from gateway.wire.filters import Filter

Row: TypeAlias = tuple[int, str, str, str, bytes, bytes, str]
"""id, kind, object id, organizations, encoded, operational, DN."""

ROW = "e.id, e.kind, e.object_id, e.organizations, e.encoded, e.operational, e.dn"

_SEEN = "e.id, e.kind, e.object_id, e.organizations, e.dn"
_MEMBERS = f"SELECT {_SEEN} FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_LOGINS = "SELECT e.id, e.encoded FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_GROUPS = f"SELECT {_SEEN} FROM member m JOIN entry e ON e.id = m.group_entry WHERE m.member_entry = ? ORDER BY e.dn_key"


class Sight:
    """`visibility` None: every row is shown, whole."""

    def __init__(self, connection: sqlite3.Connection, visibility: Visibility | None, evaluator: Evaluator) -> None:
        self._connection = connection
        self._visibility = visibility
        self._evaluator = evaluator

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

    def values(self, row: Row, asked: Set[str]) -> dict[str, list[bytes]]:
        """All values by attribute key; of the dynamic attributes only those that are asked for."""
        values: dict[str, list[bytes]] = {}
        for description, found in decoded(self.encoded(row), row[5]):
            values.setdefault(attribute_key(description), []).extend(found)
        for key in asked & DYNAMIC.keys():
            values[key] = DYNAMIC[key][1](self, row)
        return values

    def matches(self, item: Filter, row: Row, mentioned: Set[str]) -> bool:
        """Whether the entry matches, as the party sees it. `mentioned`: what `mentioned` says of the filter."""
        return self._evaluator.matches(item, self.values(row, mentioned), DN.parse(row[6]))

    def _narrowed_group(self, row: Row, visibility: Visibility) -> bytes:
        shown = {member[0]: member[4].encode() for member in self._query(_MEMBERS, row) if visibility.shows(*member[:4])}
        name, attributes = entries.decode_entry(row[4])
        kept = {b"member": set(shown.values())}
        if b"memberUid" in attributes:
            logins = (entries.values(encoded, b"uid")[:1] for member, encoded in self._query(_LOGINS, row) if member in shown)
            kept[b"memberUid"] = {login for found in logins for login in found}
        narrowed = [(kind, [v for v in all_ if v in kept.get(kind, all_)]) for kind, all_ in attributes.items()]
        return entries.encode_entry(name, [(kind, values) for kind, values in narrowed if values])

    def _member_of(self, row: Row) -> list[bytes]:
        """The DNs of the groups that list the entry: the visible ones; a person is told all of the own groups."""
        visibility = self._visibility
        everything = visibility is None or visibility.only is not None
        groups = self._query(_GROUPS, row)
        return [group[4].encode() for group in groups if everything or (visibility and visibility.shows(*group[:4]))]

    def _has_subordinates(self, row: Row) -> list[bytes]:
        """X.501: whether there are entries below. Of a container this says no more than that the view has such entries; below
        a visible organization everything is visible."""
        below = self._connection.execute("SELECT 1 FROM entry WHERE parent = ? LIMIT 1", row[:1]).fetchone()
        return [b"FALSE" if below is None else b"TRUE"]

    def _query(self, query: str, row: Row) -> sqlite3.Cursor:
        return self._connection.execute(query, row[:1])


DYNAMIC: Mapping[str, tuple[bytes, Callable[[Sight, Row], list[bytes]]]] = {
    "hassubordinates": (b"hasSubordinates", Sight._has_subordinates),
    "memberof": (b"memberOf", Sight._member_of),
}
"""Operational attributes that are found when they are asked for: key → name, and how."""


def mentioned(item: Filter) -> frozenset[str]:
    """The attribute keys that a filter asks about."""
    if isinstance(item, filters.And | filters.Or):
        return frozenset().union(*map(mentioned, item.filters))
    if isinstance(item, filters.Not):
        return mentioned(item.filter)
    return frozenset({attribute_key(item.attribute)}) if item.attribute else frozenset(DYNAMIC)
