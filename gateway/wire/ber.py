"""BER as LDAP restricts it (RFC 4511 §5.1): definite lengths, primitive strings, one-octet tags. Nothing here knows LDAP.

Everything reads by index from one immutable `bytes`: `pos` is where an element begins, `end` is where its parent ends.
"""

from typing import Final

from gateway.wire.errors import WireError

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_INT: Final = 2**31 - 1  # maxInt of RFC 4511 §4.1.1

_MAX_LENGTH_OCTETS = 8  # Windows sends 0x84 with leading zeros; a 64-bit length is always enough
_MAX_INTEGER_OCTETS = 8  # every INTEGER of LDAP fits in 31 bits; room for padding, none for bignum arithmetic

# Identifier and length octets of the short strings that most of LDAP consists of.
SHORT_LENGTH: Final = tuple(bytes((n,)) for n in range(0x80))
SHORT_OCTETS: Final = tuple(bytes((OCTET_STRING, n)) for n in range(0x80))


def read_header(data: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """The element at `pos`: its tag, and where its content starts and stops. It must lie before `end`."""
    try:
        length = data[pos + 1]
    except IndexError:
        raise WireError("an element is missing" if pos >= end else "an element is cut off", pos) from None
    start = pos + 2
    if length > 0x7F:
        start, length = read_long_length(data, start, length)
    stop = start + length
    if stop > end:
        raise WireError("an element is missing" if pos >= end else "an element is longer than what contains it", pos)
    return data[pos], start, stop


def read_long_length(data: bytes, pos: int, first: int) -> tuple[int, int]:
    """A long-form length whose first octet was `first` (over 0x7F): where the content starts, and how long it is.

    Lengths need not be minimal: Windows, as client and as server, always sends four octets.
    """
    count = first & 0x7F
    if count == 0:
        raise WireError("indefinite lengths are not allowed in LDAP", pos - 1)
    start = pos + count
    if count > _MAX_LENGTH_OCTETS or start > len(data):
        raise WireError("a length is cut off or over 64 bits", pos - 1)
    return start, int.from_bytes(data[pos:start], "big")


def expect(data: bytes, pos: int, end: int, tag: int) -> tuple[int, int]:
    """The start and the stop of the content of the element at `pos`; the element must carry `tag`."""
    found, start, stop = read_header(data, pos, end)
    if found != tag:
        raise WireError(f"tag 0x{tag:02x} was expected, not 0x{found:02x}", pos)
    return start, stop


def read_integer(data: bytes, start: int, stop: int) -> int:
    """The content of an INTEGER or ENUMERATED: two's complement, one to eight octets, padding allowed."""
    size = stop - start
    if size == 1:
        value = data[start]
        return value if value < 0x80 else value - 0x100
    if not 0 < size <= _MAX_INTEGER_OCTETS:
        raise WireError("an integer must have one to eight octets", start)
    return int.from_bytes(data[start:stop], "big", signed=True)


def read_boolean(data: bytes, start: int, stop: int) -> bool:
    """The content of a BOOLEAN; RFC 4511 §5.1 asks senders for 0xFF, but any non-zero octet is true in BER."""
    if stop - start != 1:
        raise WireError("a boolean must have one octet", start)
    return data[start] != 0


def read_text(data: bytes, start: int, stop: int) -> str:
    """The content of an LDAPString in a request: UTF-8, strictly."""
    try:
        return data[start:stop].decode()
    except UnicodeDecodeError:
        raise WireError("a string is not UTF-8", start) from None


def take_octets(data: bytes, pos: int, end: int, tag: int = OCTET_STRING) -> tuple[bytes, int]:
    """The octets of the string at `pos`, and where the next element begins."""
    start, stop = expect(data, pos, end, tag)
    return data[start:stop], stop


def take_text(data: bytes, pos: int, end: int, tag: int = OCTET_STRING) -> tuple[str, int]:
    """The LDAPString at `pos`, and where the next element begins."""
    start, stop = expect(data, pos, end, tag)
    return read_text(data, start, stop), stop


def take_integer(
    data: bytes, pos: int, end: int, tag: int = INTEGER, lowest: int = 0, highest: int = MAX_INT
) -> tuple[int, int]:
    """The INTEGER or ENUMERATED at `pos`, which must lie in `lowest` to `highest`, and where the next element begins."""
    start, stop = expect(data, pos, end, tag)
    value = read_integer(data, start, stop)
    if not lowest <= value <= highest:
        raise WireError(f"an integer must be {lowest} to {highest}", start)
    return value, stop


def take_boolean(data: bytes, pos: int, end: int, tag: int = BOOLEAN) -> tuple[bool, int]:
    """The BOOLEAN at `pos`, and where the next element begins."""
    start, stop = expect(data, pos, end, tag)
    return read_boolean(data, start, stop), stop


def skip_unknown(data: bytes, pos: int, end: int) -> None:
    """Pass over trailing components: RFC 4511 §4 has receivers ignore those whose tags they do not recognize."""
    while pos < end:
        tag, _, pos = read_header(data, pos, end)
        if tag & 0x1F == 0x1F:
            raise WireError("LDAP has no tags of several octets", pos)


def whole(data: bytes, tag: int) -> tuple[int, int]:
    """The start and the stop of the content of `data`, when `data` is one element with `tag` and nothing after it."""
    start, stop = expect(data, 0, len(data), tag)
    if stop != len(data):
        raise WireError("octets follow the end of the value", stop)
    return start, stop


def length(n: int) -> bytes:
    """The length octets for `n` octets of content, as short as possible."""
    if n < 0x80:
        return SHORT_LENGTH[n]
    size = (n.bit_length() + 7) >> 3
    return bytes((0x80 | size,)) + n.to_bytes(size, "big")


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element with `tag` around the `parts`, joined."""
    content = b"".join(parts)
    return bytes((tag,)) + length(len(content)) + content


def octets(value: bytes, tag: int = OCTET_STRING) -> bytes:
    """An OCTET STRING, or any other primitive element, holding `value`."""
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    return bytes((tag,)) + length(size) + value


def integer(n: int, tag: int = INTEGER) -> bytes:
    """An INTEGER in its shortest form."""
    size = (n if n >= 0 else ~n).bit_length() // 8 + 1
    return bytes((tag, size)) + n.to_bytes(size, "big", signed=True)


def enumerated(n: int) -> bytes:
    """An ENUMERATED in its shortest form."""
    return integer(n, ENUMERATED)


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    """A BOOLEAN; true is 0xFF (RFC 4511 §5.1)."""
    return bytes((tag, 1, 0xFF if value else 0))
