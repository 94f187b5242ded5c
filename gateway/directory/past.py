"""What a party could see of a view at an earlier position: the former states that history.py has kept, resolved for one Access.

An entry that a party could not see then and cannot see now is never told of, and a former name only to who could see it."""

import sqlite3
from collections.abc import Iterator, Mapping

from gateway.directory.access import Access, Visibility
from gateway.directory.history import Former
from gateway.model.objects import Kind

_FORMER = (
    "SELECT entry, created, kind, object_id, organizations, dn, dn_key FROM former"
    " WHERE position > ?1 AND created <= ?1 ORDER BY id DESC"
)
_HOLDER = "SELECT object_id FROM entry WHERE dn_key = ?"
_NEW_ORGANIZATIONS = "SELECT id FROM entry WHERE kind = 'organization' AND created > ?"


class Past:
    """The state at `position`. `former`: entries that were removed, renamed or moved since, as they were then, by object id;
    all others are as they are now. `now`: what the party sees at present; None: everything, then and now."""

    def __init__(self, connection: sqlite3.Connection, access: Access, now: Visibility | None, position: int) -> None:
        self.position = position
        # Backwards, so that the oldest state of each is the one that stays.
        self.former: Mapping[str, Former] = {
            row[3]: Former(*row) for row in connection.execute(_FORMER, (position,)).fetchall()
        }
        self.visibility = self._resolve(connection, access, now)
        self._connection = connection

    def _resolve(self, connection: sqlite3.Connection, access: Access, now: Visibility | None) -> Visibility | None:
        if now is None or now.organizations is None or access.scope is None:
            return now
        roots = tuple(filter(None, (self._root(connection, object_id) for object_id in access.scope.organization_ids)))
        new = {row[0] for row in connection.execute(_NEW_ORGANIZATIONS, (self.position,))}
        moved = {one.entry: one.dn_key for one in self.former.values() if one.kind == Kind.ORGANIZATION}
        then = {entry for entry, key in moved.items() if key.startswith(roots)}
        return Visibility(frozenset(then | (now.organizations - moved.keys() - new)), now.groups, now.only)

    def _root(self, connection: sqlite3.Connection, object_id: str) -> str | None:
        """The DN key that an organization of the scope had."""
        former = self.former.get(object_id)
        if former is not None:
            return former.dn_key
        row = connection.execute("SELECT dn_key FROM entry WHERE object_id = ?", (object_id,)).fetchone()
        return str(row[0]) if row else None

    def shown(self, former: Former) -> bool:
        """Whether the party could see the entry."""
        if former.created > self.position:
            return False
        seen = (former.entry, former.kind, former.object_id, former.organizations)
        return self.visibility is None or self.visibility.shows(*seen)

    def displaced(self) -> Iterator[Former]:
        """Those, with everything below them, whose name another entry has now; the lowest first. A replica must part with them
        before it can take the other in."""
        taken = tuple(one.dn_key for one in self.former.values() if self._holder(one.dn_key) not in (None, one.object_id))
        if taken:
            yield from sorted((one for one in self.former.values() if one.dn_key.startswith(taken)), key=_lowest_first)

    def removed(self) -> Iterator[Former]:
        """Those that have no entry any more; the lowest first."""
        gone = [one for one in self.former.values() if not self._exists(one.object_id)]
        yield from sorted(gone, key=_lowest_first)

    def _holder(self, dn_key: str) -> str | None:
        row = self._connection.execute(_HOLDER, (dn_key,)).fetchone()
        return str(row[0]) if row else None

    def _exists(self, object_id: str) -> bool:
        return self._connection.execute("SELECT 1 FROM entry WHERE object_id = ?", (object_id,)).fetchone() is not None


def _lowest_first(former: Former) -> int:
    return -len(former.dn_key)
