"""Encoded search result entries: written once, then sent, cut down and read without being decoded. The codec's hot path.

An `entry` here is the whole SearchResultEntry, [APPLICATION 4] included, as gateway.wire.encoder.wrap takes it. Attribute
descriptions are octets as spelled, and are compared in lower case. Loops are written out where a call per attribute
would cost more than its work.

SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName LDAPDN, attributes SEQUENCE OF PartialAttribute }
PartialAttribute ::= SEQUENCE { type AttributeDescription, vals SET OF value AttributeValue }
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from gateway.wire import ber
from gateway.wire.decoder import read_controls
from gateway.wire.errors import WireError
from gateway.wire.messages import Control
from gateway.wire.responses import lenient_text

_ENTRY: Final = 0x64
_SHORT_ENTRY = tuple(bytes((_ENTRY, n)) for n in range(0x80))
_SHORT_SEQUENCE = tuple(bytes((ber.SEQUENCE, n)) for n in range(0x80))
_SHORT_SET = tuple(bytes((ber.SET, n)) for n in range(0x80))
_OCTETS = ber.SHORT_OCTETS

_EMPTY_SET: Final = b"\x31\x00"
_MOST_SPELLINGS: Final = (
    10_000  # kept in memory; a schema has some thousand, options such as range=… could make more without end
)

Wanted = frozenset[bytes] | Callable[[bytes], bool]


def encode_entry(object_name: bytes, attributes: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """The entry with this DN and these attributes, in the order given."""
    parts = [encode_attribute(attribute_type, values) for attribute_type, values in attributes]
    return _enclose(ber.octets(object_name), parts)


def encode_attribute(attribute_type: bytes, values: Sequence[bytes]) -> bytes:
    """One PartialAttribute."""
    if len(values) == 1:
        value = values[0]
        size = len(value)
        content = _OCTETS[size] + value if size < 0x80 else ber.octets(value)
    else:
        content = b"".join([_OCTETS[len(v)] + v if len(v) < 0x80 else ber.octets(v) for v in values])
    size = len(content)
    name_size = len(attribute_type)
    if name_size + size < 0x7C:
        name = _OCTETS[name_size] + attribute_type
        return _SHORT_SEQUENCE[name_size + size + 4] + name + _SHORT_SET[size] + content
    return ber.tlv(ber.SEQUENCE, ber.octets(attribute_type), ber.tlv(ber.SET, content))


def _enclose(object_name: bytes, attributes: list[bytes]) -> bytes:
    """The entry around an encoded DN and encoded PartialAttributes."""
    content = b"".join(attributes)
    size = len(content)
    head = _SHORT_SEQUENCE[size] if size < 0x80 else b"\x30" + ber.length(size)
    size += len(head) + len(object_name)
    return (_SHORT_ENTRY[size] if size < 0x80 else b"\x64" + ber.length(size)) + object_name + head + content


def object_name(entry: bytes) -> bytes:
    """The entry's DN as stored."""
    name_start, name_stop, _, _ = _bounds(entry)
    return ber.take_octets(entry, name_start, name_stop)[0]


def _bounds(entry: bytes) -> tuple[int, int, int, int]:
    """Where the encoded DN starts and stops, and where the first attribute starts and the last one stops."""
    total = len(entry)
    if 0x108 < total < 0x10000:  # the usual entry: two octets of length for it and its attributes, one for its DN
        name_stop = 6 + entry[5]
        pos = name_stop + 4
        tags_are_right = entry[0] == 0x64 and entry[4] == 0x04 and entry[name_stop] == 0x30
        if tags_are_right and entry[1] == 0x82 and entry[5] < 0x80 and entry[name_stop + 1] == 0x82:
            size = entry[name_stop + 2] << 8 | entry[name_stop + 3]
            if pos + size == total and 4 + (entry[2] << 8 | entry[3]) == total:
                return 4, name_stop, pos, total
    start, stop = ber.whole(entry, _ENTRY)
    _, name_stop = ber.expect(entry, start, stop, ber.OCTET_STRING)
    attributes_start, attributes_stop = ber.expect(entry, name_stop, stop, ber.SEQUENCE)
    return start, name_stop, attributes_start, attributes_stop


class Selection:
    """What is wanted of many entries; every spelling of an attribute is judged once, then looked up.

    `wanted` is a set of lower-case descriptions, each of which takes its subtypes along (`cn` also takes `cn;lang-en`,
    RFC 4512 §2.5.2), or a pure function of the lower-case description.
    """

    __slots__ = ("_types_only", "_verdicts")

    def __init__(self, wanted: Wanted, types_only: bool = False) -> None:
        self._types_only = types_only
        self._verdicts = _Verdicts(wanted)

    def __call__(self, entry: bytes) -> bytes:
        """`entry` with the wanted attributes alone, in their order, copied as they are; types_only leaves the values out."""
        verdicts = self._verdicts
        name_start, name_stop, pos, end = _bounds(entry)
        parts = []
        try:
            while pos < end:
                size = entry[pos + 1]
                if size < 0x80:
                    stop = pos + 2 + size
                    if verdicts[entry[pos + 4 : pos + 4 + entry[pos + 3]]]:
                        parts.append(entry[pos:stop])
                else:
                    type_start, type_stop, stop = _attribute_at(entry, pos, end)
                    if verdicts[entry[type_start:type_stop]]:
                        parts.append(entry[pos:stop])
                pos = stop
        except IndexError:
            raise WireError("an attribute is cut off", pos) from None
        if pos != end:
            raise WireError("an attribute is longer than its entry", pos)
        return _enclose(entry[name_start:name_stop], [_without_values(p) for p in parts] if self._types_only else parts)


class _Verdicts(dict[bytes, bool]):
    """Attribute descriptions as spelled, and whether they are wanted."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, spelling: bytes) -> bool:
        if len(self) >= _MOST_SPELLINGS:
            self.clear()
        lower = spelling.lower()
        verdict = self[spelling] = self._wanted(lower) if callable(self._wanted) else _includes(self._wanted, lower)
        return verdict


def _without_values(attribute: bytes) -> bytes:
    type_start, type_stop, _ = _attribute_at(attribute, 0, len(attribute))
    return ber.tlv(ber.SEQUENCE, ber.octets(attribute[type_start:type_stop]), _EMPTY_SET)


def select(entry: bytes, wanted: Wanted, types_only: bool = False) -> bytes:
    """One entry cut down; for many entries make one Selection and call that."""
    return Selection(wanted, types_only)(entry)


def _includes(wanted: frozenset[bytes], description: bytes) -> bool:
    """Whether `description` is in `wanted`, or is a subtype by its options of one that is."""
    if description in wanted:
        return True
    attribute_type, *options = description.split(b";")
    return bool(options) and any(
        attribute_type == other and set(rest) <= set(options) for other, *rest in (w.split(b";") for w in wanted)
    )


def _attribute_at(entry: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """Where the type of the PartialAttribute at `pos` starts and stops, and where the attribute stops."""
    start, stop = ber.expect(entry, pos, end, ber.SEQUENCE)
    type_start, type_stop = ber.expect(entry, start, stop, ber.OCTET_STRING)
    return type_start, type_stop, stop


def iterate(entry: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each attribute's type as spelled, and its whole PartialAttribute, in order."""
    _, _, pos, end = _bounds(entry)
    while pos < end:
        type_start, type_stop, attribute_stop = _attribute_at(entry, pos, end)
        yield entry[type_start:type_stop], entry[pos:attribute_stop]
        pos = attribute_stop


def values(entry: bytes, type_lower: bytes) -> list[bytes]:
    """The values of the attribute whose description is `type_lower` in lower case; none if it is absent."""
    for attribute_type, attribute in iterate(entry):
        if attribute_type.lower() == type_lower:
            return _read_attributes(attribute, 0, len(attribute))[0][1]
    return []


def decode_entry(entry: bytes) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """The DN, and the values by type as spelled; a type that comes twice has the values of both."""
    name_start, name_stop, pos, end = _bounds(entry)
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
    pos, stop = ber.expect(message, pos, end, _ENTRY)
    name, pos = ber.take_octets(message, pos, stop)
    pos, attributes_end = ber.expect(message, pos, stop, ber.SEQUENCE)
    attributes = [(_SPELLINGS[t], v) for t, v in _read_attributes(message, pos, attributes_end)]
    return name, attributes, read_controls(message, stop, end) if stop != end else ()


def _read_attributes(data: bytes, pos: int, end: int) -> list[tuple[bytes, list[bytes]]]:
    """The PartialAttributes between `pos` and `end`.

    An attribute of less than 128 octets is read in place, when every tag and length in it is as it should be; any other
    goes the long way, which also finds the words for what is wrong.
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
                type_start, type_stop, stop = _attribute_at(data, pos, end)
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


class _Spellings(dict[bytes, str]):
    """Attribute descriptions as text, each made once."""

    def __missing__(self, spelling: bytes) -> str:
        if len(self) >= _MOST_SPELLINGS:
            self.clear()
        text = self[spelling] = lenient_text(spelling)
        return text


_SPELLINGS = _Spellings()


def attributes(entry: bytes) -> bytes:
    """The PartialAttributes of an entry, one after the other as encoded."""
    start, stop = ber.whole(entry, _ENTRY)
    _, pos = ber.expect(entry, start, stop, ber.OCTET_STRING)
    pos, end = ber.expect(entry, pos, stop, ber.SEQUENCE)
    return entry[pos:end]


def extend(entry: bytes, more: bytes) -> bytes:
    """The entry with more PartialAttributes (encoded, one after the other) behind its own."""
    start, stop = ber.whole(entry, _ENTRY)
    _, name_stop = ber.expect(entry, start, stop, ber.OCTET_STRING)
    pos, end = ber.expect(entry, name_stop, stop, ber.SEQUENCE)
    return _enclose(entry[start:name_stop], [entry[pos:end], more])
