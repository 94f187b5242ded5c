"""The nextToken of /changes and /export, which are the same: a sealed position in the feed."""

from gateway.directory.application_scope.position import Position, scope_mark, start
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.developer.records.next_token import seal, unseal
from gateway.model.errors import Conflict

PURPOSE = "changes"


def token_of(caller: Caller, position: Position) -> str:
    """Return the nextToken of a position."""
    return seal(caller.binding(PURPOSE), position)


def position_of(caller: Caller, token: str | None, last: int) -> Position:
    """Return the position in a nextToken; the beginning of the log without one. `last` is the end of the log.

    Raises InvalidInput for what is no token of this feed, and Conflict for one that cannot be gone on from.
    """
    if not token:
        return start(caller.application)
    position = unseal(caller.binding(PURPOSE), token, Position)
    if position.scope != scope_mark(caller.application):
        raise Conflict("What this application may see was changed since the nextToken was given; start again with /export.")
    if position.number > last:
        raise Conflict("The nextToken is ahead of the log, so the store was restored; start again with /export.")
    return position
