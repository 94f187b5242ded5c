"""The visibility of a view at an earlier position: the former states that directory/view_file/history.py has kept, resolved for
one Access.

An entry that a party could not see then and cannot see now is never reported, and a former name only to a party that could see
it."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.directory.access import Access, Visibility
from gateway.directory.view_file.history import FormerEntry
from gateway.model.ldap import dn
from gateway.model.objects import Kind

_FORMER = (
    "SELECT entry, created, kind, object_id, organizations, dn, dn_key FROM former"
    " WHERE position > ?1 AND (created <= ?1 OR ?2) ORDER BY id"
)
_HOLDER = "SELECT object_id FROM entry WHERE dn_key = ?"
_NEW_ORGANIZATIONS = "SELECT id FROM entry WHERE kind = 'organization' AND created > ?"


@dataclass(slots=True)
class Told:
    """The objects that the party could see when the last reading to the end began, where just some are visible to it (`only`
    of a Visibility; None: by scope). So the groups that a person has left since are known."""

    only: frozenset[str] | None


class PastVisibility:
    """The visibility at `position`. `states`: entries that were removed, renamed or moved since, as they were then, by object
    id; all others are as they are now. `now`: the party's visibility at present; None: everything, then and now. `told`: of
    what alone was visible then.

    `resumed`: the client may have received a part of what came after, so each entry has all its states since then, the oldest
    first, and those that were added and removed have theirs, too.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        access: Access,
        now: Visibility | None,
        position: int,
        told: Told,
        *,
        resumed: bool,
    ) -> None:
        self.position = position
        self._resumed = resumed
        self.states: dict[str, list[FormerEntry]] = {}
        for row in connection.execute(_FORMER, (position, resumed)):
            known = self.states.setdefault(row[3], [])
            if resumed or not known:
                known.append(FormerEntry(*row))
        visible = self._resolve(connection, access, now)
        self.visibility = None if visible is None else replace(visible, only=told.only)
        self._only_now = None if now is None else now.only
        self._only_then = None if now is None else told.only
        self._connection = connection

    def _resolve(self, connection: sqlite3.Connection, access: Access, now: Visibility | None) -> Visibility | None:
        if now is None or now.organizations is None or access.scope is None:
            return now
        roots = tuple(key for one in access.scope.organization_ids for key in self._names(connection, one))
        new = {row[0] for row in connection.execute(_NEW_ORGANIZATIONS, (self.position,))}
        moved = [states for states in self.states.values() if states[0].kind == Kind.ORGANIZATION]
        then = {one.entry for states in moved for one in states if one.dn_key.startswith(roots)}
        if self._resumed:  # whatever may have been seen since is taken to have been seen
            return Visibility(frozenset(then | now.organizations), now.groups, now.only)
        unmoved = now.organizations - {states[0].entry for states in moved} - new
        return Visibility(frozenset(then | unmoved), now.groups, now.only)

    def _names(self, connection: sqlite3.Connection, object_id: str) -> list[str]:
        """Return the DN keys that an organization of the scope had; when `resumed`, also the one that it has."""
        former = [one.dn_key for one in self.states.get(object_id, ())]
        if former and not self._resumed:
            return former
        return former + [row[0] for row in connection.execute("SELECT dn_key FROM entry WHERE object_id = ?", (object_id,))]

    def shown(self, former: FormerEntry) -> bool:
        """Return whether the party could see the entry."""
        seen = (former.entry, former.kind, former.object_id, former.organizations)
        return self.visibility is None or self.visibility.shows(*seen)

    def entered(self) -> list[str]:
        """Return the objects (ids) that became visible as the person's own, parents first."""
        return self._in_order(self._only_now, self._only_then)

    def left(self) -> list[str]:
        """Return the objects (ids) that are no longer visible as the person's own, the lowest first."""
        return self._in_order(self._only_then, self._only_now)[::-1]

    def _in_order(self, some: frozenset[str] | None, others: frozenset[str] | None) -> list[str]:
        keys = {one: key for one in (some or frozenset()) - (others or frozenset()) if (key := self._key_of(one)) is not None}
        return sorted(keys, key=keys.__getitem__)

    def displaced(self) -> list[str]:
        """Return the entries (object ids), with everything below them, whose name another entry has now; the lowest first. A
        replica must delete them before it can add the other. Also those that were named by their entryUUID: slapd, renaming
        them, would drop it."""
        named = {one.dn_key: one.object_id for states in self.states.values() for one in states}
        every = [one for states in self.states.values() for one in states]
        taken = tuple(one.dn_key for one in every if self._is_displaced(one.object_id, one.dn_key, named))
        if not taken:
            return []
        return self._lowest_first(key for key, states in self.states.items() if any(s.dn_key.startswith(taken) for s in states))

    def removed(self) -> list[str]:
        """Return the objects (ids) that have no entry any more; the lowest first."""
        return self._lowest_first(object_id for object_id in self.states if not self._exists(object_id))

    def _lowest_first(self, object_ids: Iterable[str]) -> list[str]:
        return sorted(object_ids, key=lambda object_id: -len(self.states[object_id][-1].dn_key))

    def _is_displaced(self, object_id: str, key: str, named: Mapping[str, str]) -> bool:
        holder, above = self._holder(key), dn.parent_key(key)
        if holder == object_id:
            return False
        if holder is not None or "entryuuid=" in key[len(above) :]:
            return True
        # In a replica a renamed parent takes it along to a place where there may be another by now.
        parent = self._key_of(named.get(above, ""))
        return parent is not None and self._holder(parent + key[len(above) :]) not in (None, object_id)

    def _key_of(self, object_id: str) -> str | None:
        row = self._connection.execute("SELECT dn_key FROM entry WHERE object_id = ?", (object_id,)).fetchone()
        return str(row[0]) if row else None

    def _holder(self, dn_key: str) -> str | None:
        row = self._connection.execute(_HOLDER, (dn_key,)).fetchone()
        return str(row[0]) if row else None

    def _exists(self, object_id: str) -> bool:
        return self._connection.execute("SELECT 1 FROM entry WHERE object_id = ?", (object_id,)).fetchone() is not None
