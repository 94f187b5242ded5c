"""The header of the PROXY protocol: every form that the specification has, every form that is none, and never an octet too
many."""

import ipaddress
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.twisted_internals.proxy_header import (
    MAX_V1_BYTES,
    MAX_V2_BYTES,
    MalformedHeader,
    client_address,
    missing_bytes,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(client: str, port: int = 1234, *, command: int = 0x21, more: bytes = b"") -> bytes:
    """A header of version 2 for a client, with `more` behind the addresses."""
    host = ipaddress.ip_address(client)
    addresses = host.packed + ipaddress.ip_address("::1" if host.version == 6 else "127.0.0.1").packed
    body = addresses + struct.pack("!HH", port, 389) + more
    return SIGNATURE + bytes([command, 0x11 if host.version == 4 else 0x21]) + struct.pack("!H", len(body)) + body


def local(family: int = 0, body: bytes = b"", command: int = 0x20) -> bytes:
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


GOOD = {
    b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 389\r\n": ("192.0.2.7", 1234),
    b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": ("255.255.255.255", 65535),
    b"PROXY TCP6 2001:db8::7 ::1 1234 389\r\n": ("2001:db8::7", 1234),
    b"PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:0007 ::1 1 1\r\n": ("2001:db8::7", 1),
    b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1234 389\r\n": ("192.0.2.7", 1234),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n": None,
    v2("192.0.2.7"): ("192.0.2.7", 1234),
    v2("2001:db8::7"): ("2001:db8::7", 1234),
    v2("::ffff:192.0.2.7"): ("192.0.2.7", 1234),
    v2("192.0.2.7", more=b"\x04\x00\x08padding!"): ("192.0.2.7", 1234),
    v2("192.0.2.7", more=bytes(MAX_V2_BYTES - 28)): ("192.0.2.7", 1234),
    local(): None,
    local(0x11, bytes(12)): None,
    local(0x31, b"/run/socket".ljust(216, b"\0"), 0x21): None,
    local(0x00, b"", 0x21): None,
}

BAD = [
    b"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\0\x80\0",  # a bind
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/1.1\r\n",
    b"PROXY\r\n",
    b"PROXY  TCP4 192.0.2.7 127.0.0.1 1234 389\r\n",
    b"PROXY TCP5 192.0.2.7 127.0.0.1 1234 389\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 1234\r\n",
    b"PROXY TCP4 192.0.2.700 127.0.0.1 1234 389\r\n",
    b"PROXY TCP4 localhost 127.0.0.1 1234 389\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 -1 389\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 65536 389\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 http 389\r\n",
    b"PROXY TCP4 2001:db8::7 ::1 1234 389\r\n",
    b"PROXY TCP6 192.0.2.7 127.0.0.1 1234 389\r\n",
    b"PROXY TCP6 fe80::7%eth0 ::1 1234 389\r\n",
    b"PROXY TCP4 \xff\xfe 127.0.0.1 1234 389\r\n",
    b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 389\n",
    b"PROXY UNKNOWN" + b" " * MAX_V1_BYTES + b"\r\n",
    SIGNATURE + b"\x11\x11\0\x0c" + bytes(12),  # version 1 in the form of version 2
    SIGNATURE + b"\x22\x11\0\x0c" + bytes(12),  # no such command
    SIGNATURE + b"\x21\x51\0\x0c" + bytes(12),  # no such family
    SIGNATURE + b"\x21\x11\0\x04" + bytes(4),  # too short for its addresses
    v2("192.0.2.7", more=bytes(MAX_V2_BYTES - 27)),
    SIGNATURE + b"\x21\x11\xff\xff",
]


def read(stream: bytes, piece: int = 1 << 20) -> tuple[bytes, bytes]:
    """Read a header off a stream that comes in pieces of at most this size; the header, and what is left."""
    data = b""
    while missing := missing_bytes(data):
        taken = min(missing, piece)
        if not stream:
            raise MalformedHeader
        data, stream = data + stream[:taken], stream[taken:]
    return data, stream


@pytest.mark.parametrize("header", GOOD)
@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@pytest.mark.parametrize("behind", [b"", b"0", b"\x16\x03\x01", b"PROXY TCP4 203.0.113.9 127.0.0.1 1 1\r\n"])
def test_a_header_is_read_to_its_end_and_not_further(header: bytes, piece: int, behind: bytes) -> None:
    assert read(header + behind, piece) == (header, behind)
    found = client_address(header)
    assert (None if found is None else (found.host, found.port)) == GOOD[header]


@pytest.mark.parametrize("header", BAD)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_what_is_no_header_is_refused(header: bytes, piece: int) -> None:
    with pytest.raises(MalformedHeader):
        client_address(read(header, piece)[0])


@given(st.binary(max_size=300), st.sampled_from([b"", SIGNATURE, b"PROXY ", b"PROXY TCP4 ", SIGNATURE + b"\x21\x11"]))
def test_whatever_comes_is_a_header_or_refused(data: bytes, beginning: bytes) -> None:
    with suppress(MalformedHeader):
        client_address(read(beginning + data)[0])
