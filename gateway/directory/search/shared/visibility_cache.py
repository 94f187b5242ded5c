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

_OWN = """
WITH RECURSIVE own (id) AS (
    SELECT id FROM entry WHERE object_id = ?1
    UNION SELECT p.group_entry FROM entry e JOIN primary_member p ON p.member_entry = e.id WHERE e.object_id = ?1
    UNION SELECT m.group_entry FROM member m JOIN own ON own.id = m.member_entry
), around (id, above) AS (
    SELECT o.id, o.parent FROM entry p JOIN own ON own.id = p.id
        JOIN json_each('[' || p.organizations || ']') within JOIN entry o ON o.id = within.value
    UNION SELECT o.id, o.parent FROM entry o JOIN around ON o.id = around.above WHERE o.kind = 'organization'
) SELECT e.object_id FROM entry e WHERE e.id IN (SELECT id FROM own UNION SELECT id FROM around)
"""
"""The groups that list an entry, directly or through groups, or are its primary one, and the organizations that it is in, with
those above them."""


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
    own = {row[0] for one in access.only for row in connection.execute(_OWN, (one,))} if access.own else ()
    only = access.only.union(own)
    if scope is None:
        return Visibility(None, None, only)
    groups = None if scope.group_ids is None else frozenset(scope.group_ids)
    if ROOT_ORGANIZATION_ID in scope.organization_ids:
        return Visibility(None, groups, only or None)
    below = {row[0] for object_id in scope.organization_ids for row in connection.execute(_BELOW, (object_id,))}
    return Visibility(frozenset(below), groups, only or None)
