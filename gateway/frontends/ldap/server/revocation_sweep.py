"""Open connections and rights that end: once a second the bound parties of this process are looked at, by
directory/authentication/revocation.py.

Who was given other rights goes on with those; who has none any more is told so (notice of disconnection) and ends."""

from typing import TYPE_CHECKING, Final

import structlog
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall

from gateway.directory.authentication.revocation import Revocation
from gateway.directory.directory import Party
from gateway.model.errors import StoreUnavailable
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection
    from gateway.frontends.ldap.server.server import LDAPServer

_log = structlog.get_logger("gateway.ldap")

CHECK_SECONDS: Final = 1.0
WITHDRAWN: Final = "what this connection was bound as is not valid any more; bind again"
CHANGED: Final = "the rights of this application have changed; connect again"


class Revoking:
    """Looks after the connections of one server."""

    def __init__(self, server: "LDAPServer", revocation: Revocation) -> None:
        self._server = server
        self._revocation = revocation
        self._looking = LoopingCall(self.check)
        self._looking.clock = server.services.reactor

    def start(self) -> None:
        """Begins to look."""
        self._looking.start(CHECK_SECONDS, now=False)

    def stop(self) -> None:
        """Nothing is looked at any more."""
        if self._looking.running:
            self._looking.stop()

    def check(self) -> "Deferred[None]":
        """Looks once."""
        return ensureDeferred(self._check())

    async def _check(self) -> None:
        bound = [one for one in self._server.connections if not one.party.is_anonymous]
        if not bound:
            return
        try:
            check = await self._revocation.check([connection.party for connection in bound])
        except StoreUnavailable as error:
            _log.warning("revocations cannot be looked up", error=str(error))
            return
        for connection in bound:
            party = check.refreshed(connection.party)
            if party is not connection.party:
                _change(connection, party)


def _change(connection: "LDAPConnection", party: Party | None) -> None:
    if party is not None and not connection.is_busy:
        connection.be(party)
        return
    # What is under way was begun with the old rights and would be finished with them.
    reason = WITHDRAWN if party is None else CHANGED
    _log.info("rights withdrawn", peer=connection.peer, bound=connection.party.dn, reason=reason)
    connection.disconnect(ResultCode.STRONGER_AUTH_REQUIRED, reason)
