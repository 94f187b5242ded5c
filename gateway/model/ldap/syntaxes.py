"""The check of a value against its attribute's syntax (RFC 4517 §3.3), as strict as slapd's. Pure.

Values in directories often violate it (a telephone number with a `*`) and are returned to clients as they are; but one such
value ends the replication of a server that checks them."""

import re
from collections.abc import Callable, Mapping

from gateway.model.ldap import schema

Check = Callable[[bytes], object]
"""True-ish for a value that follows the syntax."""


def _is_text(value: bytes) -> bool:
    try:
        return bool(value.decode())
    except UnicodeDecodeError:
        return False


def _is_ia5(value: bytes) -> bool:
    return bool(value) and value.isascii()


def _is_der_sequence(value: bytes) -> bool:
    """Return True for a certificate by its outer octets: a SEQUENCE of this length that begins with a SEQUENCE."""
    if len(value) < 0x84 or value[0] != 0x30 or not 0x81 <= value[1] <= 0x84:
        return False
    head = 2 + value[1] - 0x80
    return head + int.from_bytes(value[2:head], "big") == len(value) and value[head] == 0x30


_PRINTABLE = re.compile(rb"[A-Za-z0-9'()+,\-./:?= ]+").fullmatch

_CHECKS: Mapping[str, Check] = {
    "6": re.compile(rb"'[01]*'B").fullmatch,
    "8": _is_der_sequence,
    "11": re.compile(rb"[A-Za-z0-9'()+,\-./:?= ]{2}").fullmatch,
    "15": _is_text,
    "22": re.compile(rb"[A-Za-z0-9'()+,\-./:?= ]+(?:\$[A-Za-z0-9]+)*").fullmatch,
    "26": _is_ia5,
    "27": re.compile(rb"0|-?[1-9][0-9]*").fullmatch,
    "41": lambda value: _is_text(value) and re.fullmatch(rb"(?:[^\\]|\\24|\\5[Cc])+", value),
    "44": _PRINTABLE,
    "50": _PRINTABLE,
}
"""Last number of the syntax's OID → check; values of other syntaxes always pass."""

_STRICTER: Mapping[str, Check] = {"serialnumber": _PRINTABLE}
"""Attribute types for which RFC 4519 is stricter than the schema here."""

_COMMON = "1.3.6.1.4.1.1466.115.121.1."


class Checks(dict[bytes, Check]):
    """Attribute description as spelled → its check; each is looked up once."""

    def __missing__(self, description: bytes) -> Check:
        key = schema.canonical(description.decode("utf-8", "replace").partition(";")[0])
        known = schema.ATTRIBUTE_TYPES.get(key)
        syntax = known.syntax if known is not None else ""
        by_syntax = _CHECKS.get(syntax.removeprefix(_COMMON).partition("{")[0], _anything)
        check = self[description] = _STRICTER.get(key, by_syntax)
        return check


def _anything(_value: bytes) -> bool:
    return True
