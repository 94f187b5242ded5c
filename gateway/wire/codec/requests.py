"""The content of each request, read by index into its value; the ASN.1 is in gateway.wire.messages. Strings must be UTF-8.

Readers take (data, start, stop, limits) of the content and are found through READERS by the tag of the protocolOp.
"""

from collections.abc import Callable

from gateway.wire import ber
from gateway.wire.errors import LimitExceeded, WireError
from gateway.wire.filters.ber import decode_filter
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    AbandonRequest,
    AddRequest,
    BindRequest,
    CompareRequest,
    DelRequest,
    ExtendedRequest,
    Modification,
    ModifyDNRequest,
    ModifyRequest,
    PartialAttribute,
    Request,
    SaslAuthentication,
    SearchRequest,
    SimpleAuthentication,
    UnbindRequest,
)

_SIMPLE, _SASL = 0x80, 0xA3
_NEW_SUPERIOR = 0x80
_REQUEST_NAME, _REQUEST_VALUE = 0x80, 0x81


def _take_name(data: bytes, pos: int, end: int, limits: Limits, tag: int = ber.OCTET_STRING) -> tuple[str, int]:
    """The DN or bind name at `pos`, and where the next element begins."""
    name, stop = ber.take_text(data, pos, end, tag)
    _check_name(pos, stop, limits, name)
    return name, stop


def _check_name(start: int, stop: int, limits: Limits, name: str) -> None:
    if stop - start > limits.max_name_bytes and len(name.encode()) > limits.max_name_bytes:
        raise LimitExceeded(f"a name is longer than {limits.max_name_bytes} octets", start)


def read_search(data: bytes, pos: int, end: int, limits: Limits) -> SearchRequest:
    base_object, pos = _take_name(data, pos, end, limits)
    scope, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
    deref_aliases, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
    size_limit, pos = ber.take_integer(data, pos, end)
    time_limit, pos = ber.take_integer(data, pos, end)
    types_only, pos = ber.take_boolean(data, pos, end)
    filter, pos = decode_filter(data, pos, end, limits)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    if stop != end:
        ber.skip_unknown(data, stop, end)
    attributes = _read_selection(data, pos, stop, limits) if pos != stop else ()
    return SearchRequest(base_object, scope, deref_aliases, size_limit, time_limit, types_only, filter, attributes)


def _read_selection(data: bytes, pos: int, end: int, limits: Limits) -> tuple[str, ...]:
    attributes = []
    while pos < end:
        attribute, pos = ber.take_text(data, pos, end)
        attributes.append(attribute)
    if len(attributes) > limits.max_attributes:
        raise LimitExceeded("the request names too many attributes", pos)
    return tuple(attributes)


def read_bind(data: bytes, pos: int, end: int, limits: Limits) -> BindRequest:
    version, pos = ber.take_integer(data, pos, end, ber.INTEGER, 1, 127)
    name, pos = _take_name(data, pos, end, limits)
    tag, start, stop = ber.read_header(data, pos, end)
    ber.skip_unknown(data, stop, end)
    if tag == _SIMPLE:
        return BindRequest(version, name, SimpleAuthentication(data[start:stop]))
    if tag != _SASL:
        raise WireError(f"no authentication choice has the tag 0x{tag:02x}", pos)
    mechanism, pos = ber.take_text(data, start, stop)
    credentials: bytes | None = None
    if pos < stop and data[pos] == ber.OCTET_STRING:
        credentials, pos = ber.take_octets(data, pos, stop)
    ber.skip_unknown(data, pos, stop)
    return BindRequest(version, name, SaslAuthentication(mechanism, credentials))


def read_unbind(_data: bytes, pos: int, end: int, _limits: Limits) -> UnbindRequest:
    if pos != end:
        raise WireError("an unbind request has no content", pos)
    return UnbindRequest()


def read_modify(data: bytes, pos: int, end: int, limits: Limits) -> ModifyRequest:
    object_name, pos = _take_name(data, pos, end, limits)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    ber.skip_unknown(data, stop, end)
    changes: list[Modification] = []
    while pos < stop:
        if len(changes) == limits.max_attributes:
            raise LimitExceeded("the request changes too many attributes", pos)
        pos, change_end = ber.expect(data, pos, stop, ber.SEQUENCE)
        operation, pos = ber.take_integer(data, pos, change_end, ber.ENUMERATED)
        attribute, pos = _take_attribute(data, pos, change_end)
        ber.skip_unknown(data, pos, change_end)
        changes.append(Modification(operation, attribute))
        pos = change_end
    return ModifyRequest(object_name, tuple(changes))


def read_add(data: bytes, pos: int, end: int, limits: Limits) -> AddRequest:
    object_name, pos = _take_name(data, pos, end, limits)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    ber.skip_unknown(data, stop, end)
    attributes: list[PartialAttribute] = []
    while pos < stop:
        if len(attributes) == limits.max_attributes:
            raise LimitExceeded("the request adds too many attributes", pos)
        attribute, pos = _take_attribute(data, pos, stop)
        attributes.append(attribute)
    return AddRequest(object_name, tuple(attributes))


def _take_attribute(data: bytes, pos: int, end: int) -> tuple[PartialAttribute, int]:
    """The PartialAttribute at `pos`, and where the next element begins."""
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    name, pos = ber.take_text(data, pos, stop)
    pos, set_end = ber.expect(data, pos, stop, ber.SET)
    ber.skip_unknown(data, set_end, stop)
    values = []
    while pos < set_end:
        value, pos = ber.take_octets(data, pos, set_end)
        values.append(value)
    return PartialAttribute(name, tuple(values)), stop


def read_delete(data: bytes, pos: int, end: int, limits: Limits) -> DelRequest:
    name = ber.read_text(data, pos, end)
    _check_name(pos, end, limits, name)
    return DelRequest(name)


def read_modify_dn(data: bytes, pos: int, end: int, limits: Limits) -> ModifyDNRequest:
    object_name, pos = _take_name(data, pos, end, limits)
    new_rdn, pos = _take_name(data, pos, end, limits)
    delete_old_rdn, pos = ber.take_boolean(data, pos, end)
    new_superior: str | None = None
    if pos < end and data[pos] == _NEW_SUPERIOR:
        new_superior, pos = _take_name(data, pos, end, limits, _NEW_SUPERIOR)
    ber.skip_unknown(data, pos, end)
    return ModifyDNRequest(object_name, new_rdn, delete_old_rdn, new_superior)


def read_compare(data: bytes, pos: int, end: int, limits: Limits) -> CompareRequest:
    object_name, pos = _take_name(data, pos, end, limits)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    ber.skip_unknown(data, stop, end)
    attribute, pos = ber.take_text(data, pos, stop)
    value, pos = ber.take_octets(data, pos, stop)
    if len(value) > limits.max_value_bytes:
        raise LimitExceeded(f"the asserted value is longer than {limits.max_value_bytes} octets", pos)
    ber.skip_unknown(data, pos, stop)
    return CompareRequest(object_name, attribute, value)


def read_abandon(data: bytes, pos: int, end: int, _limits: Limits) -> AbandonRequest:
    message_id = ber.read_integer(data, pos, end)
    if not 0 <= message_id <= ber.MAX_INT:
        raise WireError(f"a message ID must be 0 to {ber.MAX_INT}", pos)
    return AbandonRequest(message_id)


def read_extended(data: bytes, pos: int, end: int, _limits: Limits) -> ExtendedRequest:
    name, pos = ber.take_text(data, pos, end, _REQUEST_NAME)
    value: bytes | None = None
    if pos < end and data[pos] == _REQUEST_VALUE:
        value, pos = ber.take_octets(data, pos, end, _REQUEST_VALUE)
    ber.skip_unknown(data, pos, end)
    return ExtendedRequest(name, value)


READERS: dict[int, Callable[[bytes, int, int, Limits], Request]] = {
    0x60: read_bind,
    0x42: read_unbind,
    0x63: read_search,
    0x66: read_modify,
    0x68: read_add,
    0x4A: read_delete,
    0x6C: read_modify_dn,
    0x6E: read_compare,
    0x50: read_abandon,
    0x77: read_extended,
}
