"""The nextToken of /changes and /export, which are the same: a sealed position in the feed."""

from gateway.directory.application_scope.position import Position, is_of_this_history, scope_mark, start, with_history
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.developer.records.next_token import seal, unseal
from gateway.model.errors import Conflict
from gateway.store.engine.database import Connection

PURPOSE = "changes"


def token_of(connection: Connection, caller: Caller, position: Position) -> str:
    """Return the nextToken of a position, for a reader that is told the store's present state."""
    return seal(caller.binding(PURPOSE), with_history(connection, position))


def position_of(connection: Connection, caller: Caller, token: str | None) -> Position:
    """Return the position in a nextToken; the beginning of the log without one.

    Raises InvalidInput for what is no token of this feed, and Conflict for one that cannot be gone on from.
    """
    if not token:
        return start(caller.application)
    position = unseal(caller.binding(PURPOSE), token, Position)
    if position.scope != scope_mark(caller.application):
        raise Conflict("What this application may see was changed since the nextToken was given; start again with /export.")
    if not is_of_this_history(connection, position):
        raise Conflict("The store went back in time since the nextToken was given; start again with /export.")
    return position
