r"""Filters to and from the text of RFC 4515: `(&(uid=ada)(!(mail=*@example.com)))`. parse(to_text(f)) == f.

Deviations, for the people who write filters into configuration: white space and line breaks may stand between the parts
of a filter (never within an item). For those who read logs: to_text escapes every octet that would not print, in values
as RFC 4515 §3 provides, and in an attribute description that no schema could hold in the same way, which parse refuses.
The law does not hold for filters that RFC 4515 cannot express: empty substrings, such attribute descriptions, a rule called
"dn".
"""

import re

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

_ATTRIBUTE = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:;[A-Za-z0-9-]+)*"  # RFC 4512 §2.5, and "_", which AD and others allow
_ITEM = re.compile(
    rf"(?P<attribute>{_ATTRIBUTE})?(?P<dn>:[dD][nN])?(?::(?P<rule>[A-Za-z0-9][A-Za-z0-9._-]*))?(?P<operator>:=|[~<>]?=)"
)
_SPACE = re.compile(r"[ \t\r\n]*")
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2})")
_MUST_ESCAPE = frozenset("()*\\\0")

_OPERATORS: dict[str, type[Approx] | type[GreaterOrEqual] | type[LessOrEqual]] = {
    "~=": Approx,
    ">=": GreaterOrEqual,
    "<=": LessOrEqual,
}


class FilterSyntaxError(ValueError):
    """Text that is no filter of RFC 4515. `position` counts characters from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at position {position} of the filter")
        self.reason = reason
        self.position = position


def parse(text: str, limits: Limits = DEFAULT_LIMITS) -> Filter:
    """The filter that `text` describes. Raises FilterSyntaxError; also for more depth than `limits` allows."""
    found, pos = _parse_filter(text, _skip(text, 0), limits.max_filter_depth)
    pos = _skip(text, pos)
    if pos != len(text):
        raise FilterSyntaxError("nothing may follow the filter", pos)
    return found


def to_text(filter: Filter) -> str:
    """`filter` as RFC 4515 writes it, on one printable line."""
    match filter:
        case And(filters):
            return f"(&{''.join(map(to_text, filters))})"
        case Or(filters):
            return f"(|{''.join(map(to_text, filters))})"
        case Not(inner):
            return f"(!{to_text(inner)})"
        case Equality(attribute, value):
            return f"({_description(attribute)}={_escape(value)})"
        case GreaterOrEqual(attribute, value):
            return f"({_description(attribute)}>={_escape(value)})"
        case LessOrEqual(attribute, value):
            return f"({_description(attribute)}<={_escape(value)})"
        case Approx(attribute, value):
            return f"({_description(attribute)}~={_escape(value)})"
        case Present(attribute):
            return f"({_description(attribute)}=*)"
        case Substrings(attribute, initial, middle, final):
            return f"({_description(attribute)}={'*'.join(map(_escape, (initial or b'', *middle, final or b'')))})"
        case Extensible(rule, attribute, value, dn_attributes):
            dn = ":dn" if dn_attributes else ""
            return f"({_description(attribute or '')}{dn}{f':{_description(rule)}' if rule else ''}:={_escape(value)})"


def _parse_filter(text: str, pos: int, depth: int) -> tuple[Filter, int]:
    """The filter whose "(" is at `pos`, and the position behind its ")"."""
    if depth <= 0:
        raise FilterSyntaxError("the filter is nested too deeply", pos)
    pos = _skip(text, _after(text, pos, "("))
    kind = text[pos : pos + 1]
    if kind in ("&", "|", "!"):
        _require_parentheses(text, kind, _skip(text, pos + 1))
    found: Filter
    if kind == "&":
        filters, pos = _parse_list(text, pos + 1, depth)
        found = And(filters)
    elif kind == "|":
        filters, pos = _parse_list(text, pos + 1, depth)
        found = Or(filters)
    elif kind == "!":
        inner, pos = _parse_filter(text, _skip(text, pos + 1), depth - 1)
        found = Not(inner)
    else:
        return _parse_item(text, pos)
    return found, _after(text, _skip(text, pos), ")")


def _require_parentheses(text: str, operator: str, pos: int) -> None:
    """Raise FilterSyntaxError where an item without parentheses of its own follows the operator: (!uid=x)."""
    item = text[pos:].partition(")")[0]
    if item and not item.startswith("("):
        raise FilterSyntaxError(f'"{operator}" takes filters in parentheses of their own: write ({operator}({item}))', pos)


def _parse_list(text: str, pos: int, depth: int) -> tuple[tuple[Filter, ...], int]:
    filters = []
    pos = _skip(text, pos)
    while text[pos : pos + 1] == "(":
        found, pos = _parse_filter(text, pos, depth - 1)
        filters.append(found)
        pos = _skip(text, pos)
    return tuple(filters), pos


def _parse_item(text: str, pos: int) -> tuple[Filter, int]:
    """The item that begins at `pos`, within its parentheses, and the position behind its ")"."""
    head = _ITEM.match(text, pos)
    if head is None:
        raise FilterSyntaxError('an attribute and "=", "~=", ">=", "<=" or ":=" were expected', pos)
    attribute, dn, rule, operator = head["attribute"], head["dn"], head["rule"], head["operator"]
    start = head.end()
    stop = text.find(")", start)
    if stop < 0:
        raise FilterSyntaxError('")" is missing', len(text))
    if operator == ":=":
        if attribute is None and rule is None:
            raise FilterSyntaxError("an extensible match needs an attribute, a matching rule or both", pos)
        return Extensible(rule, attribute, _unescape(text, start, stop), dn is not None), stop + 1
    if attribute is None or dn is not None or rule is not None:
        raise FilterSyntaxError(
            f'only ":=" may follow a matching rule or ":dn", and "{operator}" needs an attribute alone', pos
        )
    if operator != "=":
        return _OPERATORS[operator](attribute, _unescape(text, start, stop)), stop + 1
    if text.find("*", start, stop) < 0:
        return Equality(attribute, _unescape(text, start, stop)), stop + 1
    return _parse_asterisks(text, attribute, start, stop), stop + 1


def _parse_asterisks(text: str, attribute: str, start: int, stop: int) -> Filter:
    """A value with at least one asterisk: a presence test, or substrings. Empty pieces have no effect and are left out."""
    pieces = []
    while (asterisk := text.find("*", start, stop)) >= 0:
        pieces.append(_unescape(text, start, asterisk))
        start = asterisk + 1
    initial, *middle, final = [*pieces, _unescape(text, start, stop)]
    if not any((initial, *middle, final)):
        return Present(attribute)
    return Substrings(attribute, initial or None, tuple(filter(None, middle)), final or None)


def _skip(text: str, pos: int) -> int:
    space = _SPACE.match(text, pos)
    return pos if space is None else space.end()


def _after(text: str, pos: int, character: str) -> int:
    if text[pos : pos + 1] != character:
        raise FilterSyntaxError(f'"{character}" was expected', pos)
    return pos + 1


def _unescape(text: str, start: int, stop: int) -> bytes:
    r"""The octets of an assertion value: UTF-8, where `\` and two hexadecimal digits stand for one octet."""
    value = text[start:stop]
    for position, character in enumerate(value, start):
        if character in "(*\0":
            raise FilterSyntaxError(rf'"{character}" must be written \{ord(character):02x} in a value', position)
        if 0xD800 <= ord(character) <= 0xDFFF:
            raise FilterSyntaxError("half a surrogate pair cannot be encoded", position)
    if "\\" not in value:
        return value.encode()
    for escape in re.finditer(r"\\(?![0-9A-Fa-f]{2})", value):
        raise FilterSyntaxError(r'"\" must be followed by two hexadecimal digits', start + escape.start())
    return _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), value.encode())


def _escape(value: bytes) -> str:
    """`value` as text in which everything that is special, unprintable or not UTF-8 is escaped."""
    text = value.decode("utf-8", "surrogateescape")
    if text.isprintable() and _MUST_ESCAPE.isdisjoint(text):
        return text
    return "".join(c if c.isprintable() and c not in _MUST_ESCAPE else _hex(c) for c in text)


def _description(attribute: str) -> str:
    """An attribute description or rule; characters that no schema allows are escaped, so that a log line stays one line."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._;-") else _hex(c) for c in attribute)


def _hex(character: str) -> str:
    return "".join(f"\\{octet:02x}" for octet in character.encode("utf-8", "surrogateescape"))
