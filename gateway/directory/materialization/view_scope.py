"""The scope of a view: the people it has, and the organizations and groups, when the configuration names some: resolved against
the store, kept with the file.

The set of organizations changes only in steps that bring changes of organizations, so that the people who enter or leave the
view with one are found by comparing two sets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import structlog

from gateway.directory.projection.view_definition import View
from gateway.model import organization_path
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, User
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import organizations

_log = structlog.get_logger("gateway.directory")


class ViewScope:
    """The scope of one view. `connection`: the view file's. Where nothing is named, everything is in the view and the store is
    not read."""

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
        """True when no organization is left out, and so no person."""
        return self._organizations is None

    def organizations(self, ids: Iterable[str]) -> list[str]:
        """Return those of these organizations that are in the view, in the order given."""
        return list(ids) if self._organizations is None else [one for one in ids if one in self.inside]

    def has_user(self, user: User) -> bool:
        """Return whether a user is in the view, provided that the user's organizations are. Programs take every person in a
        view for an active one, so leavers are not in it, unless the view asks for them."""
        return user.gone_at is None or self._view.leavers

    def has_group(self, group: Group) -> bool:
        """Return whether a group is in the view: by its id or its name."""
        return self._groups is None or group.id in self._groups or name_key(group.name) in self._groups

    @property
    def inside(self) -> frozenset[str]:
        """The organizations in the view as the last step left it; not for views that have all."""
        if self._inside is None:
            query = "SELECT object_id FROM entry WHERE kind = ?"
            self._inside = frozenset(row[0] for row in self._connection.execute(query, (Kind.ORGANIZATION,)))
        return self._inside

    def refresh(self) -> frozenset[str]:
        """Read the store again; return the organizations that come into the view or leave it."""
        if self._organizations is None:
            return frozenset()
        before, self._inside = self.inside, self._database.read_blocking(self._resolve)
        return before ^ self._inside

    def discard(self) -> None:
        """Drop what was read; to be called when a step was rolled back: then the organizations are read from the file again."""
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
    """Return the organizations with this id, or at this path below the root: names may repeat."""
    if organizations.get(connection, named) is not None:
        return [named]
    found = [ROOT_ORGANIZATION_ID]
    for name in organization_path.parse(named):
        found = [one for parent in found for one in organizations.same_name(connection, parent, name)]
    return found
