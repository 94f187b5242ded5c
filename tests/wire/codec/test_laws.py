"""Laws of the codec: what is written is read again as it was, however the lengths are spelled."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import MessageHeads, encode_controls, encode_message, encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.filters import Filter, decode_filter, encode_filter, parse, to_text
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    AddRequest,
    BindRequest,
    CompareRequest,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    LDAPMessage,
    PartialAttribute,
    Result,
    SaslAuthentication,
    SearchResultDone,
    SearchResultEntry,
    SimpleAuthentication,
)
from tests.wire import strategies
from tests.wire.long_lengths import widen
from tests.wire.strategies import brief, thorough


@thorough
@given(strategies.messages)
def test_a_message_is_read_as_it_was_written(message: LDAPMessage) -> None:
    assert decode_message(encode_message(message)) == message


@pytest.mark.parametrize("size", [0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0x100_0000])
def test_a_value_of_any_size_is_read_as_it_was_written(size: int) -> None:
    limits = Limits(max_message_bytes=0x200_0000)
    message = LDAPMessage(1, SearchResultEntry("cn=photo", (PartialAttribute("jpegPhoto", (bytes(size),)),)))
    assert decode_message(encode_message(message), limits) == message


@brief
@given(strategies.messages)
def test_the_spelling_of_lengths_makes_no_difference(message: LDAPMessage) -> None:
    assert decode_message(widen(encode_message(message))) == message


@thorough
@given(strategies.filters)
def test_a_filter_is_read_as_it_was_written(filter: Filter) -> None:
    encoded = encode_filter(filter)
    assert decode_filter(b"\0" + encoded + b"\0", 1, 1 + len(encoded)) == (filter, 1 + len(encoded))


@thorough
@given(strategies.filters)
def test_a_filter_is_parsed_as_it_was_printed(filter: Filter) -> None:
    text = to_text(filter)
    assert text.isprintable()
    assert parse(text) == filter


@brief
@given(strategies.messages)
def test_an_operation_can_be_wrapped_for_any_message(message: LDAPMessage) -> None:
    operation = encode_operation(message.operation)
    assert wrap(message.message_id, operation, encode_controls(message.controls)) == encode_message(message)


@given(st.sampled_from([0, 1, 127, 128, 255, 256, 32767, 32768, 8388607, 8388608, 2**31 - 1]), st.data())
@brief
def test_wrap_writes_the_shortest_lengths_at_every_size(message_id: int, data: st.DataObject) -> None:
    boundaries = [edge + nudge for edge in (0x80, 0x100, 0xFF00, 0x10000) for nudge in range(-8, 8)]
    operation = ber.octets(bytes(data.draw(st.sampled_from(boundaries)) - 4), 0x4A)
    assert wrap(message_id, operation) == ber.tlv(0x30, ber.integer(message_id), operation)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_written_in_their_shortest_form(number: int) -> None:
    encoded = ber.integer(number)
    assert ber.read_integer(encoded, 2, len(encoded)) == number
    assert len(encoded) == 3 or (encoded[2] not in (0, 0xFF)) or (encoded[2] ^ encoded[3]) & 0x80


@given(st.integers(0, 2**31 - 1), st.integers(0, 3))
def test_padded_integers_are_read(number: int, padding: int) -> None:
    content = bytes(padding) + ber.integer(number)[2:]
    assert ber.read_integer(content, 0, len(content)) == number


def test_any_octet_but_zero_is_true() -> None:
    assert [ber.read_boolean(bytes((octet,)), 0, 1) for octet in range(256)] == [False] + [True] * 255


def test_unknown_components_are_ignored() -> None:
    message = LDAPMessage(7, ExtendedRequest("1.2.3", b"value"), (Control("1.2"),))
    operation = ber.tlv(0x77, ber.octets(b"1.2.3", 0x80), ber.octets(b"value", 0x81), ber.octets(b"?", 0x82))
    control = ber.tlv(0xA0, ber.tlv(0x30, ber.octets(b"1.2"), ber.octets(b"?", 0x85)))
    assert decode_message(ber.tlv(0x30, ber.integer(7), operation, ber.octets(b"?", 0x8A), control)) == message


def test_text_of_a_foreign_server_that_is_no_utf8_comes_out_as_it_went_in() -> None:
    data = bytes.fromhex("300f020101 650a 0a0120 0402 6fe9 0401 ff")
    message = decode_message(data)
    assert message.operation == SearchResultDone(Result(32, "o\udce9", "\udcff"))
    assert encode_message(message) == data


def test_text_of_a_client_that_is_no_utf8_is_an_error() -> None:
    with pytest.raises(WireError, match="not UTF-8") as caught:
        decode_message(bytes.fromhex("3008020105 4a03 6fe92c"))
    assert caught.value.message_id == 5


@pytest.mark.parametrize(
    "value",
    [
        BindRequest(3, "", SimpleAuthentication(b"hidden")),
        BindRequest(3, "", SaslAuthentication("PLAIN", b"hidden")),
        CompareRequest("", "userPassword", b"hidden"),
        AddRequest("", (PartialAttribute("userPassword", (b"hidden",)),)),
        ExtendedRequest("1.3.6.1.4.1.4203.1.11.1", b"hidden"),
        ExtendedResponse(Result(0), None, b"hidden"),
        Control("1.2.3", True, b"hidden"),
    ],
)
def test_a_secret_never_prints(value: object) -> None:
    assert not re.search("hidden", repr(value) + str(value))


@given(strategies.message_ids, st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 0x10100).map(bytes)), max_size=5))
def test_many_answers_are_wrapped_as_each_alone(message_id: int, operations: list[bytes]) -> None:
    assert MessageHeads(message_id).wrap_all(operations) == b"".join(wrap(message_id, operation) for operation in operations)
