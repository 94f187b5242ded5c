"""The DNs of groups by entry id, remembered while the file stays the same: memberOf of one entry after the other asks for the
same few groups."""

import sqlite3
from collections.abc import Iterable

from gateway.wire import entries

LISTED_BY = (
    "(SELECT group_concat(group_entry) FROM member WHERE member_entry = e.id), (SELECT value FROM meta WHERE key = 'position')"
)
"""The ids of the groups that list an entry, with commas between them (NULL: none does), and the position of that state."""

_MAX_REMEMBERED = 10_000
"""Groups, and lists of groups, that are remembered."""

_LONGEST_LISTED = 500
"""Characters of LISTED_BY: some 70 groups. A longer list costs more memory than it saves time."""


class GroupNames:
    """The DNs of groups as one connection sees them, remembered as long as its file stays the same."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._known: dict[int, tuple[str, bytes]] = {}
        self._version = 0
        self._attributes: dict[str, bytes] = {}
        self._position = 0

    def of(self, group_ids: Iterable[int]) -> list[bytes]:
        """Return the DNs of these groups, in the order of their keys; a group that has been deleted meanwhile is left out."""
        (version,) = self._execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
            self._version = version
        known = self._known
        named = [known.get(group_id) or self._look_up(group_id) for group_id in group_ids]
        return [name for _, name in sorted(filter(None, named))]

    def member_of(self, listed: str, position: int) -> bytes:
        """Return the attribute memberOf of an entry, encoded, from what LISTED_BY gives; empty when all those groups have been
        deleted. Entries in the same groups share it until the view moves on: a name changes with its position alone."""
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
