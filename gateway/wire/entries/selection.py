"""Encoded search result entries, reduced or extended without being decoded: values are copied as they are, never rebuilt."""

from collections.abc import Callable
from typing import Final

from gateway.wire import ber
from gateway.wire.entries.reader import MAX_SPELLINGS, attribute_at, bounds
from gateway.wire.entries.writer import SHORT_ENTRY, SHORT_SEQUENCE, enclose
from gateway.wire.errors import WireError

_EMPTY_SET: Final = b"\x31\x00"

Wanted = frozenset[bytes] | Callable[[bytes], bool]


class Selection:
    """The selection of attributes for many entries; every spelling of an attribute is judged once, then looked up.

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
        name_start, name_stop, pos, end = bounds(entry)
        parts = []
        try:
            while pos < end:
                size = entry[pos + 1]
                if size < 0x80:
                    stop = pos + 2 + size
                    if verdicts[entry[pos + 4 : pos + 4 + entry[pos + 3]]]:
                        parts.append(entry[pos:stop])
                else:
                    type_start, type_stop, stop = attribute_at(entry, pos, end)
                    if verdicts[entry[type_start:type_stop]]:
                        parts.append(entry[pos:stop])
                pos = stop
        except IndexError:
            raise WireError("an attribute is cut off", pos) from None
        if pos != end:
            raise WireError("an attribute is longer than its entry", pos)
        return enclose(entry[name_start:name_stop], [_without_values(p) for p in parts] if self._types_only else parts)


class _Verdicts(dict[bytes, bool]):
    """Attribute descriptions as spelled → True when they are wanted."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, spelling: bytes) -> bool:
        if len(self) >= MAX_SPELLINGS:
            self.clear()
        lower = spelling.lower()
        verdict = self[spelling] = self._wanted(lower) if callable(self._wanted) else _includes(self._wanted, lower)
        return verdict


def _without_values(attribute: bytes) -> bytes:
    type_start, type_stop, _ = attribute_at(attribute, 0, len(attribute))
    return ber.tlv(ber.SEQUENCE, ber.octets(attribute[type_start:type_stop]), _EMPTY_SET)


def _includes(wanted: frozenset[bytes], description: bytes) -> bool:
    """Return True when `description` is in `wanted`, or is a subtype by its options of one that is."""
    if description in wanted:
        return True
    attribute_type, *options = description.split(b";")
    return bool(options) and any(
        attribute_type == other and set(rest) <= set(options) for other, *rest in (w.split(b";") for w in wanted)
    )


class ExactSelection:
    """A Selection by exact spelling: `types` are attribute descriptions as stored, each in an entry once at the most.

    For entries that the caller wrote, so that their spellings are known: their structure is not checked again, and an entry is
    read no further than to the last of `types`. Everything is in one function: this runs for each entry of large answers.
    """

    __slots__ = ("_most", "_types")

    def __init__(self, types: frozenset[bytes]) -> None:
        self._types = types
        self._most = len(types)

    def __call__(self, entry: bytes) -> bytes:
        """`entry` with the attributes of these types alone, in their order, copied as they are."""
        types, most = self._types, self._most
        end = len(entry)
        if entry[1] == 0x82 and entry[5] < 0x80 and entry[entry[5] + 7] == 0x82:  # the usual lengths
            start, name_stop = 4, entry[5] + 6
            pos = name_stop + 4
        else:
            start, name_stop, pos, end = bounds(entry)
        content = b""
        while pos < end and most:
            size = entry[pos + 1]
            if size < 0x80:
                stop = pos + size + 2
                if entry[pos + 4 : pos + 4 + entry[pos + 3]] in types:
                    content += entry[pos:stop]
                    most -= 1
            else:
                type_start, type_stop, stop = attribute_at(entry, pos, end)
                if entry[type_start:type_stop] in types:
                    content += entry[pos:stop]
                    most -= 1
            pos = stop
        size = len(content)
        if size + name_stop - start < 0x7E:
            return SHORT_ENTRY[size + name_stop - start + 2] + entry[start:name_stop] + SHORT_SEQUENCE[size] + content
        return enclose(entry[start:name_stop], [content])


def select(entry: bytes, wanted: Wanted, types_only: bool = False) -> bytes:
    """Reduce one entry; for many entries make one Selection and call that."""
    return Selection(wanted, types_only)(entry)


def extend(entry: bytes, more: bytes) -> bytes:
    """The entry with more PartialAttributes (encoded, one after the other) behind its own."""
    name_start, name_stop, pos, end = bounds(entry)
    return enclose(entry[name_start:name_stop], [entry[pos:end], more])
