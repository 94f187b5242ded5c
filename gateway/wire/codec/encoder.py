"""The encoder, LDAPMessage → octets: one writer for each operation, found by its type; the ASN.1 is in gateway.wire.messages.

Numbers are written as given: the caller who builds a value is trusted to stay within RFC 4511.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final

from gateway.wire import ber
from gateway.wire.filters.ber import encode_filter
from gateway.wire.messages import (
    AbandonRequest,
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
    IntermediateResponse,
    LDAPMessage,
    ModifyDNRequest,
    ModifyDNResponse,
    ModifyRequest,
    ModifyResponse,
    Operation,
    PartialAttribute,
    Result,
    SaslAuthentication,
    SearchRequest,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    UnbindRequest,
)

_CONTROLS: Final = 0xA0
_VERSION_3: Final = ber.integer(3)
_SHORT_HEADS = tuple(bytes((ber.SEQUENCE, n)) for n in range(0x80))
# SEQUENCE with two octets of length, and an INTEGER of one, two, three or four octets.
_HEAD_AND_SHORT_ID = Struct(">HHBH").pack
_HEAD_AND_MEDIUM_ID = Struct(">HHHH").pack
_HEAD_AND_LONG_ID = Struct(">HHBI").pack
_HEAD_AND_LONGEST_ID = Struct(">HHHI").pack


def encode_message(message: LDAPMessage) -> bytes:
    """The whole message. Raises ValueError for text that no encoding holds (a lone surrogate)."""
    return wrap(message.message_id, encode_operation(message.operation), encode_controls(message.controls))


def encode_operation(operation: Operation) -> bytes:
    """The protocolOp alone, ready for wrap."""
    return _WRITERS[type(operation)](operation)


def simple_bind(name: str, password: bytes) -> bytes:
    """The protocolOp of a simple bind, LDAP version 3: the same as encode_operation, for callers that send many."""
    return ber.tlv(0x60, _VERSION_3, _text(name), ber.octets(password, 0x80))


def wrap(message_id: int, operation: bytes, controls: bytes = b"") -> bytes:
    """The LDAPMessage around an encoded protocolOp and encoded controls (encode_controls); neither is inspected."""
    size = len(operation) + len(controls)
    if 0x100 <= size < 0xFF00:  # nearly every entry: two octets of length, so that the whole head is packed at once
        if message_id < 0x80:
            head = _HEAD_AND_SHORT_ID(0x3082, size + 3, 0x02, 0x0100 | message_id)
        elif message_id < 0x8000:
            head = _HEAD_AND_MEDIUM_ID(0x3082, size + 4, 0x0202, message_id)
        elif message_id < 0x800000:
            head = _HEAD_AND_LONG_ID(0x3082, size + 5, 0x02, 0x03000000 | message_id)
        else:
            head = _HEAD_AND_LONGEST_ID(0x3082, size + 6, 0x0204, message_id)
    else:
        encoded_id = ber.integer(message_id)
        size += len(encoded_id)
        head = (_SHORT_HEADS[size] if size < 0x80 else b"\x30" + ber.length(size)) + encoded_id
    return head + operation + controls if controls else head + operation


class MessageHeads(dict[int, bytes]):
    """The octets before an encoded protocolOp by its size, for the messages with one ID; made once for each size, for the many
    answers to one request."""

    def __init__(self, message_id: int) -> None:
        super().__init__()
        self._message_id = ber.integer(message_id)

    def __missing__(self, size: int) -> bytes:
        whole = size + len(self._message_id)
        head = self[size] = (_SHORT_HEADS[whole] if whole < 0x80 else b"\x30" + ber.length(whole)) + self._message_id
        return head

    def wrap_all(self, operations: Sequence[bytes]) -> bytes:
        """The messages, one after the other. The same octets as `wrap` for each."""
        return b"".join([piece for operation in operations for piece in (self[len(operation)], operation)])


def encode_controls(controls: tuple[Control, ...]) -> bytes:
    """[0] Controls, or nothing for none."""
    if not controls:
        return b""
    return ber.tlv(_CONTROLS, *map(_control, controls))


def _control(control: Control) -> bytes:
    return ber.tlv(
        ber.SEQUENCE,
        _text(control.control_type),
        ber.boolean(True) if control.criticality else b"",
        b"" if control.value is None else ber.octets(control.value),
    )


def _text(text: str, tag: int = ber.OCTET_STRING) -> bytes:
    """An LDAPString; octets that were decoded as surrogates are encoded to the same octets (see gateway.wire.messages)."""
    return ber.octets(text.encode("utf-8", "surrogateescape"), tag)


def _result(result: Result) -> bytes:
    """COMPONENTS OF LDAPResult."""
    referral = ber.tlv(0xA3, *map(_text, result.referrals)) if result.referrals else b""
    return ber.enumerated(result.code) + _text(result.matched_dn) + _text(result.diagnostic_message) + referral


def _attribute(attribute: PartialAttribute) -> bytes:
    return ber.tlv(ber.SEQUENCE, _text(attribute.type), ber.tlv(ber.SET, *map(ber.octets, attribute.values)))


def _optional(value: bytes | None, tag: int) -> bytes:
    return b"" if value is None else ber.octets(value, tag)


def _optional_text(value: str | None, tag: int) -> bytes:
    return b"" if value is None else _text(value, tag)


def _plain(tag: int) -> Callable[[SearchResultDone], bytes]:
    """The writer of a response that is an LDAPResult and nothing more."""
    return lambda response: ber.tlv(tag, _result(response.result))


def _bind_request(request: BindRequest) -> bytes:
    choice = request.authentication
    if isinstance(choice, SaslAuthentication):
        authentication = ber.tlv(0xA3, _text(choice.mechanism), _optional(choice.credentials, ber.OCTET_STRING))
    else:
        authentication = ber.octets(choice.password, 0x80)
    return ber.tlv(0x60, ber.integer(request.version), _text(request.name), authentication)


def _search_request(request: SearchRequest) -> bytes:
    return ber.tlv(
        0x63,
        _text(request.base_object),
        ber.enumerated(request.scope),
        ber.enumerated(request.deref_aliases),
        ber.integer(request.size_limit),
        ber.integer(request.time_limit),
        ber.boolean(request.types_only),
        encode_filter(request.filter),
        ber.tlv(ber.SEQUENCE, *map(_text, request.attributes)),
    )


def _entry(entry: SearchResultEntry) -> bytes:
    return ber.tlv(0x64, _text(entry.object_name), ber.tlv(ber.SEQUENCE, *map(_attribute, entry.attributes)))


def _modify_request(request: ModifyRequest) -> bytes:
    changes = [ber.tlv(ber.SEQUENCE, ber.enumerated(c.operation), _attribute(c.attribute)) for c in request.changes]
    return ber.tlv(0x66, _text(request.object_name), ber.tlv(ber.SEQUENCE, *changes))


def _add_request(request: AddRequest) -> bytes:
    return ber.tlv(0x68, _text(request.object_name), ber.tlv(ber.SEQUENCE, *map(_attribute, request.attributes)))


def _modify_dn_request(request: ModifyDNRequest) -> bytes:
    return ber.tlv(
        0x6C,
        _text(request.object_name),
        _text(request.new_rdn),
        ber.boolean(request.delete_old_rdn),
        _optional_text(request.new_superior, 0x80),
    )


def _compare_request(request: CompareRequest) -> bytes:
    assertion = ber.tlv(ber.SEQUENCE, _text(request.attribute), ber.octets(request.value))
    return ber.tlv(0x6E, _text(request.object_name), assertion)


def _extended_response(response: ExtendedResponse) -> bytes:
    return ber.tlv(0x78, _result(response.result), _optional_text(response.name, 0x8A), _optional(response.value, 0x8B))


# Any arguments, because each writer takes its own operation: the key is the type of what the writer takes.
_WRITERS: dict[type, Callable[..., bytes]] = {
    BindRequest: _bind_request,
    BindResponse: lambda response: ber.tlv(0x61, _result(response.result), _optional(response.server_sasl_credentials, 0x87)),
    UnbindRequest: lambda _: ber.octets(b"", 0x42),
    SearchRequest: _search_request,
    SearchResultEntry: _entry,
    SearchResultReference: lambda response: ber.tlv(0x73, *map(_text, response.uris)),
    SearchResultDone: _plain(0x65),
    ModifyRequest: _modify_request,
    ModifyResponse: _plain(0x67),
    AddRequest: _add_request,
    AddResponse: _plain(0x69),
    DelRequest: lambda request: _text(request.object_name, 0x4A),
    DelResponse: _plain(0x6B),
    ModifyDNRequest: _modify_dn_request,
    ModifyDNResponse: _plain(0x6D),
    CompareRequest: _compare_request,
    CompareResponse: _plain(0x6F),
    AbandonRequest: lambda request: ber.integer(request.message_id, 0x50),
    ExtendedRequest: lambda request: ber.tlv(0x77, _text(request.name, 0x80), _optional(request.value, 0x81)),
    ExtendedResponse: _extended_response,
    IntermediateResponse: lambda r: ber.tlv(0x79, _optional_text(r.name, 0x80), _optional(r.value, 0x81)),
}
