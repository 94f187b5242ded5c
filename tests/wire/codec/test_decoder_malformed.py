"""Wrong octets raise WireError with the message ID, if that much could be read: then a server can answer."""

import pytest

from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.errors import WireError

# What is wrong, the octets of an LDAPMessage, a part of the reason, and the message ID that is known.
WRONG: list[tuple[str, str, int | None]] = [
    ("", "missing", None),
    ("30", "cut off", None),
    ("3000", "missing", None),
    ("31050201014200", "0x30 was expected", None),
    ("300502010142", "longer than what contains it", None),
    ("30050201014200ff", "octets follow", None),
    ("3080020101420000 00", "indefinite", None),
    ("3089000000000000000000", "over 64 bits", None),
    ("30050401014200", "0x02 was expected", None),
    ("30040200 4200", "one to eight octets", None),
    ("300d0209000000000000000001 4200", "one to eight octets", None),
    ("30050201ff4200", "must be 0 to 2147483647", None),
    ("300902050080000000 4200", "must be 0 to 2147483647", None),
    ("3003020101", "missing", 1),
    ("30050201077f00", "no operation has the tag 0x7f", 7),
    ("3005020107 6200", "no operation has the tag 0x62", 7),  # sansldap writes Unbind as constructed; RFC 4511 has NULL
    ("3006020107 420100", "no content", 7),
    ("3006020107 5001ff", "a message ID must be", 7),
    ("300c020107 6007 020100 0400 8000", "an integer must be 1 to 127", 7),
    ("300c020107 6007 020103 0400 8900", "no authentication choice has the tag 0x89", 7),
    ("300c020107 6507 0a0100 0400 0500", "0x04 was expected", 7),
    ("3005020107 7300", "at least one URI", 7),
    ("3007020107 4a02 c328", "not UTF-8", 7),
    ("300d020107 6c08 0400 0400 0102 0101", "one octet", 7),
]


@pytest.mark.parametrize(("octets", "reason", "message_id"), WRONG, ids=[octets for octets, _, _ in WRONG])
def test_it_is_a_wire_error(octets: str, reason: str, message_id: int | None) -> None:
    with pytest.raises(WireError, match=reason) as caught:
        decode_message(bytes.fromhex(octets))
    assert caught.value.message_id == message_id


# A wrong filter in an otherwise good search request, and a part of the reason.
WRONG_FILTERS: list[tuple[str, str]] = [
    ("8a00", "no filter has the tag 0x8a"),
    ("3000", "no filter has the tag 0x30"),
    ("a200", "missing"),
    ("a204 87008700", "exactly one filter"),
    ("a002 8701", "longer than what contains it"),
    ("a302 0400", "missing"),
    ("a304 0400 0500", "0x04 was expected"),
    ("a404 0400 3000", "at least one substring"),
    ("a408 0400 3004 8200 8100", "nothing may follow a final substring"),
    ("a408 0400 3004 8100 8000", "an initial one in first place"),
    ("a408 0400 3004 8000 8000", "an initial one in first place"),
    ("a406 0400 3002 8300", "an initial one in first place"),
    ("a902 8300", "needs a value, and a matching rule"),
    ("a902 8100", "needs a value, and a matching rule"),
    ("a906 8100 8300 8400", "one octet"),
    ("8702 c328", "not UTF-8"),
]


@pytest.mark.parametrize(("octets", "reason"), WRONG_FILTERS)
def test_a_wrong_filter_spoils_its_own_request_only(octets: str, reason: str) -> None:
    head = ber.octets(b"") + ber.enumerated(0) * 2 + ber.integer(0) * 2 + ber.boolean(False)
    request = ber.tlv(0x63, head, bytes.fromhex(octets), ber.tlv(ber.SEQUENCE))
    with pytest.raises(WireError, match=reason) as caught:
        decode_message(ber.tlv(ber.SEQUENCE, ber.integer(5), request))
    assert caught.value.message_id == 5


@pytest.mark.parametrize("size", range(1, 39))
def test_a_message_that_is_cut_off_anywhere_is_an_error(size: int) -> None:
    whole = bytes.fromhex("3028020102632304000a01000a0100020100020100010100870b6f626a656374636c617373300304012b")
    content = whole[2 : 2 + size]
    with pytest.raises(WireError):
        decode_message(whole[: 2 + size])
    with pytest.raises(WireError):
        decode_message(ber.tlv(ber.SEQUENCE, content))


def test_an_error_never_quotes_the_octets() -> None:
    bind = ber.tlv(0x60, ber.integer(3), ber.octets(b"cn=x"), ber.octets(b"hunter2", 0x9F))
    with pytest.raises(WireError) as caught:
        decode_message(ber.tlv(ber.SEQUENCE, ber.integer(5), bind))
    assert "hunter2" not in repr(caught.value) + str(caught.value) + repr(caught.value.__context__)
