"""The same BER with every length in five octets (0x84 …), as Windows sends it: another spelling of the same message."""

from gateway.wire import ber

_CONSTRUCTED = 0x20


def widen(data: bytes) -> bytes:
    """Each element of `data`, and each within the constructed ones, with a four-octet long-form length."""
    parts = []
    pos = 0
    while pos < len(data):
        tag, start, pos = ber.read_header(data, pos, len(data))
        content = widen(data[start:pos]) if tag & _CONSTRUCTED else data[start:pos]
        parts.append(bytes((tag, 0x84)) + len(content).to_bytes(4, "big") + content)
    return b"".join(parts)
