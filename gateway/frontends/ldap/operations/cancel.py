"""Cancel (RFC 3909): ends a search, whatever kind it is of, with an answer to it and an answer to the request."""

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import CancelResponder
from gateway.frontends.ldap.core.results import SUCCESS, Refused
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.extended_values import CancelRequest
from gateway.wire.messages import ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: ExtendedRequest, responder: CancelResponder) -> bytes:
    """End a search. Raises Refused: protocolError, noSuchOperation, or cannotCancel for what is not a search."""
    try:
        cancel_id = CancelRequest.decode(request.value).cancel_id
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the cancel request cannot be read: {error.reason}") from error
    responder.cancel(cancel_id)
    responder.count("extended", SUCCESS)
    return wrap(exchange.message_id, encode_operation(ExtendedResponse(SUCCESS)))
