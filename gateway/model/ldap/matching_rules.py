"""Matching rules (RFC 4517 §4.2) as functions from a value to its comparison key: two values match when their keys are equal,
and where a rule has an ordering, byte order of keys is the order of values.

None as a key means that the value does not follow the rule's syntax: an assertion with it is Undefined (RFC 4511 §4.5.1.7).
No key is empty but that of an empty octet string."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from gateway.model.bounded_cache import cached
from gateway.model.ldap import dn, schema, times, windows_identifiers
from gateway.model.ldap.string_preparation import (
    prepare_exact,
    prepare_ignore,
    prepare_numeric,
    prepare_piece,
    prepare_telephone,
)

KeyFunction: TypeAlias = Callable[[bytes], bytes | None]

_INTEGER_OFFSET = 1 << 127
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,37}")
_OPTIONAL_UID = re.compile(rb"#'[01]*'B$")
_NOTHING = b" "
"""The key of text without a significant character (RFC 4518 §2.6.1)."""


def _text(prepare: Callable[[str], str]) -> KeyFunction:
    def key(value: bytes) -> bytes | None:
        try:
            return prepare(value.decode()).encode() or _NOTHING
        except UnicodeDecodeError:
            return None

    return key


def _case_ignore(value: bytes) -> bytes | None:
    """Return the key under caseIgnoreMatch. Nearly every value is one printable ASCII word or line: that case needs only C
    calls."""
    if value.isalnum():
        return value.lower()
    try:
        return prepare_ignore(value.decode()).encode() or _NOTHING
    except UnicodeDecodeError:
        return None


_case_exact = _text(prepare_exact)


def _integer(value: bytes) -> bytes | None:
    if not _INTEGER.fullmatch(value):
        return None
    shifted = int(value) + _INTEGER_OFFSET
    return shifted.to_bytes(16, "big") if 0 <= shifted < 2 * _INTEGER_OFFSET else None


def integer_of(key: bytes) -> int:
    """Return the number that a key under integerMatch stands for."""
    return int.from_bytes(key, "big") - _INTEGER_OFFSET


def _boolean(value: bytes) -> bytes | None:
    upper = value.upper()
    return upper if upper in (b"TRUE", b"FALSE") else None


@cached(1_024)
def _generalized_time(value: bytes) -> bytes | None:
    """Return the key of a Generalized Time (RFC 4517 §3.3.13): minutes and seconds may be missing, a fraction is of the last
    part."""
    moment = times.moment_of(value.decode("ascii", "replace"))
    return None if moment is None else moment.isoformat(timespec="microseconds").encode()


def _object_identifier(value: bytes) -> bytes | None:
    """Return the key under objectIdentifierMatch: a known name (object class, attribute type) and its OID are equal."""
    text = value.strip().lower()
    if not text:
        return None
    name = text.decode("ascii", "replace")
    known = schema.OBJECT_CLASSES.get(name)
    if known:
        return known.names[0].lower().encode()
    return schema.canonical(name).encode()


def _distinguished_name(value: bytes) -> bytes | None:
    try:
        return dn.key(value.decode()).encode() or _NOTHING
    except (UnicodeDecodeError, dn.InvalidDN):
        return None


def _unique_member(value: bytes) -> bytes | None:
    """Return the key of a name and optional UID (RFC 4517 §4.2.31); the UID is part of it. A DN's own key never ends with a
    UID."""
    name, uid = _OPTIONAL_UID.subn(b"", value)
    key = _distinguished_name(name)
    return key if not uid or key is None else key + value[len(name) :]


def _object_category(value: bytes) -> bytes | None:
    """Return the key of an objectCategory: the class's name, given as a DN (CN=Person,CN=Schema,CN=Configuration,…) or
    alone."""
    try:
        text = value.decode()
        parsed = dn.DN.parse(text) if "=" in text else None
    except (UnicodeDecodeError, dn.InvalidDN):
        return None
    name = (parsed.rdns[0].avas[0].value if parsed is not None and parsed.rdns else text).strip().lower()
    return (name if parsed else windows_identifiers.CATEGORY_OF_CLASS.get(name, name)).encode() or None


def _security_identifier(value: bytes) -> bytes | None:
    """Return the key of an objectSid: its octets, also from "S-1-5-21-…", which Active Directory accepts in filters."""
    return windows_identifiers.sid(value.decode("ascii") if value[:4].upper() == b"S-1-" and value.isascii() else value)


def _guid(value: bytes) -> bytes | None:
    """Return the key of an objectGUID: its octets, also from text, which Active Directory accepts in filters."""
    if len(value) == _GUID_OCTETS:
        return value
    return windows_identifiers.guid(value.decode("ascii").strip("{}")) if value.isascii() else None


_GUID_OCTETS = 16


def _uuid(value: bytes) -> bytes | None:
    try:
        return UUID(value.decode()).bytes
    except (UnicodeDecodeError, ValueError):
        return None


def _octets(value: bytes) -> bytes:
    return value


KEYS: Mapping[str, KeyFunction] = {
    "objectIdentifierMatch": _object_identifier,
    "distinguishedNameMatch": _distinguished_name,
    "caseIgnoreMatch": _case_ignore,
    "caseIgnoreOrderingMatch": _case_ignore,
    "caseExactMatch": _case_exact,
    "caseExactOrderingMatch": _case_exact,
    "caseIgnoreIA5Match": _case_ignore,
    "caseExactIA5Match": _case_exact,
    "caseIgnoreListMatch": _case_ignore,
    "numericStringMatch": _text(prepare_numeric),
    "telephoneNumberMatch": _text(prepare_telephone),
    "booleanMatch": _boolean,
    "integerMatch": _integer,
    "integerOrderingMatch": _integer,
    "bitStringMatch": _octets,
    "octetStringMatch": _octets,
    "octetStringOrderingMatch": _octets,
    "uniqueMemberMatch": _unique_member,
    "objectCategoryMatch": _object_category,
    "objectSidMatch": _security_identifier,
    "objectGuidMatch": _guid,
    "generalizedTimeMatch": _generalized_time,
    "generalizedTimeOrderingMatch": _generalized_time,
    "uuidMatch": _uuid,
    "uuidOrderingMatch": _uuid,
}
"""Rule name → key function. The "first component" rules are missing: their attributes exist in `cn=Subschema` only."""

_SUBSTRING_PREPARATION: Mapping[str, Callable[[str], str]] = {
    "caseIgnoreSubstringsMatch": prepare_ignore,
    "caseIgnoreIA5SubstringsMatch": prepare_ignore,
    "caseIgnoreListSubstringsMatch": prepare_ignore,
    "caseExactSubstringsMatch": prepare_exact,
    "caseExactIA5SubstringsMatch": prepare_exact,
    "telephoneNumberSubstringsMatch": prepare_telephone,
}


@cached(1_024)
def equality_function(attribute: str) -> KeyFunction:
    """Return the function from a value to its key under the equality rule of the attribute type with key `attribute`.

    An unknown type is compared as caseIgnoreMatch when the value is text, else octet by octet.
    """
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is None:
        return lambda value: _case_ignore(value) or value
    return KEYS.get(known.equality or "", lambda _value: None)


def equality_key(attribute: str, value: bytes) -> bytes | None:
    """Return the key of one value; see `equality_function`."""
    return equality_function(attribute)(value)


def has_ordering(attribute: str) -> bool:
    """Return True when >= and <= are defined for the attribute. Directory strings are ordered by their equality keys: the
    standard types name no ORDERING rule, but clients use one and servers answer."""
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is None:
        return True
    return known.ordering is not None or (known.equality or "") in ("caseIgnoreMatch", "caseIgnoreIA5Match", "caseExactMatch")


def substring_keys(
    attribute: str, initial: bytes | None, middle: Sequence[bytes], final: bytes | None
) -> tuple[bytes, list[bytes], bytes] | None:
    """Return the pieces of a substring assertion, prepared for a search in equality keys of the attribute: initial, middle and
    final ones (empty for a missing one). None when the attribute has no substring rule or a piece is not text."""
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    prepare = _SUBSTRING_PREPARATION.get((known.substring or "") if known else "caseIgnoreSubstringsMatch")
    if prepare is None:
        return None

    spaceless = prepare is prepare_telephone

    def key(piece: bytes | None, *, at_start: bool = spaceless, at_end: bool = spaceless) -> bytes:
        return prepare_piece(prepare, piece.decode(), at_start=at_start, at_end=at_end).encode() if piece else b""

    try:
        return key(initial, at_start=True), [key(piece) for piece in middle], key(final, at_end=True)
    except UnicodeDecodeError:
        return None
