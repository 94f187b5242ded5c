"""Resolving an Access against the organizations of one state of a view: which entries it shows. Kept until the view changes."""

import sqlite3

from gateway.directory.access import Access, Visibility
from gateway.directory.view_file import view_file
from gateway.model.objects import ROOT_ORGANIZATION_ID

_MAX_KEPT = 2_000
"""Different accesses whose visibility is kept."""

_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM entry WHERE object_id = ?
    UNION SELECT e.id FROM entry e JOIN below b ON e.parent = b.id WHERE e.kind = 'organization'
) SELECT id FROM below
"""


class VisibilityCache:
    """The visibilities of one view file."""

    def __init__(self) -> None:
        self._known: dict[Access, tuple[int, Visibility]] = {}

    def get(self, access: Access, connection: sqlite3.Connection) -> Visibility | None:
        """Return `access` resolved against the organizations that the connection sees; None when everything is visible."""
        if access.is_everything:
            return None
        position = view_file.position(connection)
        known = self._known.get(access)
        if known is None or known[0] != position:
            if len(self._known) >= _MAX_KEPT:
                self._known.clear()
            known = self._known[access] = (position, _resolve(access, connection))
        return known[1]


def _resolve(access: Access, connection: sqlite3.Connection) -> Visibility:
    scope = access.scope
    if scope is None:
        return Visibility(None, None, access.only)
    only = access.only or None
    groups = None if scope.group_ids is None else frozenset(scope.group_ids)
    if ROOT_ORGANIZATION_ID in scope.organization_ids:
        return Visibility(None, groups, only)
    below = {row[0] for object_id in scope.organization_ids for row in connection.execute(_BELOW, (object_id,))}
    return Visibility(frozenset(below), groups, only)
