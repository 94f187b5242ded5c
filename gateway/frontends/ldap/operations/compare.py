"""Compare (RFC 4511 §4.10): a search of the one entry for the one value, as the bound party may see it."""

from gateway.directory.projection.index_keys import attribute_key
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search import assertion
from gateway.frontends.ldap.search.assertion import matches
from gateway.model.ldap import matching_rules, schema
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.filters import Equality, Present
from gateway.wire.messages import CompareRequest, CompareResponse, Result
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: CompareRequest, responder: Responder) -> bytes:
    """Return compareTrue or compareFalse. Raises Refused for an attribute that is unknown, absent or not readable."""
    assertion.check(exchange, request.object_name)
    _check_value(request)
    if matches(exchange, request.object_name, Equality(request.attribute, request.value)):
        result = Result(ResultCode.COMPARE_TRUE)
    elif matches(exchange, request.object_name, Present(request.attribute)):
        result = Result(ResultCode.COMPARE_FALSE)
    else:
        raise Refused(ResultCode.NO_SUCH_ATTRIBUTE, f"the entry has no {request.attribute}")
    responder.count("compare", result)
    return wrap(exchange.message_id, encode_operation(CompareResponse(result)))


def _check_value(request: CompareRequest) -> None:
    key = attribute_key(request.attribute)
    attribute = schema.ATTRIBUTE_TYPES.get(key)
    if attribute is None:
        raise Refused(ResultCode.UNDEFINED_ATTRIBUTE_TYPE, f"there is no attribute type {request.attribute!r}")
    if attribute.equality is None:
        raise Refused(ResultCode.INAPPROPRIATE_MATCHING, f"values of {request.attribute} cannot be compared")
    if matching_rules.equality_key(key, request.value) is None:
        raise Refused(ResultCode.INVALID_ATTRIBUTE_SYNTAX, f"the value is not one of {request.attribute}")
