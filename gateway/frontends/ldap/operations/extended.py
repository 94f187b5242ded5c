"""Extended operations (RFC 4511 §4.12): the table of them; StartTLS (§4.14) and Who Am I (RFC 4532) are here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import CancelResponder, Responder, TLSResponder
from gateway.frontends.ldap.core.results import SUCCESS, Refused
from gateway.frontends.ldap.operations import cancel, password_modify
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode


class ExtendedResponder(TLSResponder, CancelResponder, Protocol):
    """The responder of all extended operations together."""


def handle(exchange: Exchange, request: ExtendedRequest, responder: ExtendedResponder) -> bytes | None:
    """Return the answer, or None when it comes later. Raises Refused (protocolError, as §4.12 asks) for an operation that is
    not known."""
    operation = _OPERATIONS.get(request.name)
    if operation is None:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the extended operation {request.name} is not supported")
    return operation(exchange, request, responder)


def _start_tls(exchange: Exchange, _request: ExtendedRequest, responder: TLSResponder) -> bytes:
    if not exchange.can_start_tls:
        is_encrypted = exchange.client.is_encrypted
        raise Refused(
            ResultCode.OPERATIONS_ERROR if is_encrypted else ResultCode.PROTOCOL_ERROR,
            "TLS is already in use" if is_encrypted else "no certificate is configured, so TLS cannot be started",
        )
    if responder.is_busy:
        raise Refused(ResultCode.OPERATIONS_ERROR, "other operations are outstanding")
    responder.start_tls_after_answer()
    responder.count("extended", SUCCESS)
    return wrap(exchange.message_id, encode_operation(ExtendedResponse(SUCCESS, oids.START_TLS)))


def _who_am_i(exchange: Exchange, _request: ExtendedRequest, responder: Responder) -> bytes:
    """Return the authzId: "dn:" and the DN, or empty for anonymous (RFC 4513 §5.2.1.8)."""
    name = exchange.party.dn
    responder.count("extended", SUCCESS)
    return wrap(exchange.message_id, encode_operation(ExtendedResponse(SUCCESS, None, f"dn:{name}".encode() if name else b"")))


_Operation = Callable[[Exchange, ExtendedRequest, ExtendedResponder], bytes | None]

_OPERATIONS: Mapping[str, _Operation] = {
    oids.START_TLS: _start_tls,
    oids.WHO_AM_I: _who_am_i,
    oids.PASSWORD_MODIFY: password_modify.handle,
    oids.CANCEL: cancel.handle,
}
