"""Cancel (RFC 3909): ends a search, whatever kind it is of, with an answer to it and an answer to who asked."""

from typing import TYPE_CHECKING

from gateway.frontends.ldap.core.results import SUCCESS, Refused
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.extended_values import CancelRequest
from gateway.wire.messages import Control, ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def handle(connection: "LDAPConnection", message_id: int, request: ExtendedRequest, _controls: dict[str, Control]) -> bytes:
    """Raises Refused: protocolError, noSuchOperation, or cannotCancel for what is not a search."""
    try:
        cancel_id = CancelRequest.decode(request.value).cancel_id
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the cancel request cannot be read: {error.reason}") from error
    connection.cancel(cancel_id)
    connection.count("extended", SUCCESS)
    return wrap(message_id, encode_operation(ExtendedResponse(SUCCESS)))
