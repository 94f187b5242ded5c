"""Bind (RFC 4511 §4.2), simple only. While it lasts nothing else of the connection is worked on (§4.2.1)."""

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from gateway.frontends.ldap.results import SUCCESS, Refused, of_error
from gateway.wire.encoder import encode_operation, wrap
from gateway.wire.messages import BindRequest, BindResponse, Control, Result, SimpleAuthentication
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection

LDAP_VERSION = 3


def handle(connection: "LDAPConnection", message_id: int, request: BindRequest, _controls: dict[str, Control]) -> None:
    """Begins the bind. Whatever comes of it, the connection is anonymous from here until it succeeds (RFC 4513 §4)."""
    connection.abandon_all()
    connection.be(connection.services.authentication.anonymous)
    if request.version != LDAP_VERSION:
        raise Refused(ResultCode.PROTOCOL_ERROR, "only LDAP version 3 is spoken here")
    if not isinstance(request.authentication, SimpleAuthentication):
        raise Refused(
            ResultCode.AUTH_METHOD_NOT_SUPPORTED, "only simple binds are spoken here: send a DN and a password over TLS"
        )
    bind = _bind(connection, message_id, request.name, request.authentication.password)
    connection.begin(message_id, bind, "bind", exclusive=True)


async def _bind(connection: "LDAPConnection", message_id: int, name: str, password: bytes) -> None:
    result: Result = SUCCESS
    try:
        connection.be(await connection.services.authentication.bind(name, password, connection.peer))
    except CancelledError:  # the client has gone
        raise
    except Exception as error:
        result = of_error(error)
    connection.finish(message_id, "bind", result, wrap(message_id, encode_operation(BindResponse(result))))
