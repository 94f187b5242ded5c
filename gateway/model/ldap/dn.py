"""Distinguished names (RFC 4514) and how they match (RFC 4517 §4.2.15): case, spaces, escapes, multi-valued RDNs, OIDs.

A DN's `key` is its normal form turned root first, each RDN followed by ",": an ancestor's key is a prefix of its
descendants' keys, so a subtree is the range from `key` to `subtree_end(key)` in byte order."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.model.bounded_cache import cached
from gateway.model.ldap import schema
from gateway.model.ldap.string_preparation import prepare_ignore

MAX_CHARACTERS: Final = 8 * 1024
"""The longest DN that is parsed, as in slapd: strangers send names too, and a DN of a mebibyte takes a quarter of a second."""

MAX_RDNS: Final = 128
"""Type and value pairs of a DN: deep directories have a dozen, and each costs 5 µs and more."""


class InvalidDN(ValueError):
    """The text is not a distinguished name; the message names the character."""


class AVA(NamedTuple):
    """One `type=value` of an RDN; `value` is unescaped text."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class RDN:
    """A relative distinguished name: one AVA, rarely more."""

    avas: tuple[AVA, ...]

    def __str__(self) -> str:
        return "+".join(f"{ava.type}={escape(ava.value)}" for ava in self.avas)

    @property
    def key(self) -> str:
        """The normal form: types by their first name, values prepared and escaped, AVAs sorted."""
        return "+".join(sorted(f"{schema.canonical(ava.type)}={_escape_key(prepare_ignore(ava.value))}" for ava in self.avas))


@dataclass(frozen=True, slots=True)
class DN:
    """A distinguished name, leaf first. Equality of two DNs is equality of their `key`s."""

    rdns: tuple[RDN, ...]

    @staticmethod
    def parse(text: str) -> "DN":
        """Parse the string form (RFC 4514 §3). Raises InvalidDN."""
        return DN(_parse(text))

    def __str__(self) -> str:
        return ",".join(map(str, self.rdns))

    @property
    def key(self) -> str:
        """See the head of this file; "" for the empty DN."""
        return "".join(f"{rdn.key}," for rdn in reversed(self.rdns))

    @property
    def parent(self) -> "DN":
        """The DN without its first RDN; the empty DN is its own parent."""
        return DN(self.rdns[1:])

    def child(self, attribute_type: str, value: str) -> "DN":
        """Return the DN of an entry right below."""
        return DN((RDN((AVA(attribute_type, value),)), *self.rdns))


_SPECIAL = re.compile(r'[,+"\\<>;=\x00-\x1f\x7f]')
_KEY_SPECIAL = re.compile(r"[,+\\\x00-\x1f\x7f]")
_PLAIN = re.compile(r'[^\\"+;#<>\x00-\x1f\x7f]*')
"""Text that has no escapes, quotes or multi-valued RDNs: it can be split at commas."""

_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|(?:[oO][iI][dD]\.)?[0-9]+(?:\.[0-9]+)*)\s*= *")
_HEX_STRING = re.compile(r"#((?:[0-9A-Fa-f]{2})+)\s*(?=[,+;]|$)")


def _hex(match: re.Match[str]) -> str:
    return "".join(f"\\{byte:02x}" for byte in match.group().encode())


def _escape_key(value: str) -> str:
    return _KEY_SPECIAL.sub(_hex, value) if not _is_key_plain(value) else value


def _is_key_plain(value: str) -> bool:
    return value.isprintable() and "," not in value and "+" not in value and "\\" not in value


def escape(value: str) -> str:
    """Escape a value for a DN's text (RFC 4514 §2.4)."""
    escaped = _SPECIAL.sub(lambda m: f"\\{m.group()}" if m.group() >= " " and m.group() != "\x7f" else _hex(m), value)
    if value[-1:] == " " and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return "\\" + escaped if value[:1] in (" ", "#") else escaped


def _parse(text: str) -> tuple[RDN, ...]:
    rdns: list[RDN] = []
    avas: list[AVA] = []
    position = 0
    if not text.strip():
        return ()
    _check_size(text)
    while True:
        matched = _TYPE.match(text, position)
        if not matched:
            raise InvalidDN(f"{text!r} is not a distinguished name: no attribute type at character {position + 1}")
        attribute_type = matched.group(1)
        if attribute_type[:4].lower() == "oid.":
            attribute_type = attribute_type[4:]
        value, position = _value(text, matched.end())
        avas.append(AVA(attribute_type, value))
        separator = text[position : position + 1]
        position += 1
        if separator == "+":
            continue
        rdns.append(RDN(tuple(avas)))
        avas = []
        if not separator:
            return tuple(rdns)


def _check_size(text: str) -> None:
    """Raise InvalidDN for a DN over the limits. An escaped separator counts as well."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidDN(f"a distinguished name of {len(text)} characters is over the limit of {MAX_CHARACTERS}")
    if len(text) > MAX_RDNS and sum(map(text.count, ",;+")) >= MAX_RDNS:
        raise InvalidDN(f"a distinguished name may have {MAX_RDNS} RDNs, and this one has more")


def _value(text: str, position: int) -> tuple[str, int]:
    """Return the value that starts at `position`, unescaped, and the position of the separator after it."""
    if text[position : position + 1] == "#":
        return _hex_value(text, position)
    if text[position : position + 1] == '"':
        return _quoted_value(text, position + 1)
    octets = bytearray()
    kept = 0
    while position < len(text) and text[position] not in ",+;":
        character = text[position]
        if character == "\\":
            decoded, position = _escaped(text, position)
            octets += decoded
            kept = len(octets)
            continue
        if character in '"<>':
            raise InvalidDN(f"{text!r} is not a distinguished name: {character!r} at character {position + 1} must be escaped")
        octets += character.encode("utf-8", "surrogatepass")
        if character != " ":
            kept = len(octets)
        position += 1
    return _decode(bytes(octets[:kept]), text), position


def _escaped(text: str, position: int) -> tuple[bytes, int]:
    pair = text[position + 1 : position + 3]
    if len(pair) == 2 and re.fullmatch("[0-9A-Fa-f]{2}", pair):
        return bytes.fromhex(pair), position + 3
    if pair:
        return pair[0].encode("utf-8", "surrogatepass"), position + 2
    raise InvalidDN(f"{text!r} is not a distinguished name: it ends with a backslash")


def _quoted_value(text: str, position: int) -> tuple[str, int]:
    """Parse RFC 2253's quoted form, which RFC 4514 lets servers accept."""
    octets = bytearray()
    while position < len(text) and text[position] != '"':
        if text[position] == "\\":
            decoded, position = _escaped(text, position)
            octets += decoded
        else:
            octets += text[position].encode("utf-8", "surrogatepass")
            position += 1
    rest = re.compile(r'"\s*(?=[,+;]|$)').match(text, position)
    if not rest:
        raise InvalidDN(f"{text!r} is not a distinguished name: a quote is not closed")
    return _decode(bytes(octets), text), rest.end()


def _hex_value(text: str, position: int) -> tuple[str, int]:
    """Parse `#` and the BER of a value: a string type becomes text; other types stay in the # form."""
    matched = _HEX_STRING.match(text, position)
    if not matched:
        raise InvalidDN(f"{text!r} is not a distinguished name: bad hexadecimal at character {position + 1}")
    octets = bytes.fromhex(matched.group(1))
    string_tags = (0x04, 0x0C, 0x12, 0x13, 0x16)
    if len(octets) >= 2 and octets[0] in string_tags and octets[1] == len(octets) - 2 < 0x80:
        return _decode(octets[2:], text), matched.end()
    return f"#{matched.group(1).lower()}", matched.end()


def _decode(octets: bytes, text: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise InvalidDN(f"{text!r} is not a distinguished name: a value is not UTF-8") from None


@cached(4_096)
def _plain_rdn(rdn: str) -> str | None:
    """Return an RDN's part of the key, or None when it needs the full parser. Most RDNs of a DN are in the cache."""
    attribute_type, equals, value = rdn.partition("=")
    value = prepare_ignore(value)
    if not equals or not value or not _is_key_plain(value):
        return None
    attribute_type = attribute_type.strip()
    if not (attribute_type.isascii() and attribute_type.isalpha()):
        return None
    return f"{schema.canonical(attribute_type)}={value},"


def _plain_key(text: str) -> str | None:
    """Return the key of a DN without escapes and the like, or None when it needs the full parser."""
    parts = []
    for rdn in text.split(","):
        part = _plain_rdn(rdn)
        if part is None:
            return None
        parts.append(part)
    parts.reverse()
    return "".join(parts)


@cached(16_384)
def key(text: str) -> str:
    """Return `DN.parse(text).key`, faster. Raises InvalidDN."""
    _check_size(text)
    if text and _PLAIN.fullmatch(text):
        plain = _plain_key(text)
        if plain is not None:
            return plain
    return DN.parse(text).key


def from_key(dn_key: str) -> str:
    """Return a DN with this key, in the normal form: for messages, when the spelling is not known."""
    return ",".join(reversed(dn_key.removesuffix(",").split(",")))


def parent_key(dn_key: str) -> str:
    """Return the key of the parent of the entry with `dn_key`; "" above a top entry."""
    return dn_key[: dn_key.rfind(",", 0, -1) + 1]


def subtree_end(dn_key: str) -> str:
    """Return the end (exclusive) of the range of keys that starts with `dn_key`: "-" follows "," in byte order."""
    return dn_key[:-1] + "-" if dn_key else "\U0010ffff"
