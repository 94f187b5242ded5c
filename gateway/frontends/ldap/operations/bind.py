"""Bind (RFC 4511 §4.2): simple, and SASL by the mechanisms of sasl.py. While it lasts nothing else of the connection is worked
on (§4.2.1). Who asks is told what the source's password policy says (draft-behera-ldap-password-policy-10 §9.1)."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import Bound, InvalidCredentials
from gateway.frontends.ldap.core.results import SUCCESS, Refused, of_error
from gateway.frontends.ldap.operations import sasl
from gateway.model.connector import PolicyNotice
from gateway.wire import controls, oids
from gateway.wire.codec.encoder import encode_controls, encode_operation, wrap
from gateway.wire.controls.bind_and_update import PasswordPolicyResponse
from gateway.wire.messages import BindRequest, BindResponse, Control, Result, SimpleAuthentication
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

LDAP_VERSION = 3
_SUCCESS = encode_operation(BindResponse(SUCCESS))


def handle(
    connection: "LDAPConnection", message_id: int, request: BindRequest, with_controls: dict[str, Control]
) -> bytes | None:
    """Begins the bind. Whatever comes of it, the connection is anonymous from here until it succeeds (RFC 4513 §4)."""
    connection.abandon_all()
    connection.be(connection.services.authentication.anonymous)
    if request.version != LDAP_VERSION:
        raise Refused(ResultCode.PROTOCOL_ERROR, "only LDAP version 3 is spoken here")
    if isinstance(request.authentication, SimpleAuthentication):
        who = connection.services.authentication.bind(request.name, request.authentication.password, connection.peer)
    elif sasl.asks_for_credentials(connection, request.authentication):
        return _go_on(connection, message_id)
    else:
        who = sasl.bind(connection, request.authentication)
    bind = _bind(connection, message_id, who, tell_policy=oids.PASSWORD_POLICY in with_controls)
    connection.begin(message_id, bind, "bind", exclusive=True)
    return None


async def _bind(connection: "LDAPConnection", message_id: int, who: Coroutine[Any, Any, Bound], *, tell_policy: bool) -> None:
    result, notice = SUCCESS, None
    try:
        bound = await who
        connection.be(bound.party)
        notice = bound.notice
    except CancelledError:  # the client has gone
        raise
    except Exception as error:
        result = of_error(error)
        notice = error.notice if isinstance(error, InvalidCredentials) else None
    told = policy_control(notice) if tell_policy else b""
    response = _SUCCESS if result is SUCCESS else encode_operation(BindResponse(result))
    connection.finish(message_id, "bind", result, wrap(message_id, response, told))


def policy_control(notice: PolicyNotice | None) -> bytes:
    """The encoded response control; who asked gets one, also when there is nothing to say."""
    said = notice or PolicyNotice()
    response = PasswordPolicyResponse(said.expires_in_seconds, said.grace_binds_left, said.error)
    return encode_controls((controls.control(response),))


def _go_on(connection: "LDAPConnection", message_id: int) -> bytes:
    """An empty challenge: the client is to send what it has (RFC 4422 §5.1)."""
    result = Result(ResultCode.SASL_BIND_IN_PROGRESS)
    connection.count("bind", result)
    return wrap(message_id, encode_operation(BindResponse(result, b"")))
