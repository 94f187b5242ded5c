"""Position of a reader in the change feed. A face seals it into its own token; it is a plain value with a stable JSON form."""

import hashlib

import msgspec

from gateway.model.applications import Application

ORGANIZATIONS, USERS, MEMBERS = "o", "u", "m"


class Position(msgspec.Struct, array_like=True, frozen=True):
    """Everything up to change `number` has been reported to the reader.

    `scope`: the mark of the scope it was reported for (`scope_mark`).
    `phase`: of the change after it, a part has been reported: of what stands below a moved organization the organizations
    (ORGANIZATIONS) or the users (USERS) up to the id `after`, or of a group's members (MEMBERS) the first `after`.
    `careful_from`, `careful_until`: what stands below a moved organization was read in several pages, the last one when the
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
