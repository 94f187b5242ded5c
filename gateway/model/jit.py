"""The Protocols of just-in-time provisioning: a user who is unknown here and binds is looked up at a source by the login name
and provisioned from the record found. `app` passes the implementations to `directory`."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.model.deltas import Delta


class UserLookup(Protocol):
    """A source at which one person can be looked up by the login name."""

    def look_up(self, login: str) -> Awaitable[Sequence[Delta]]:
        """Return the records of the people who may have this login name, as the source would report them: none, one, or some of
        many. Never blocks; may be called any number of times at once.

        Raises SourceUnavailable when the source cannot be reached or its limit of lookups is reached (never an empty answer,
        law 8)."""


@dataclass(frozen=True, slots=True)
class ProvisionedUser:
    """A user who was provisioned, and the number of the change that made it; readers of the log know the user from that number
    on."""

    user_id: str
    change_number: int


class DecidedElsewhere(Exception):
    """The record belongs to a user for whom its source does not vouch (law 14)."""

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id


class JitProvisioner(Protocol):
    """The provisioning of a record that a UserLookup has found."""

    def provision(self, source_id: str, delta: Delta) -> Awaitable[ProvisionedUser | None]:
        """Apply the record in one transaction, as if the source had reported it. Never blocks; idempotent.

        Returns None when the rules make no user of it (a person must decide, …). Raises DecidedElsewhere, and
        then has stored nothing; StoreUnavailable; SourceUnavailable while the source's settings are being prepared.
        """
