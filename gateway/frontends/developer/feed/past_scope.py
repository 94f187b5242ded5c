"""Which organizations were in a caller's scope at some time since a change: who leaves one of them may be known to the reader.

Nothing is kept of who was told what; the tree's own moves, which are in the log, tell enough."""

from collections.abc import Iterable

from gateway.frontends.developer.records.caller_scope import Visible
from gateway.model.changes import Change
from gateway.store.objects import organizations, scoped_queries

AT_ONCE = 10_000
"""Moves looked at; a tree that was moved more often between two looks of a reader is taken to have been all in scope."""


class Reach:
    """What was in the scope of `visible` at any time after change `since`. Read on first use; most pages never ask."""

    def __init__(self, visible: Visible, since: int) -> None:
        self._visible = visible
        self._since = since
        self._ids: frozenset[str] | None = None
        self._everything = visible.all_organizations

    def has_any(self, organization_ids: Iterable[str]) -> bool:
        """Whether any of these organizations was."""
        if self._ids is None and not self._everything:
            self._ids = self._collect()
        return self._everything or (self._ids is not None and not self._ids.isdisjoint(organization_ids))

    def _collect(self) -> frozenset[str]:
        moves = scoped_queries.organization_changes(self._visible.connection, self._since, AT_ONCE)
        self._everything = len(moves) == AT_ONCE
        within = {*(self._visible.organization_ids or ()), *self._visible.scope.organization_ids}
        grown = True
        while grown:
            size = len(within)
            for move in moves:
                within |= _below(move, within)
            # What stands below one that has left stood there when it left, or has moved there by a change of its own.
            within |= organizations.subtree(self._visible.connection, within)
            grown = len(within) > size
        return frozenset(within)


def _below(move: Change, within: set[str]) -> set[str]:
    """The organizations that this change tells to have been below one of `within`, before it or after it."""
    path = (move.object_id, *move.organizations_before)
    found = {node for place, node in enumerate(path) if not within.isdisjoint(path[place:])}
    parent = getattr(move.object, "parent_id", None)
    return found | {move.object_id} if parent in within else found
