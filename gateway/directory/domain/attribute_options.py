"""Attribute options in a selection (RFC 4512 §2.5.2): `;binary`, and ranges of values in views of kind `ad`
([MS-ADTS] §3.1.1.3.1.3.3). An option that is not known here selects nothing. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.directory.projection.index_keys import attribute_key
from gateway.model.ldap import schema
from gateway.wire import entries

MAX_RANGE_VALUES = 1_500
"""Values of one attribute that an answer of an `ad` view holds: MaxValRange of every Windows Server since 2003, which the
programs that step through ranges are tested with."""

_RANGE = re.compile(r"range=(\d{1,9})-(\d{1,9}|\*)", re.IGNORECASE | re.ASCII)

_SHORTEST_VALUE_OCTETS = 3
"""The least that one value takes in an encoded entry: one with fewer octets than so many values need is not looked at."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """A range of an attribute's values, counted from 0; `last` None: to the end."""

    first: int
    last: int | None = None


def value_range(options: str) -> ValueRange | None:
    """Return the range that the options of an attribute description ask for; None for any others."""
    found = _RANGE.fullmatch(options)
    if found is None:
        return None
    first, last = int(found[1]), None if found[2] == "*" else int(found[2])
    return ValueRange(first, last) if last is None or first <= last else None


def is_binary(description: str) -> bool:
    """Return whether values of this description are transferred as `;binary` says (RFC 4522): it has the option, or its type is
    a certificate's (RFC 4523 §2)."""
    known = schema.ATTRIBUTE_TYPES.get(attribute_key(description))
    return description.lower().endswith(";binary") or (known is not None and known.syntax in _CERTIFICATES)


_CERTIFICATES = frozenset(f"1.3.6.1.4.1.1466.115.121.1.{number}" for number in (8, 9, 10))
"""The syntaxes of certificates, lists of them, and pairs."""


def with_ranges(entry: bytes, asked: Mapping[str, ValueRange]) -> bytes:
    """Return an encoded entry with no more than MAX_RANGE_VALUES values of an attribute, and with the ranges that were asked
    for (by attribute key). As Active Directory does it, an attribute that was asked for without a range is sent without values
    beside its first range."""
    if not asked and len(entry) < MAX_RANGE_VALUES * _SHORTEST_VALUE_OCTETS:
        return entry
    parts: list[bytes] = []
    for description, attribute in entries.iterate(entry):
        parts += _ranged(description, attribute, asked.get(attribute_key(description.decode())))
    return entries.extend(entries.encode_entry(entries.object_name(entry), ()), b"".join(parts))


def _ranged(description: bytes, attribute: bytes, asked: ValueRange | None) -> list[bytes]:
    """Return the PartialAttributes that are sent of one; none of a range that begins behind the last value."""
    if asked is None and len(attribute) < MAX_RANGE_VALUES * _SHORTEST_VALUE_OCTETS:
        return [attribute]
    values = entries.attribute_values(attribute)
    if asked is None and len(values) <= MAX_RANGE_VALUES:
        return [attribute]
    first = asked.first if asked is not None else 0
    if first >= len(values):
        return []
    ends = [first + MAX_RANGE_VALUES, len(values)]
    end = min(ends if asked is None or asked.last is None else [*ends, asked.last + 1])
    told = b"*" if end == len(values) else b"%d" % (end - 1)
    ranged = entries.encode_attribute(b"%s;range=%d-%s" % (description, first, told), values[first:end])
    return [ranged] if asked is not None else [entries.encode_attribute(description, ()), ranged]
