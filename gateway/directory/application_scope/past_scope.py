"""The organizations that were in an application's scope at some time since a change: its reader may know what leaves them.

No record is kept of what was reported to which reader; the tree's own moves, which are in the log, are enough."""

from collections.abc import Iterable

from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.changes import Change
from gateway.model.objects import Organization
from gateway.store.objects import organizations, scoped_queries

MAX_MOVES = 10_000
"""Moves read; a tree that was moved more often between two reads of the feed is taken to have been all in scope."""


class PastScope:
    """The organizations in the scope of `directory` at any time after change `since`. Read on first use, which is seldom."""

    def __init__(self, directory: ScopedDirectory, since: int) -> None:
        self._directory = directory
        self._since = since
        self._ids: frozenset[str] | None = None
        self._everything = directory.all_organizations

    def has_any(self, organization_ids: Iterable[str]) -> bool:
        """Return True when any of these organizations was in scope."""
        if self._ids is None and not self._everything:
            self._ids = self._collect()
        return self._everything or (self._ids is not None and not self._ids.isdisjoint(organization_ids))

    def _collect(self) -> frozenset[str]:
        moves = scoped_queries.organization_changes(self._directory.connection, self._since, MAX_MOVES)
        self._everything = len(moves) == MAX_MOVES
        within = {*(self._directory.organization_ids or ()), *self._directory.scope.organization_ids}
        grown = True
        while grown:
            size = len(within)
            for move in moves:
                within |= _below(move, within)
            # What stands below one that has left stood there when it left, or has moved there by a change of its own.
            within |= organizations.subtree(self._directory.connection, within)
            grown = len(within) > size
        return frozenset(within)


def _below(move: Change, within: set[str]) -> set[str]:
    """Return the organizations that were below one of `within` before or after this change, by what it records."""
    path = (move.object_id, *move.organizations_before)
    found = {node for place, node in enumerate(path) if not within.isdisjoint(path[place:])}
    parent = move.object.parent_id if isinstance(move.object, Organization) else None
    return found | {move.object_id} if parent in within else found
