"""The nextToken of /changes and /export, which are the same: a sealed position in the feed."""

from gateway.directory.application_scope.position import Position, is_kept, is_of_this_history, scope_mark, with_history
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.developer.records.next_token import seal, unseal
from gateway.model.errors import ChangesPruned, Conflict, InvalidInput
from gateway.store.engine.database import Connection

PURPOSE = "changes"


def token_of(connection: Connection, caller: Caller, position: Position) -> str:
    """Return the nextToken of a position, for a reader that is told the store's present state."""
    return seal(caller.binding(PURPOSE), with_history(connection, position))


def position_of(connection: Connection, caller: Caller, token: str | None) -> Position:
    """Return the position in a nextToken.

    Raises InvalidInput for what is no token of this feed, or none; Conflict for one that cannot be gone on from, and
    ChangesPruned when what follows it is not kept any more.
    """
    if not token:
        raise InvalidInput("nextToken: begin with /export; the nextToken in its last line is the one to go on from.")
    position = unseal(caller.binding(PURPOSE), token, Position)
    if position.scope != scope_mark(caller.application):
        raise Conflict("What this application may see was changed since the nextToken was given; start again with /export.")
    if not is_kept(connection, position):
        raise ChangesPruned("The changes since this nextToken was given are not kept any more; start again with /export.")
    if not is_of_this_history(connection, position):
        raise Conflict("The store went back in time since the nextToken was given; start again with /export.")
    return position
