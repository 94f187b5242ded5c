"""Proxied authorization (RFC 4370): an application that is granted it has one operation carried out as somebody else."""

from typing import TYPE_CHECKING, Any, Final, cast

from gateway.directory.directory import Party
from gateway.frontends.ldap.core.results import Refused
from gateway.wire import oids
from gateway.wire.controls.bind_and_update import ProxiedAuthorization
from gateway.wire.errors import WireError
from gateway.wire.messages import Control, ExtendedRequest, Operation
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

_EXTENSIONS: Final = frozenset({oids.WHO_AM_I, oids.PASSWORD_MODIFY})
"""The extended operations that can be somebody else's."""


class OnBehalf:
    """A connection as the handlers of one operation see it: another party's; everything else is the connection's own."""

    def __init__(self, connection: "LDAPConnection", party: Party) -> None:
        self._connection = connection
        self.party = party

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def check(operation: Operation, controls: dict[str, Control]) -> None:
    """Raises Refused for a control that may not be where it is, or may not be ignored and says it may (§3)."""
    if not controls[oids.PROXIED_AUTHORIZATION].criticality:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the proxied authorization control must be critical (RFC 4370)")
    if isinstance(operation, ExtendedRequest) and operation.name not in _EXTENSIONS:
        raise Refused(
            ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, f"the extended operation {operation.name} is nobody else's to ask for"
        )


async def on_behalf(connection: "LDAPConnection", controls: dict[str, Control]) -> "LDAPConnection":
    """The connection as the party that the control names. Raises Refused, and as Authentication.party_for."""
    try:
        asked = ProxiedAuthorization.decode(controls[oids.PROXIED_AUTHORIZATION].value)
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the proxied authorization control cannot be read: {error.reason}") from error
    await connection.turn()  # the operation is noted as begun before it begins
    party = await connection.services.authentication.party_for(asked.authorization_id, connection.party)
    return cast("LDAPConnection", OnBehalf(connection, party))
