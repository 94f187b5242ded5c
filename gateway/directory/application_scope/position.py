"""Position of a reader in the change feed. A face seals it into its own token; it is a plain value with a stable JSON form."""

import hashlib

import msgspec

from gateway.model.applications import Application
from gateway.store.engine.database import Connection
from gateway.store.log import changes, epoch, retention

ORGANIZATIONS, USERS, MEMBERS = "o", "u", "m"


class Position(msgspec.Struct, array_like=True, frozen=True):
    """Everything up to change `number` has been reported to the reader.

    `scope`: the mark of the scope it was reported for (`scope_mark`).
    `phase`: of the change after it, a part has been reported: of what stands below a moved organization the organizations
    (ORGANIZATIONS) or the users (USERS) up to the id `after`, or of a group's members (MEMBERS) the first `after`.
    `careful_from`, `careful_until`: what stands below a moved organization was read in several pages, the last one when the
    log had come to `careful_until`; until that is reached, every move counts from `careful_from` on (see change_feed.py).
    `seen`, `digest`: the end of the log when the reader was told, and the log's digest there (store/log/epoch.py). Objects are
    reported as they were then, so where the log has another digest the reader knows what the store does not.
    """

    number: int = 0
    scope: str = ""
    phase: str = ""
    after: str = ""
    careful_from: int = 0
    careful_until: int = 0
    seen: int = 0
    digest: str = ""

    @property
    def careful(self) -> bool:
        """True while the reader is among changes that were made while a move was reported to it."""
        return self.number < self.careful_until


def scope_mark(application: Application) -> str:
    """Return a digest of what the application may see, which differs as soon as an administrator changes that."""
    scope = application.scope
    groups = None if scope.group_ids is None else sorted(scope.group_ids)
    attributes = None if application.attributes is None else sorted(application.attributes)
    shape = msgspec.json.encode((sorted(scope.organization_ids), groups, attributes))
    return hashlib.blake2b(shape, digest_size=6).hexdigest()


def start(application: Application, number: int = 0) -> Position:
    """Return the position of a reader that knows the directory as of change `number`; 0: of one that knows nothing."""
    return Position(number, scope_mark(application))


def with_history(connection: Connection, position: Position) -> Position:
    """Return the position of a reader that was told the present state."""
    last = changes.last(connection)
    return msgspec.structs.replace(position, seen=last, digest=epoch.digest_at(connection, last))


def is_kept(connection: Connection, position: Position) -> bool:
    """Return whether the log still has all that a reader at this position needs: what follows it, the moves of the tree since
    it has to be careful, and the change by which its history is known."""
    first = retention.first(connection)
    since = min(position.number, position.careful_from) if position.careful else position.number
    return since + 1 >= first and (not position.digest or position.seen >= first)


def is_of_this_history(connection: Connection, position: Position) -> bool:
    """Return whether the log is still the one in which the reader was told. A position without a digest was given by a version
    that made none: then only a log that is too short is known to be another."""
    if not position.digest:
        return position.number <= changes.last(connection)
    return epoch.digest_at(connection, position.seen) == position.digest
