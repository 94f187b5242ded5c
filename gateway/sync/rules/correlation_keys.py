"""The keys by which values are compared when a record looks for its object. Pure.

Two values that a person would call the same have the same key: Unicode NFKC, no case, one space where there are several. What
is empty has none, and so never matches."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from gateway.model.ldap.string_preparation import prepare_ignore
from gateway.model.objects import Value

EXTERNAL_ID: Final = "external_id"
"""In a rule, beside our attribute names: of a record its id at its source, of an object those of all its records."""

PATH: Final = "path"
"""In a rule for organizations: the names from the root down."""

MAX_KEY_CHARACTERS: Final = 256
"""As for names: PostgreSQL refuses an index entry above 2,700 bytes. Longer values are compared by a hash of theirs."""


def keys_of(values: Iterable[Value]) -> frozenset[str]:
    """Return the keys of the values of an attribute."""
    return frozenset(key for value in values if (key := _key(value)))


def path_key(parent_id: str, name: str) -> str:
    """Return the key of an organization by its place: the same parent and the same name make the same path."""
    key = _key(name)
    return f"{parent_id}/{key}" if key else ""


def _key(value: Value) -> str:
    prepared = value.hex() if isinstance(value, bytes) else prepare_ignore(value).replace("\0", "")
    if len(prepared) <= MAX_KEY_CHARACTERS:
        return prepared
    return "blake2b:" + blake2b(prepared.encode("utf-8", "replace")).hexdigest()
