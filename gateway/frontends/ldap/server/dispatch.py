"""Which file answers which operation, and with which response an operation that failed is answered."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import CancelledError

from gateway.frontends.ldap.core.results import Refused, of_error
from gateway.frontends.ldap.core.supported_controls import understood
from gateway.frontends.ldap.operations import add, bind, compare, delete, extended, modify, modify_dn, search
from gateway.frontends.ldap.server import proxied_authorization
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import (
    AddRequest,
    AddResponse,
    BindRequest,
    BindResponse,
    CompareRequest,
    CompareResponse,
    Control,
    DelRequest,
    DelResponse,
    ExtendedRequest,
    ExtendedResponse,
    LDAPMessage,
    ModifyDNRequest,
    ModifyDNResponse,
    ModifyRequest,
    ModifyResponse,
    Operation,
    Result,
    SearchRequest,
    SearchResultDone,
)
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

Handler = Callable[["LDAPConnection", int, Any, dict[str, Control]], bytes | None]

HANDLERS: Final[Mapping[type, tuple[str, Handler, Callable[[Result], Any]]]] = {
    BindRequest: ("bind", bind.handle, BindResponse),
    SearchRequest: ("search", search.handle, SearchResultDone),
    CompareRequest: ("compare", compare.handle, CompareResponse),
    ExtendedRequest: ("extended", extended.handle, ExtendedResponse),
    AddRequest: ("add", add.handle, AddResponse),
    DelRequest: ("delete", delete.handle, DelResponse),
    ModifyRequest: ("modify", modify.handle, ModifyResponse),
    ModifyDNRequest: ("modify_dn", modify_dn.handle, ModifyDNResponse),
}
"""Request → its name, who answers it, and its response. Abandon and Unbind have no response: connection.py."""


def perform(connection: "LDAPConnection", message: LDAPMessage) -> bytes | None:
    """The answer to a request that HANDLERS knows; None when it comes later. An error becomes the operation's own response."""
    operation = message.operation
    name, handler, _ = HANDLERS[type(operation)]
    try:
        controls = understood(operation, message.controls)
        if connection.must_start_tls and not _is_for_the_clear(operation):
            raise Refused(ResultCode.CONFIDENTIALITY_REQUIRED, _TLS_FIRST)
        if oids.PROXIED_AUTHORIZATION in controls:
            proxied_authorization.check(operation, controls)
            connection.begin(message.message_id, _perform_as(connection, message, controls), name)
            return None
        return handler(connection, message.message_id, operation, controls)
    except Exception as error:
        if isinstance(operation, BindRequest):  # whatever became of it, nobody is bound (RFC 4513 §4)
            connection.be(connection.services.authentication.anonymous)
        return _failed(connection, message, error)


async def _perform_as(connection: "LDAPConnection", message: LDAPMessage, controls: dict[str, Control]) -> None:
    """Carries a request out on behalf of somebody else."""
    try:
        other = await proxied_authorization.on_behalf(connection, controls)
        handler = HANDLERS[type(message.operation)][1]
        answer = handler(other, message.message_id, message.operation, controls)
    except CancelledError:  # abandoned: no answer
        raise
    except Exception as error:
        answer = _failed(connection, message, error)
    if answer is not None:
        connection.send(answer)


def _failed(connection: "LDAPConnection", message: LDAPMessage, error: Exception) -> bytes:
    name, _, response = HANDLERS[type(message.operation)]
    result = of_error(error)
    connection.count(name, result)
    return wrap(message.message_id, encode_operation(response(result)))


_TLS_FIRST = "TLS is required: send StartTLS first, or connect to the LDAPS port"


def _is_for_the_clear(operation: Operation) -> bool:
    """What is needed to begin TLS: StartTLS itself, and the root DSE to learn of it."""
    if isinstance(operation, SearchRequest):
        return not operation.base_object and operation.scope == 0
    return isinstance(operation, ExtendedRequest) and operation.name == oids.START_TLS
