"""Bind (RFC 4511 §4.2): simple, and SASL by the mechanisms of sasl.py. While it lasts nothing else of the connection is worked
on (§4.2.1). A client that asks for it gets what the source's password policy says (draft-behera-ldap-password-policy-10
§9.1)."""

from collections.abc import Awaitable

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import Bound, InvalidCredentials
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import BindResponder
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.operations import sasl
from gateway.model.connector import PolicyNotice
from gateway.wire import controls, oids
from gateway.wire.codec.encoder import encode_controls, encode_operation, wrap
from gateway.wire.controls.bind_and_update import PasswordPolicyResponse
from gateway.wire.messages import BindRequest, BindResponse, Result, SimpleAuthentication
from gateway.wire.result_codes import ResultCode

LDAP_VERSION = 3
_SUCCESS = encode_operation(BindResponse(SUCCESS))


def handle(exchange: Exchange, request: BindRequest, responder: BindResponder) -> bytes | None:
    """Begin the bind. Whatever comes of it, the connection is anonymous from here until it succeeds (RFC 4513 §4)."""
    responder.abandon_all()
    responder.make_anonymous()
    if request.version != LDAP_VERSION:
        raise Refused(ResultCode.PROTOCOL_ERROR, "only LDAP version 3 is spoken here")
    if isinstance(request.authentication, SimpleAuthentication):
        proof = exchange.services.authentication.bind(request.name, request.authentication.password, exchange.client.peer)
    elif sasl.needs_credentials(exchange.client, request.authentication):
        return _challenge(exchange, responder)
    else:
        proof = sasl.bind(exchange, request.authentication)
    responder.begin(exchange.message_id, _bind(exchange, responder, proof), "bind", exclusive=True)
    return None


async def _bind(exchange: Exchange, responder: BindResponder, proof: Awaitable[Bound]) -> None:
    result, notice = SUCCESS, None
    try:
        bound = await proof
        responder.set_party(bound.party)
        notice = bound.notice
    except CancelledError:  # the client has gone
        raise
    except Exception as error:
        result = result_of(error)
        notice = error.notice if isinstance(error, InvalidCredentials) else None
    policy = policy_control(notice) if oids.PASSWORD_POLICY in exchange.controls else b""
    response = _SUCCESS if result is SUCCESS else encode_operation(BindResponse(result))
    responder.finish(exchange.message_id, "bind", result, wrap(exchange.message_id, response, policy))


def policy_control(notice: PolicyNotice | None) -> bytes:
    """Return the encoded response control; a client that asked gets one, also when there is no notice."""
    sent = notice or PolicyNotice()
    response = PasswordPolicyResponse(sent.expires_in_seconds, sent.grace_binds_left, sent.error)
    return encode_controls((controls.control(response),))


def _challenge(exchange: Exchange, responder: BindResponder) -> bytes:
    """Return an empty challenge: the client is to send what it has (RFC 4422 §5.1)."""
    result = Result(ResultCode.SASL_BIND_IN_PROGRESS)
    responder.count("bind", result)
    return wrap(exchange.message_id, encode_operation(BindResponse(result, b"")))
