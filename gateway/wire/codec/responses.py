"""The content of each response, read by index into its value; the ASN.1 is in gateway.wire.messages.

Text that foreign servers send is kept octet for octet, with "surrogateescape", whatever its encoding.
"""

from collections.abc import Callable

from gateway.wire import ber
from gateway.wire.errors import WireError
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    AddResponse,
    BindResponse,
    CompareResponse,
    DelResponse,
    ExtendedResponse,
    IntermediateResponse,
    ModifyDNResponse,
    ModifyResponse,
    PartialAttribute,
    Response,
    Result,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
)

_REFERRAL, _SERVER_SASL_CREDENTIALS = 0xA3, 0x87
_RESPONSE_NAME, _RESPONSE_VALUE = 0x8A, 0x8B
_INTERMEDIATE_NAME, _INTERMEDIATE_VALUE = 0x80, 0x81

_Plain = (
    type[SearchResultDone]
    | type[ModifyResponse]
    | type[AddResponse]
    | type[DelResponse]
    | type[ModifyDNResponse]
    | type[CompareResponse]
)


def lenient_text(octets: bytes) -> str:
    """The text of a foreign server: UTF-8, or octets that encode to the same octets again."""
    return octets.decode("utf-8", "surrogateescape")


def read_result(data: bytes, pos: int, end: int) -> tuple[Result, int]:
    """The COMPONENTS OF LDAPResult at `pos`, and the position after them."""
    code, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
    matched_dn, pos = ber.take_octets(data, pos, end)
    message, pos = ber.take_octets(data, pos, end)
    referrals: tuple[str, ...] = ()
    if pos < end and data[pos] == _REFERRAL:
        start, pos = ber.expect(data, pos, end, _REFERRAL)
        referrals = _read_uris(data, start, pos)
    return Result(code, lenient_text(matched_dn), lenient_text(message), referrals), pos


def _read_uris(data: bytes, pos: int, end: int) -> tuple[str, ...]:
    uris = []
    while pos < end:
        uri, pos = ber.take_octets(data, pos, end)
        uris.append(lenient_text(uri))
    return tuple(uris)


def _plain(shape: _Plain) -> Callable[[bytes, int, int, Limits], Response]:
    """The reader of a response that is an LDAPResult and nothing more."""

    def read(data: bytes, pos: int, end: int, _limits: Limits) -> Response:
        result, pos = read_result(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return shape(result)

    return read


def read_bind(data: bytes, pos: int, end: int, _limits: Limits) -> BindResponse:
    result, pos = read_result(data, pos, end)
    credentials: bytes | None = None
    if pos < end and data[pos] == _SERVER_SASL_CREDENTIALS:
        credentials, pos = ber.take_octets(data, pos, end, _SERVER_SASL_CREDENTIALS)
    ber.skip_unknown(data, pos, end)
    return BindResponse(result, credentials)


def read_entry(data: bytes, pos: int, end: int, _limits: Limits) -> SearchResultEntry:
    object_name, pos = ber.take_octets(data, pos, end)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    ber.skip_unknown(data, stop, end)
    attributes = []
    while pos < stop:
        pos, attribute_end = ber.expect(data, pos, stop, ber.SEQUENCE)
        attributes.append(_read_attribute(data, pos, attribute_end))
        pos = attribute_end
    return SearchResultEntry(lenient_text(object_name), tuple(attributes))


def _read_attribute(data: bytes, pos: int, end: int) -> PartialAttribute:
    name, pos = ber.take_octets(data, pos, end)
    pos, stop = ber.expect(data, pos, end, ber.SET)
    ber.skip_unknown(data, stop, end)
    values = []
    while pos < stop:
        value, pos = ber.take_octets(data, pos, stop)
        values.append(value)
    return PartialAttribute(lenient_text(name), tuple(values))


def read_reference(data: bytes, pos: int, end: int, _limits: Limits) -> SearchResultReference:
    uris = _read_uris(data, pos, end)
    if not uris:
        raise WireError("a search result reference needs at least one URI", pos)
    return SearchResultReference(uris)


def read_extended(data: bytes, pos: int, end: int, _limits: Limits) -> ExtendedResponse:
    result, pos = read_result(data, pos, end)
    name, value = _read_name_and_value(data, pos, end, _RESPONSE_NAME, _RESPONSE_VALUE)
    return ExtendedResponse(result, name, value)


def read_intermediate(data: bytes, pos: int, end: int, _limits: Limits) -> IntermediateResponse:
    name, value = _read_name_and_value(data, pos, end, _INTERMEDIATE_NAME, _INTERMEDIATE_VALUE)
    return IntermediateResponse(name, value)


def _read_name_and_value(data: bytes, pos: int, end: int, name_tag: int, value_tag: int) -> tuple[str | None, bytes | None]:
    name: str | None = None
    value: bytes | None = None
    if pos < end and data[pos] == name_tag:
        octets, pos = ber.take_octets(data, pos, end, name_tag)
        name = lenient_text(octets)
    if pos < end and data[pos] == value_tag:
        value, pos = ber.take_octets(data, pos, end, value_tag)
    ber.skip_unknown(data, pos, end)
    return name, value


READERS: dict[int, Callable[[bytes, int, int, Limits], Response]] = {
    0x61: read_bind,
    0x64: read_entry,
    0x65: _plain(SearchResultDone),
    0x67: _plain(ModifyResponse),
    0x69: _plain(AddResponse),
    0x6B: _plain(DelResponse),
    0x6D: _plain(ModifyDNResponse),
    0x6F: _plain(CompareResponse),
    0x73: read_reference,
    0x78: read_extended,
    0x79: read_intermediate,
}
