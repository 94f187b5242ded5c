"""The reader of encoded search result entries, by index: a hot path of the view and of bulk reads from upstreams.

Loops are written out where a call per attribute would cost more than its work. Octets that are no entry raise WireError.
"""

from collections.abc import Iterator
from typing import Final

from gateway.wire import ber
from gateway.wire.codec.decoder import read_controls
from gateway.wire.codec.responses import lenient_text
from gateway.wire.errors import WireError
from gateway.wire.messages import Control

ENTRY: Final = 0x64
MAX_SPELLINGS: Final = 10_000  # kept in memory: a schema has some thousand, but options (range=…) are unbounded


def object_name(entry: bytes) -> bytes:
    """The entry's DN as stored."""
    name_start, name_stop, _, _ = bounds(entry)
    return ber.take_octets(entry, name_start, name_stop)[0]


def attributes(entry: bytes) -> bytes:
    """The PartialAttributes of an entry, one after the other as encoded."""
    _, _, pos, end = bounds(entry)
    return entry[pos:end]


def bounds(entry: bytes) -> tuple[int, int, int, int]:
    """The start and stop of the encoded DN, the start of the first attribute and the stop of the last one."""
    total = len(entry)
    if 0x108 < total < 0x10000:  # the usual entry: two octets of length for it and its attributes, one for its DN
        name_stop = 6 + entry[5]
        pos = name_stop + 4
        tags_are_right = entry[0] == 0x64 and entry[4] == 0x04 and entry[name_stop] == 0x30
        if tags_are_right and entry[1] == 0x82 and entry[5] < 0x80 and entry[name_stop + 1] == 0x82:
            size = entry[name_stop + 2] << 8 | entry[name_stop + 3]
            if pos + size == total and 4 + (entry[2] << 8 | entry[3]) == total:
                return 4, name_stop, pos, total
    start, stop = ber.whole(entry, ENTRY)
    _, name_stop = ber.expect(entry, start, stop, ber.OCTET_STRING)
    attributes_start, attributes_stop = ber.expect(entry, name_stop, stop, ber.SEQUENCE)
    return start, name_stop, attributes_start, attributes_stop


def attribute_at(entry: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """The start and stop of the type of the PartialAttribute at `pos`, and the stop of the attribute."""
    start, stop = ber.expect(entry, pos, end, ber.SEQUENCE)
    type_start, type_stop = ber.expect(entry, start, stop, ber.OCTET_STRING)
    return type_start, type_stop, stop


class _Spellings(dict[bytes, str]):
    """Attribute descriptions as text, each made once."""

    def __missing__(self, spelling: bytes) -> str:
        if len(self) >= MAX_SPELLINGS:
            self.clear()
        text = self[spelling] = lenient_text(spelling)
        return text


_SPELLINGS = _Spellings()


def iterate(entry: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each attribute's type as spelled, and its whole PartialAttribute, in order."""
    _, _, pos, end = bounds(entry)
    while pos < end:
        type_start, type_stop, attribute_stop = attribute_at(entry, pos, end)
        yield entry[type_start:type_stop], entry[pos:attribute_stop]
        pos = attribute_stop


def values(entry: bytes, type_lower: bytes) -> list[bytes]:
    """The values of the attribute whose description is `type_lower` in lower case; none if it is absent."""
    for attribute_type, attribute in iterate(entry):
        if attribute_type.lower() == type_lower:
            return _read_attributes(attribute, 0, len(attribute))[0][1]
    return []


def attribute_values(attribute: bytes) -> list[bytes]:
    """The values of a whole PartialAttribute, as `iterate` gives it."""
    return _read_attributes(attribute, 0, len(attribute))[0][1]


def decode_entry(entry: bytes) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """The DN, and the values by type as spelled; a type that comes twice has the values of both."""
    name_start, name_stop, pos, end = bounds(entry)
    name, _ = ber.take_octets(entry, name_start, name_stop)
    found: dict[bytes, list[bytes]] = {}
    for attribute_type, attribute_values in _read_attributes(entry, pos, end):
        found.setdefault(attribute_type, []).extend(attribute_values)
    return name, found


def decode_search_entry(message: bytes) -> tuple[bytes, list[tuple[str, list[bytes]]], tuple[Control, ...]]:
    """The DN, the attributes in order and the controls of a whole LDAPMessage that holds a search result entry.

    For readers of many entries: several times faster than decode_message, and equal attribute types are one object.
    """
    pos, end = ber.whole(message, ber.SEQUENCE)
    _, pos = ber.expect(message, pos, end, ber.INTEGER)
    pos, stop = ber.expect(message, pos, end, ENTRY)
    name, pos = ber.take_octets(message, pos, stop)
    pos, attributes_end = ber.expect(message, pos, stop, ber.SEQUENCE)
    attributes = [(_SPELLINGS[t], v) for t, v in _read_attributes(message, pos, attributes_end)]
    return name, attributes, read_controls(message, stop, end) if stop != end else ()


def _read_attributes(data: bytes, pos: int, end: int) -> list[tuple[bytes, list[bytes]]]:
    """The PartialAttributes between `pos` and `end`.

    An attribute of less than 128 octets is read in place, when every tag and length in it is as expected; any other
    takes the general way, which also finds the error.
    """
    attributes = []
    try:
        while pos < end:
            stop = pos + 2 + data[pos + 1]
            type_start = pos + 4
            type_stop = type_start + data[pos + 3]
            start = type_stop + 2
            as_usual = data[pos + 1] < 0x80 and data[pos] == 0x30 and data[pos + 2] == 0x04 and data[type_stop] == 0x31
            if as_usual and start + data[type_stop + 1] == stop <= end:
                if stop - start >= 2 and start + 2 + data[start + 1] == stop and data[start] == 0x04:
                    attributes.append((data[type_start:type_stop], [data[start + 2 : stop]]))
                else:
                    attributes.append((data[type_start:type_stop], _read_values(data, start, stop)))
            else:
                type_start, type_stop, stop = attribute_at(data, pos, end)
                start, set_stop = ber.expect(data, type_stop, stop, ber.SET)
                attributes.append((data[type_start:type_stop], _read_values(data, start, set_stop)))
            pos = stop
    except IndexError:
        raise WireError("an attribute is cut off", pos) from None
    return attributes


def _read_values(data: bytes, pos: int, end: int) -> list[bytes]:
    """The OCTET STRINGs between `pos` and `end`, the short ones in place."""
    found = []
    while pos + 1 < end:
        start = pos + 2
        stop = start + data[pos + 1]
        if data[pos] != 0x04 or data[pos + 1] > 0x7F:
            start, stop = ber.expect(data, pos, end, ber.OCTET_STRING)
        found.append(data[start:stop])
        pos = stop
    if pos != end:
        raise WireError("a value is longer than what contains it", pos)
    return found
