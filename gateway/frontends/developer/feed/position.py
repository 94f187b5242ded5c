"""How far a reader of /changes has come, as its nextToken holds it; and the token of /export, which is the same."""

import hashlib

import msgspec

from gateway.frontends.developer.records.caller_scope import Caller
from gateway.frontends.developer.records.next_token import Binding, seal, unseal
from gateway.model.applications import Application
from gateway.model.errors import Conflict

ORGANIZATIONS, USERS, MEMBERS = "o", "u", "m"


class Position(msgspec.Struct, array_like=True, frozen=True):
    """Everything up to change `number` has been told.

    `phase`: of the change after it, a part has been told: of what stands below a moved organization the units (ORGANIZATIONS)
    or the users (USERS) up to the id `after`, or of a group's members (MEMBERS) the first `after`.
    `careful_from`, `careful_until`: what stands below a moved organization was read in several looks, the last one when the
    log had come to `careful_until`; until that is reached, every move counts from `careful_from` on (see change_feed.py).
    """

    number: int = 0
    scope: str = ""
    phase: str = ""
    after: str = ""
    careful_from: int = 0
    careful_until: int = 0

    @property
    def careful(self) -> bool:
        """Whether the reader is still among changes that were made while it was told of a move."""
        return self.number < self.careful_until


def binding(caller: Caller) -> Binding:
    """What the tokens of /changes are bound to."""
    return Binding(caller.instance_id, caller.application.id, "changes")


def scope_mark(application: Application) -> str:
    """Changes when what the application may see is changed by an administrator."""
    scope = application.scope
    groups = None if scope.group_ids is None else sorted(scope.group_ids)
    attributes = None if application.attributes is None else sorted(application.attributes)
    shape = msgspec.json.encode((sorted(scope.organization_ids), groups, attributes))
    return hashlib.blake2b(shape, digest_size=6).hexdigest()


def start(caller: Caller, number: int = 0) -> Position:
    """The position of a reader that knows the directory as of change `number`; 0: of one that knows nothing."""
    return Position(number, scope_mark(caller.application))


def token_of(caller: Caller, position: Position) -> str:
    """The nextToken of a position."""
    return seal(binding(caller), position)


def position_of(caller: Caller, token: str | None, last: int) -> Position:
    """The position in a nextToken; the beginning of the log without one. `last` is the end of the log.

    Raises InvalidInput for what is no token of this feed, and Conflict for one that cannot be gone on from.
    """
    if not token:
        return start(caller)
    position = unseal(binding(caller), token, Position)
    if position.scope != scope_mark(caller.application):
        raise Conflict("What this application may see was changed since the nextToken was given; start again with /export.")
    if position.number > last:
        raise Conflict("The nextToken is ahead of the log, so the store was restored; start again with /export.")
    return position
