"""The index keys of an entry: the matching keys of its values, and the text in which fragments are looked for.

Pure. Reading an entry back gives the same rows again, so that an update removes exactly what an earlier write added."""

import hashlib
from collections.abc import Container, Iterable, Sequence

from gateway.model.ldap import matching_rules, schema
from gateway.wire import entries
from gateway.wire.ber import SEQUENCE, octets, tlv

MAX_KEY_BYTES = 1024
"""Longer octet strings (photos, certificates) are indexed by their digest: enough for equality, and nothing else applies."""

NO_KEY = b""
"""The key of values that do not follow the syntax of their type: they are present, but match nothing."""

UNINDEXED = frozenset({"entrydn", "subschemasubentry", "member", "uniquemember", "memberuid"})
"""The attributes that are found otherwise: entryDN by the DN index, members by the member table, subschemaSubentry is a
constant."""


def attribute_key(description: str) -> str:
    """Return the key of an attribute description's type, without its options."""
    return schema.canonical(description.partition(";")[0])


def stored_key(attribute: str, key: bytes) -> bytes:
    """Return a matching key as it is stored: very long octet strings become their digest."""
    if len(key) <= MAX_KEY_BYTES or not is_octets(attribute):
        return key
    return b"sha256:" + hashlib.sha256(key).digest()


def is_octets(attribute: str) -> bool:
    """Return whether the attribute's values are compared octet by octet."""
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    return known is not None and known.equality in ("octetStringMatch", "bitStringMatch")


class KeyMaker:
    """The maker of matching keys, with each attribute's function looked up once."""

    def __init__(self) -> None:
        self._attributes: dict[str, tuple[str, matching_rules.KeyFunction] | None] = {}
        self._classes: dict[bytes, bytes | None] = {}

    def rows(self, attributes: Iterable[tuple[str, Sequence[bytes]]]) -> set[tuple[str, bytes]]:
        """Return (attribute key, matching key) for all values; NO_KEY for those outside their syntax."""
        found: set[tuple[str, bytes]] = set()
        for description, values in attributes:
            known = self._attributes.get(description, ())
            if known == ():
                known = self._attributes[description] = self._look_up(description)
            if known is None:
                continue
            attribute, function = known  # type: ignore[misc]
            for value in values:
                key = function(value)
                if key is None:
                    found.add((attribute, NO_KEY))
                else:
                    found.add((attribute, key if len(key) <= MAX_KEY_BYTES else stored_key(attribute, key)))
        return found

    def _look_up(self, description: str) -> tuple[str, matching_rules.KeyFunction] | None:
        attribute = attribute_key(description)
        if attribute in UNINDEXED:
            return None
        if attribute in ("objectclass", "structuralobjectclass"):
            return attribute, self._class_key
        return attribute, matching_rules.equality_function(attribute)

    def _class_key(self, value: bytes) -> bytes | None:
        """Return the key of an object class, from a cache: the same few come with every entry."""
        if value not in self._classes:
            self._classes[value] = matching_rules.equality_key("objectclass", value)
        return self._classes[value]


def fragments(wanted: Container[str], rows: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return attribute → text (its keys, a line each) for those of the wanted attributes that the entry has."""
    texts: dict[str, list[str]] = {}
    for attribute, key in rows:
        if attribute in wanted:
            texts.setdefault(attribute, []).append(key.decode())
    return {attribute: "\n".join(sorted(keys)) for attribute, keys in texts.items()}


def fragment_table(attribute: str) -> str:
    """Return the trigram index of an attribute, as SQL names it. Each has its own: the same letters stand in a person's name,
    mail and login, and a search for one must not look through the others."""
    return f'"fragment_{attribute}"'


def decoded(encoded: bytes, operational: bytes) -> list[tuple[str, list[bytes]]]:
    """Return all stored attributes of an entry."""
    _, attributes = entries.decode_entry(encoded)
    _, more = entries.decode_entry(tlv(0x64, octets(b""), tlv(SEQUENCE, operational)))
    return [(name.decode(), values) for name, values in (*attributes.items(), *more.items())]
