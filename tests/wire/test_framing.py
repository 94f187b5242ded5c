"""A stream is cut into the same messages wherever the network cuts it, within bounded memory and linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ber
from gateway.wire.codec.encoder import encode_message
from gateway.wire.errors import MessageTooLarge, WireError
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import LDAPMessage, UnbindRequest
from tests.wire import strategies
from tests.wire.long_lengths import widen
from tests.wire.strategies import brief

UNBIND = encode_message(LDAPMessage(1, UnbindRequest()))
LARGE = ber.tlv(ber.SEQUENCE, bytes(3_000_000))


@brief
@given(st.lists(strategies.messages, max_size=5), st.booleans(), st.data())
def test_messages_come_out_as_they_went_in_wherever_the_stream_is_cut(
    messages: list[LDAPMessage], wide: bool, data: st.DataObject
) -> None:
    encoded = [widen(encode_message(message)) if wide else encode_message(message) for message in messages]
    stream = b"".join(encoded)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framer = Framer()
    found = [m for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True) for m in framer.feed(stream[start:stop])]
    assert found == encoded
    assert framer.pending == 0


def test_one_octet_at_a_time_is_enough() -> None:
    framer = Framer()
    stream = UNBIND + widen(UNBIND) + UNBIND
    assert [m for octet in stream for m in framer.feed(bytes((octet,)))] == [UNBIND, widen(UNBIND), UNBIND]


def test_a_message_that_fills_the_piece_is_not_copied() -> None:
    assert Framer().feed(LARGE)[0] is LARGE


def test_nothing_in_nothing_out() -> None:
    assert Framer().feed(b"") == []


def test_pending_counts_the_octets_of_an_unfinished_message() -> None:
    framer = Framer()
    assert framer.feed(UNBIND + UNBIND[:3]) == [UNBIND]
    assert framer.pending == 3
    assert framer.feed(UNBIND[3:]) == [UNBIND]
    assert framer.pending == 0


def test_a_message_without_content_is_a_message() -> None:
    framer = Framer()
    assert framer.feed(b"\x30\x84\x00\x00") == []
    assert framer.feed(b"\x00\x00\x30\x00") == [b"\x30\x84\x00\x00\x00\x00", b"\x30\x00"]


@pytest.mark.timeout(20)
def test_a_large_message_in_small_pieces_costs_linear_time() -> None:
    """100,000 pieces: some 50 ms. Were they joined, or the message looked through, for each of them, it would be minutes."""
    framer = Framer()
    large = ber.tlv(ber.SEQUENCE, bytes(10_000_000))
    found = [m for start in range(0, len(large), 100) for m in framer.feed(large[start : start + 100])]
    assert found == [large]


def test_a_length_over_the_limit_is_refused_before_its_content_comes() -> None:
    framer = Framer(Limits(max_message_bytes=1000))
    assert framer.feed(ber.tlv(ber.SEQUENCE, bytes(996)))  # 1,000 octets with its header
    with pytest.raises(MessageTooLarge, match="too large"):
        framer.feed(b"\x30\x82\x03\xe5")
    assert framer.pending == 0


def test_a_length_over_the_limit_is_refused_however_its_header_is_cut() -> None:
    framer = Framer()
    header = b"\x30\x88" + bytes(4) + b"\x7f\xff\xff"
    assert [framer.feed(bytes((octet,))) for octet in header] == [[]] * len(header)
    with pytest.raises(MessageTooLarge):
        framer.feed(b"\xff")


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "begins with 0x30"),
        (b"\x16\x03\x01\x02\x00", "begins with 0x30"),  # a TLS hello on a plain port
        (b"\x30\x80\x02\x01", "indefinite"),
        (b"\x30\x89" + bytes(20), "over 64 bits"),
        (b"\x30\xff", "over 64 bits"),
    ],
)
def test_a_stream_that_is_not_ldap_is_refused_at_once(stream: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        Framer().feed(stream)
    with pytest.raises(WireError, match=reason):
        Framer().feed(UNBIND + stream)
