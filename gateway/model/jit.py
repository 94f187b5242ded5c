"""The Protocols by which a person is taken in who is not known here and binds ("just in time"): whom a source has under a login
name, and the door through which they come in. `app` introduces who fulfils them to `directory`, which asks."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.model.deltas import Delta


class UserLookup(Protocol):
    """A source that can be asked for one person."""

    def look_up(self, login: str) -> Awaitable[Sequence[Delta]]:
        """Never blocks. What the source would report of those among its people who may have this login name: none, one, or
        some of many. Raises SourceUnavailable when it cannot be asked, or is asked too much already (never none, law 8)."""


@dataclass(frozen=True, slots=True)
class ProvisionedUser:
    """Who has come in: the user, and the change after which everybody can know."""

    user_id: str
    change_number: int


class JitProvisioner(Protocol):
    """The way in, for what a UserLookup has found."""

    def provision(self, source_id: str, delta: Delta) -> Awaitable[ProvisionedUser | None]:
        """Never blocks. As if the source had reported the record by itself, in one transaction; entering twice is entering
        once. None when the rules do not make a user of it (a person must decide, …). Raises StoreUnavailable, and
        SourceUnavailable while the gateway is not ready to take anybody in."""
