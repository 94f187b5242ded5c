"""Proxied authorization (RFC 4370): an application that is granted it has one operation carried out as another party."""

from typing import Final

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.wire import oids
from gateway.wire.controls.bind_and_update import ProxiedAuthorization
from gateway.wire.errors import WireError
from gateway.wire.messages import ExtendedRequest, Operation
from gateway.wire.result_codes import ResultCode

_EXTENSIONS: Final = frozenset({oids.WHO_AM_I, oids.PASSWORD_MODIFY})
"""The extended operations that can be another party's."""


def check(exchange: Exchange, operation: Operation) -> None:
    """Raise Refused for a control that may not be where it is, or may not be ignored and says it may (§3)."""
    if not exchange.controls[oids.PROXIED_AUTHORIZATION].criticality:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the proxied authorization control must be critical (RFC 4370)")
    if isinstance(operation, ExtendedRequest) and operation.name not in _EXTENSIONS:
        raise Refused(
            ResultCode.UNAVAILABLE_CRITICAL_EXTENSION,
            f"the extended operation {operation.name} cannot be proxied",
        )


async def exchange_of(exchange: Exchange, responder: Responder) -> Exchange:
    """Return the exchange as the party's that the control names. Raises Refused, and as Authentication.party_for."""
    try:
        asked = ProxiedAuthorization.decode(exchange.controls[oids.PROXIED_AUTHORIZATION].value)
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the proxied authorization control cannot be read: {error.reason}") from error
    await responder.turn()  # the operation is noted as begun before it begins
    party = await exchange.services.authentication.party_for(asked.authorization_id, exchange.party, exchange.client.peer)
    return exchange.on_behalf_of(party)
