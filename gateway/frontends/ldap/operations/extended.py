"""Extended operations (RFC 4511 §4.12): which there are; StartTLS (§4.14) and Who Am I (RFC 4532) are here."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateway.frontends.ldap.core.results import SUCCESS, Refused
from gateway.frontends.ldap.operations import cancel, password_modify
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import Control, ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def handle(
    connection: "LDAPConnection", message_id: int, request: ExtendedRequest, controls: dict[str, Control]
) -> bytes | None:
    """Raises Refused (protocolError, as §4.12 asks) for an operation that is not known."""
    operation = _OPERATIONS.get(request.name)
    if operation is None:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the extended operation {request.name} is not supported")
    return operation(connection, message_id, request, controls)


def _start_tls(
    connection: "LDAPConnection", message_id: int, _request: ExtendedRequest, _controls: dict[str, Control]
) -> bytes:
    if not connection.can_start_tls:
        raise Refused(
            ResultCode.OPERATIONS_ERROR if connection.is_encrypted else ResultCode.PROTOCOL_ERROR,
            "TLS is already in use" if connection.is_encrypted else "no certificate is configured, so TLS cannot be started",
        )
    if connection.is_busy:
        raise Refused(ResultCode.OPERATIONS_ERROR, "other operations are outstanding")
    connection.start_tls_after_answer()
    connection.count("extended", SUCCESS)
    return wrap(message_id, encode_operation(ExtendedResponse(SUCCESS, oids.START_TLS)))


def _who_am_i(connection: "LDAPConnection", message_id: int, _request: ExtendedRequest, _controls: dict[str, Control]) -> bytes:
    """authzId: "dn:" and the DN, or empty for anonymous (RFC 4513 §5.2.1.8)."""
    name = connection.party.dn
    connection.count("extended", SUCCESS)
    return wrap(message_id, encode_operation(ExtendedResponse(SUCCESS, None, f"dn:{name}".encode() if name else b"")))


_Operation = Callable[["LDAPConnection", int, ExtendedRequest, dict[str, Control]], bytes | None]

_OPERATIONS: Mapping[str, _Operation] = {
    oids.START_TLS: _start_tls,
    oids.WHO_AM_I: _who_am_i,
    oids.PASSWORD_MODIFY: password_modify.handle,
    oids.CANCEL: cancel.handle,
}
