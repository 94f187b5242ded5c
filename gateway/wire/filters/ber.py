"""Filters to and from BER. One function per shape, chosen by the tag; depth and number of terms are limited while reading.

Empty and/or sets are read and written (RFC 4526). Offsets and errors are those of gateway.wire.ber.
"""

from collections.abc import Callable

from gateway.wire import ber
from gateway.wire.errors import LimitExceeded, WireError
from gateway.wire.filters.values import (
    And,
    Approx,
    Equality,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
)
from gateway.wire.limits import DEFAULT_LIMITS, Limits

_AND, _OR, _NOT, _EQUALITY, _SUBSTRINGS = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4
_GREATER_OR_EQUAL, _LESS_OR_EQUAL, _PRESENT, _APPROX, _EXTENSIBLE = 0xA5, 0xA6, 0x87, 0xA8, 0xA9
_INITIAL, _ANY, _FINAL = 0x80, 0x81, 0x82
_MATCHING_RULE, _TYPE, _MATCH_VALUE, _DN_ATTRIBUTES = 0x81, 0x82, 0x83, 0x84

_Assertion = type[Equality] | type[GreaterOrEqual] | type[LessOrEqual] | type[Approx]
_ASSERTIONS: dict[int, _Assertion] = {
    _EQUALITY: Equality,
    _GREATER_OR_EQUAL: GreaterOrEqual,
    _LESS_OR_EQUAL: LessOrEqual,
    _APPROX: Approx,
}


def decode_filter(data: bytes, pos: int, end: int, limits: Limits = DEFAULT_LIMITS) -> tuple[Filter, int]:
    """The filter that begins at `pos`, and where the next element begins.

    Raises WireError, and LimitExceeded beyond the limits on filters and values.
    """
    tag, start, stop = ber.read_header(data, pos, end)
    shape = _ASSERTIONS.get(tag)
    if shape is not None:  # most filters are one item, and need no counting
        return _read_assertion(data, start, stop, shape, limits), stop
    if stop - start > limits.max_filter_bytes:
        raise LimitExceeded(f"the filter is longer than {limits.max_filter_bytes} octets", start)
    return _read(data, tag, start, stop, limits.max_filter_depth, [limits.max_filter_terms], limits), stop


def encode_filter(filter: Filter) -> bytes:
    """`filter` as one BER element."""
    return _WRITERS[type(filter)](filter)


def _read(data: bytes, tag: int, start: int, stop: int, depth: int, terms: list[int], limits: Limits) -> Filter:
    """The filter with this tag and content; `depth` levels and `terms[0]` terms are still allowed."""
    if depth <= 0:
        raise LimitExceeded("the filter is nested too deeply", start)
    terms[0] -= 1
    if terms[0] < 0:
        raise LimitExceeded("the filter has too many terms", start)
    shape = _ASSERTIONS.get(tag)
    if shape is not None:
        return _read_assertion(data, start, stop, shape, limits)
    if tag == _PRESENT:
        return Present(ber.read_text(data, start, stop))
    if tag == _SUBSTRINGS:
        return _read_substrings(data, start, stop, terms, limits)
    if tag == _EXTENSIBLE:
        return _read_extensible(data, start, stop, limits)
    if tag == _AND:
        return And(_read_set(data, start, stop, depth - 1, terms, limits))
    if tag == _OR:
        return Or(_read_set(data, start, stop, depth - 1, terms, limits))
    if tag == _NOT:
        return Not(_read_not(data, start, stop, depth - 1, terms, limits))
    raise WireError(f"no filter has the tag 0x{tag:02x}", start)


def _read_set(data: bytes, pos: int, end: int, depth: int, terms: list[int], limits: Limits) -> tuple[Filter, ...]:
    filters = []
    while pos < end:
        tag, start, stop = ber.read_header(data, pos, end)
        filters.append(_read(data, tag, start, stop, depth, terms, limits))
        pos = stop
    return tuple(filters)


def _read_not(data: bytes, pos: int, end: int, depth: int, terms: list[int], limits: Limits) -> Filter:
    tag, start, stop = ber.read_header(data, pos, end)
    if stop != end:
        raise WireError("a not filter must hold exactly one filter", stop)
    return _read(data, tag, start, stop, depth, terms, limits)


def _read_assertion(data: bytes, pos: int, end: int, shape: _Assertion, limits: Limits) -> Filter:
    """AttributeValueAssertion ::= SEQUENCE { attributeDesc AttributeDescription, assertionValue AssertionValue }"""
    attribute, pos = ber.take_text(data, pos, end)
    start, stop = ber.expect(data, pos, end, ber.OCTET_STRING)
    if stop != end:
        ber.skip_unknown(data, stop, end)
    _check_value(start, stop, limits)
    return shape(attribute, data[start:stop])


def _check_value(start: int, stop: int, limits: Limits) -> None:
    if stop - start > limits.max_value_bytes:
        raise LimitExceeded(f"an asserted value is longer than {limits.max_value_bytes} octets", start)


def _read_substrings(data: bytes, pos: int, end: int, terms: list[int], limits: Limits) -> Filter:
    """SubstringFilter ::= SEQUENCE { type AttributeDescription, substrings SEQUENCE SIZE (1..MAX) OF substring CHOICE {
    initial [0] AssertionValue, any [1] AssertionValue, final [2] AssertionValue } } -- initial and final at most once

    The first piece belongs to the item, each further one counts as a term.
    """
    attribute, pos = ber.take_text(data, pos, end)
    pos, stop = ber.expect(data, pos, end, ber.SEQUENCE)
    _check_value(pos, stop, limits)
    initial: bytes | None = None
    middle: list[bytes] = []
    final: bytes | None = None
    first = pos
    while pos < stop:
        tag, start, next_pos = ber.read_header(data, pos, stop)
        if pos != first:
            terms[0] -= 1
            if terms[0] < 0:
                raise LimitExceeded("the filter has too many terms and substrings", pos)
        piece = data[start:next_pos]
        if final is not None:
            raise WireError("nothing may follow a final substring", pos)
        if tag == _ANY:
            middle.append(piece)
        elif tag == _FINAL:
            final = piece
        elif tag == _INITIAL and pos == first:
            initial = piece
        else:
            raise WireError("a substring must be an initial one in first place, an any or a final one", pos)
        pos = next_pos
    if pos == first:
        raise WireError("a substring filter needs at least one substring", pos)
    ber.skip_unknown(data, stop, end)
    return Substrings(attribute, initial, tuple(middle), final)


def _read_extensible(data: bytes, pos: int, end: int, limits: Limits) -> Filter:
    rule: str | None = None
    attribute: str | None = None
    value: bytes | None = None
    dn_attributes = False
    while pos < end:
        tag, start, stop = ber.read_header(data, pos, end)
        if tag == _MATCHING_RULE:
            rule = ber.read_text(data, start, stop)
        elif tag == _TYPE:
            attribute = ber.read_text(data, start, stop)
        elif tag == _MATCH_VALUE:
            _check_value(start, stop, limits)
            value = data[start:stop]
        elif tag == _DN_ATTRIBUTES:
            dn_attributes = ber.read_boolean(data, start, stop)
        pos = stop
    if value is None or (rule is None and attribute is None):
        raise WireError("an extensible match needs a value, and a matching rule, an attribute or both", pos)
    return Extensible(rule, attribute, value, dn_attributes)


def _write_assertion(tag: int) -> Callable[[Equality | GreaterOrEqual | LessOrEqual | Approx], bytes]:
    return lambda item: ber.tlv(tag, ber.octets(item.attribute.encode()), ber.octets(item.value))


def _write_substrings(item: Substrings) -> bytes:
    pieces = [ber.octets(piece, _ANY) for piece in item.any]
    if item.initial is not None:
        pieces.insert(0, ber.octets(item.initial, _INITIAL))
    if item.final is not None:
        pieces.append(ber.octets(item.final, _FINAL))
    return ber.tlv(_SUBSTRINGS, ber.octets(item.attribute.encode()), ber.tlv(ber.SEQUENCE, *pieces))


def _write_extensible(item: Extensible) -> bytes:
    return ber.tlv(
        _EXTENSIBLE,
        b"" if item.matching_rule is None else ber.octets(item.matching_rule.encode(), _MATCHING_RULE),
        b"" if item.attribute is None else ber.octets(item.attribute.encode(), _TYPE),
        ber.octets(item.value, _MATCH_VALUE),
        ber.boolean(True, _DN_ATTRIBUTES) if item.dn_attributes else b"",
    )


# Any arguments, because each writer takes its own shape: the key is the type of what the writer takes.
_WRITERS: dict[type, Callable[..., bytes]] = {
    And: lambda item: ber.tlv(_AND, *map(encode_filter, item.filters)),
    Or: lambda item: ber.tlv(_OR, *map(encode_filter, item.filters)),
    Not: lambda item: ber.tlv(_NOT, encode_filter(item.filter)),
    Equality: _write_assertion(_EQUALITY),
    GreaterOrEqual: _write_assertion(_GREATER_OR_EQUAL),
    LessOrEqual: _write_assertion(_LESS_OR_EQUAL),
    Approx: _write_assertion(_APPROX),
    Present: lambda item: ber.octets(item.attribute.encode(), _PRESENT),
    Substrings: _write_substrings,
    Extensible: _write_extensible,
}
