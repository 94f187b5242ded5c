"""Compare (RFC 4511 §4.10): a search of the one entry for the one value, as the bound party may see it."""

from typing import TYPE_CHECKING

from gateway.directory.projection.index_keys import attribute_key
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search import assertion
from gateway.frontends.ldap.search.assertion import matches
from gateway.model.ldap import matching_rules, schema
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.filters import Equality, Present
from gateway.wire.messages import CompareRequest, CompareResponse, Control, Result
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def handle(connection: "LDAPConnection", message_id: int, request: CompareRequest, controls: dict[str, Control]) -> bytes:
    """compareTrue or compareFalse. Raises Refused for an attribute that is unknown, absent or not readable."""
    assertion.check(connection, request.object_name, controls)
    _check_value(request)
    if matches(connection, request.object_name, Equality(request.attribute, request.value)):
        result = Result(ResultCode.COMPARE_TRUE)
    elif matches(connection, request.object_name, Present(request.attribute)):
        result = Result(ResultCode.COMPARE_FALSE)
    else:
        raise Refused(ResultCode.NO_SUCH_ATTRIBUTE, f"the entry has no {request.attribute}")
    connection.count("compare", result)
    return wrap(message_id, encode_operation(CompareResponse(result)))


def _check_value(request: CompareRequest) -> None:
    key = attribute_key(request.attribute)
    attribute = schema.ATTRIBUTE_TYPES.get(key)
    if attribute is None:
        raise Refused(ResultCode.UNDEFINED_ATTRIBUTE_TYPE, f"there is no attribute type {request.attribute!r}")
    if attribute.equality is None:
        raise Refused(ResultCode.INAPPROPRIATE_MATCHING, f"values of {request.attribute} cannot be compared")
    if matching_rules.equality_key(key, request.value) is None:
        raise Refused(ResultCode.INVALID_ATTRIBUTE_SYNTAX, f"the value is not one of {request.attribute}")
