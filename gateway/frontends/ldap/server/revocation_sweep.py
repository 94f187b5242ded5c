"""Revocation sweep: once a second the bound parties of a server's connections are compared with the store, by
directory/authentication/revocation.py.

A party that was given other rights goes on with those; one that has none any more is sent a notice of disconnection. A search
that an application carries out as a person (RFC 4370) ends with that person's rights."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final, Protocol

import structlog
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from gateway.directory.authentication.revocation import Revocation
from gateway.directory.directory import Party
from gateway.frontends.ldap.core.results import Refused
from gateway.model.errors import StoreUnavailable
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")

CHECK_SECONDS: Final = 1.0
WITHDRAWN: Final = "what this connection was bound as is not valid any more; bind again"
WITHDRAWN_FROM_OTHER: Final = "the identity that this search was carried out as is not valid any more"
CHANGED: Final = "the rights of this application have changed; connect again"


class BoundConnection(Protocol):
    """A connection, as the sweep needs it."""

    @property
    def party(self) -> Party:
        """The bound party."""

    @property
    def peer(self) -> str:
        """The client's address and port."""

    @property
    def is_busy(self) -> bool:
        """True while operations are outstanding."""

    @property
    def on_behalf(self) -> Mapping[int, Party]:
        """The parties as which operations that are outstanding are carried out (RFC 4370), by message id."""

    def cancel(self, message_id: int, code: ResultCode, reason: str) -> None:
        """End a search with this result. Raises Refused for another operation."""

    def set_party(self, party: Party) -> None:
        """Make the connection this party's."""

    def disconnect(self, code: ResultCode, reason: str) -> None:
        """Send a notice of disconnection, and end."""


class RevocationSweep:
    """Looks after the connections of one server. `connections`: those that are open, at any time."""

    def __init__(self, connections: Collection[BoundConnection], revocation: Revocation, clock: IReactorTime) -> None:
        self._connections = connections
        self._revocation = revocation
        self._loop = LoopingCall(self.check)
        self._loop.clock = clock

    def start(self) -> None:
        """Check from now on."""
        self._loop.start(CHECK_SECONDS, now=False)

    def stop(self) -> None:
        """Check no more."""
        if self._loop.running:
            self._loop.stop()

    def check(self) -> "Deferred[None]":
        """Check once."""
        return ensureDeferred(self._check())

    async def _check(self) -> None:
        bound = [one for one in self._connections if not one.party.is_anonymous]
        if not bound:
            return
        try:
            check = await self._revocation.check([party for one in bound for party in (one.party, *one.on_behalf.values())])
        except StoreUnavailable as error:
            _log.warning("revocations cannot be looked up", error=str(error))
            return
        for connection in bound:
            party = check.refreshed(connection.party)
            if party is not connection.party:
                _change(connection, party)
            for message_id, person in connection.on_behalf.items():
                if check.refreshed(person) is None:
                    with suppress(Refused):  # no search: it is as good as done
                        connection.cancel(message_id, ResultCode.AUTHORIZATION_DENIED, WITHDRAWN_FROM_OTHER)


def _change(connection: BoundConnection, party: Party | None) -> None:
    if party is not None and not connection.is_busy:
        connection.set_party(party)
        return
    # What is under way was begun with the old rights and would be finished with them.
    reason = WITHDRAWN if party is None else CHANGED
    _log.info("rights withdrawn", peer=connection.peer, bound=connection.party.dn, reason=reason)
    connection.disconnect(ResultCode.STRONGER_AUTH_REQUIRED, reason)
