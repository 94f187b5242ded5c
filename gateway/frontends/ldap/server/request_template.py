"""Search requests as octets: what makes two of them alike but for their assertion values, found without decoding them.

The fast path keeps a plan for each template. Only requests with one equality assertion, a flat "and" or "or" of some, or one
piece of a value have a template; any other octets are left to the decoder (wire/codec)."""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.planning.kind_constants import OF_ITS_KIND

_SEARCH = 0x63
_AND, _OR, _EQUALITY, _SUBSTRINGS = 0xA0, 0xA1, 0xA3, 0xA4
_PIECE_IN_THE_MIDDLE = 0x81

_MAX_ASSERTIONS = 8

_OF_ITS_KIND = frozenset(attribute.encode() for attribute in OF_ITS_KIND)
"""Attributes whose asserted values are part of the template."""


Span: TypeAlias = tuple[int, int]
"""Start and end of an assertion value, counted from the end of the message id."""


def split(message: bytes) -> tuple[int, bytes, int, list[Span]] | None:
    """Return message id, template, the end of the message id, and where the assertion values are, of a search with equality
    assertions, or substring assertions of one piece in the middle; None for anything else.

    `message` comes from the framer, so its own length is right. Every length that is not in the template is checked here, and
    those in it are of one octet: two messages with the same template are read alike by the ordinary decoder, which has
    accepted one of them before the template is used.
    """
    try:
        id_start = 2 if message[1] < 0x80 else message[1] - 0x7E
        size = message[id_start + 1]
        id_end = id_start + 2 + size
        if message[id_start] != 0x02 or not 0 < size <= 4 or message[id_start + 2] > 0x7F or message[id_end] != _SEARCH:
            return None
        size = message[id_end + 1]
        start = id_end + 2
        if size > 0x7F:
            start += size - 0x80
            size = int.from_bytes(message[id_end + 2 : start], "big") if size <= 0x84 else -1
        if start + size != len(message):
            return None
        pos = start + 2 + message[start + 1]  # behind the base
        if message[start + 1] > 0x7F or message[pos : pos + 2] != b"\x0a\x01" or message[pos + 3 : pos + 5] != b"\x0a\x01":
            return None
        pos += 6
        size = message[pos + 1]
        pos += 2 + size  # behind the size limit
        if size > 0x7F or message[pos + 1] > 0x7F:
            return None
        pos += 2 + message[pos + 1]  # behind the time limit
        if message[pos + 1] != 1 or message[pos + 4] > 0x7F:
            return None
        pos += 3  # behind typesOnly
        template = message[start:pos]
        spans: list[Span] = []
        filter_end = pos + 2 + message[pos + 1]
        if message[pos] == _AND or message[pos] == _OR:
            template += message[pos : pos + 1]
            pos += 2
        while pos < filter_end:
            end = pos + 2 + message[pos + 1]
            value = pos + 4 + message[pos + 3]
            if message[pos + 1] > 0x7F or message[pos + 2] != 0x04 or value + 2 + message[value + 1] != end:
                return None
            if message[pos] == _SUBSTRINGS:
                piece = value + 2
                if message[value] != 0x30 or message[piece] != _PIECE_IN_THE_MIDDLE or piece + 2 + message[piece + 1] != end:
                    return None
                template += message[pos : pos + 1] + message[pos + 2 : value]
                spans.append((piece + 2 - id_end, end - id_end))
            elif message[pos] != _EQUALITY or message[value] != 0x04:
                return None
            elif message[pos + 4 : value].lower() in _OF_ITS_KIND:
                template += message[pos + 2 : end]
            else:
                template += message[pos + 2 : value]
                spans.append((value + 2 - id_end, end - id_end))
            pos = end
        if pos != filter_end or not 0 < len(spans) <= _MAX_ASSERTIONS:
            return None
        if message[filter_end] != 0x30 or filter_end + 2 + message[filter_end + 1] != len(message):
            return None
        return int.from_bytes(message[id_start + 2 : id_end], "big"), template + message[filter_end:], id_end, spans
    except IndexError:
        return None


@dataclass(frozen=True, slots=True)
class RequestPattern:
    """The octets of a request from the end of its message id on: `fixed` ones by their place, assertion values between them.
    Another request of the same length with the same fixed octets is read alike, whatever its values are."""

    fixed: tuple[tuple[int, bytes], ...]
    spans: tuple[Span, ...]

    def matches(self, message: bytes, id_start: int, id_end: int) -> bool:
        """Return whether the message is like this; its length from `id_end` on is known to be the same."""
        if message[id_start] != 0x02 or not id_start + 2 < id_end <= id_start + 6 or message[id_start + 2] > 0x7F:
            return False
        for start, octets in self.fixed:  # noqa: SIM110 (this loop is run for every request, and all() costs twice as much)
            if not message.startswith(octets, id_end + start):
                return False
        return True


def pattern_of(message: bytes, id_end: int, spans: list[Span]) -> RequestPattern:
    """Return the pattern of a message that `split` has split."""
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(message) - id_end]
    fixed = tuple((start, message[id_end + start : id_end + end]) for start, end in zip(starts, ends, strict=True))
    return RequestPattern(fixed, tuple(spans))


def message_end(data: bytes, position: int) -> int:
    """Return where the message at `position` ends; a place beyond the end of `data` when that takes more than a glance."""
    try:
        first = data[position + 1]
        if data[position] != 0x30 or first > 0x82:
            return len(data) + 1
        if first < 0x80:
            return position + 2 + first
        if first == 0x81:
            return position + 3 + data[position + 2]
        return position + 4 + data[position + 2] * 256 + data[position + 3]
    except IndexError:
        return len(data) + 1
