"""Compare (RFC 4511 §4.10)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.directory.indexing import attribute_key
from gateway.frontends.ldap import virtual
from gateway.frontends.ldap.results import Refused
from gateway.model import matching, schema
from gateway.model.dn import DN
from gateway.wire.encoder import encode_operation, wrap
from gateway.wire.messages import CompareRequest, CompareResponse, Control, Result
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection


def handle(connection: "LDAPConnection", message_id: int, request: CompareRequest, _controls: dict[str, Control]) -> bytes:
    """compareTrue or compareFalse. Raises Refused for an attribute that is unknown, absent or not readable."""
    key = attribute_key(request.attribute)
    if key not in schema.ATTRIBUTE_TYPES:
        raise Refused(ResultCode.UNDEFINED_ATTRIBUTE_TYPE, f"there is no attribute type {request.attribute!r}")
    values = _values(connection, DN.parse(request.object_name), key)
    if not values:
        raise Refused(ResultCode.NO_SUCH_ATTRIBUTE, f"the entry has no {request.attribute}")
    asserted = matching.equality_key(key, request.value)
    if asserted is None:
        raise Refused(ResultCode.INVALID_ATTRIBUTE_SYNTAX, f"the value is not one of {request.attribute}")
    equal = any(matching.equality_key(key, value) == asserted for value in values)
    result = Result(ResultCode.COMPARE_TRUE if equal else ResultCode.COMPARE_FALSE)
    connection.count("compare", result)
    return wrap(message_id, encode_operation(CompareResponse(result)))


def _values(connection: "LDAPConnection", name: DN, key: str) -> Sequence[bytes]:
    if not name.rdns or name.key == virtual.SUBSCHEMA_KEY:
        return connection.virtual_entry(name).values.get(key, ())
    directory, party = connection.services.directory, connection.party
    view = directory.view_of(party, name.key)
    if view is None:
        if party.is_anonymous:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, "anonymous may not compare; bind first")
        raise Refused(ResultCode.NO_SUCH_OBJECT)
    searcher = directory.searcher(view.name, party.access)
    return searcher.values(searcher.find(name.key), key) or ()
