"""Which people a view has; and which organizations and groups, when the configuration names some: resolved against the store,
kept with the file.

The set of organizations changes only in steps that bring changes of organizations, so that whoever enters or leaves the view
with one is found by comparing two sets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import structlog

from gateway.directory.projection.view_definition import View
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, User
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import organizations

_log = structlog.get_logger("gateway.directory")


class ViewScope:
    """`connection`: the view file's. Where nothing is named, everything is in the view and nothing is asked."""

    def __init__(self, view: View, database: Database, connection: sqlite3.Connection) -> None:
        named = view.organizations
        self._view = view
        self._organizations = None if named is None or ROOT_ORGANIZATION_ID in named else named
        self._groups = None if view.groups is None else frozenset(map(name_key, view.groups))
        self._database = database
        self._connection = connection
        self._inside: frozenset[str] | None = None
        self._missing: set[str] = set()

    @property
    def has_all_organizations(self) -> bool:
        """Whether no organization is left out, and so nobody."""
        return self._organizations is None

    def organizations(self, ids: Iterable[str]) -> list[str]:
        """Those of these organizations that are in the view, in the order given."""
        return list(ids) if self._organizations is None else [one for one in ids if one in self.inside]

    def has_user(self, user: User) -> bool:
        """Whether a user is in the view, as far as it has the user's organizations. Programs that ask a view take whoever is in
        it for somebody who is there, so leavers are not, unless the view asks for them."""
        return user.gone_at is None or self._view.leavers

    def has_group(self, group: Group) -> bool:
        """Whether a group is in the view: by its id or its name."""
        return self._groups is None or group.id in self._groups or name_key(group.name) in self._groups

    @property
    def inside(self) -> frozenset[str]:
        """The organizations in the view as the last step left it; not for views that have all."""
        if self._inside is None:
            query = "SELECT object_id FROM entry WHERE kind = ?"
            self._inside = frozenset(row[0] for row in self._connection.execute(query, (Kind.ORGANIZATION,)))
        return self._inside

    def refresh(self) -> frozenset[str]:
        """Looks at the store again; the organizations that come into the view or leave it."""
        if self._organizations is None:
            return frozenset()
        before, self._inside = self.inside, self._database.read_blocking(self._resolve)
        return before ^ self._inside

    def forget(self) -> None:
        """To be called when a step was rolled back: what is inside is read from the file again."""
        self._inside = None

    def _resolve(self, connection: Connection) -> frozenset[str]:
        chosen: set[str] = set()
        for named in self._organizations or ():
            found = _find(connection, named)
            chosen.update(found)
            if not found and named not in self._missing:
                self._missing.add(named)
                _log.warning("a view names an organization that there is not", view=self._view.name, organization=named)
        return organizations.subtree(connection, chosen)


def _find(connection: Connection, named: str) -> list[str]:
    """The organizations with this id, or at this path below the root: names may repeat."""
    if organizations.get(connection, named) is not None:
        return [named]
    found = [ROOT_ORGANIZATION_ID]
    for name in named.strip("/").split("/"):
        found = [one for parent in found for one in organizations.same_name(connection, parent, name)]
    return found
