"""The keys by which values are compared when a record looks for its object. Pure.

Two values that a person would call the same have the same key: Unicode NFKC, no case, one space where there are several. What
is empty has none, and so never matches. A mail address whose domain is in ASCII (`xn--…`, RFC 5890) has the key of the one in
letters as well."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from gateway.model.ldap.string_preparation import prepare_ignore
from gateway.model.objects import Value
from gateway.store.engine.normalized_keys import email_key

EXTERNAL_ID: Final = "external_id"
"""In a rule, beside our attribute names: of a record its id at its source, of an object those of all its records."""

PATH: Final = "path"
"""In a rule for organizations: the names from the root down."""

MAX_KEY_CHARACTERS: Final = 256
"""As for names: PostgreSQL refuses an index entry above 2,700 bytes. Longer values are compared by a hash of theirs."""


def keys_of(values: Iterable[Value]) -> frozenset[str]:
    """Return the keys of the values of an attribute."""
    given = list(values)
    keys = {key for value in given if (key := _key(value))}
    # Both keys of it: objects may be stored under that of the spelling that their source has.
    keys.update(email_key(value) for value in given if isinstance(value, str) and _is_ascii_form(value))
    return frozenset(keys)


def path_key(parent_id: str, name: str) -> str:
    """Return the key of an organization by its place: the same parent and the same name make the same path."""
    key = _key(name)
    return f"{parent_id}/{key}" if key else ""


def _is_ascii_form(value: str) -> bool:
    return "@" in value and "xn--" in value.lower() and len(value) <= MAX_KEY_CHARACTERS


def _key(value: Value) -> str:
    prepared = value.hex() if isinstance(value, bytes) else prepare_ignore(value).replace("\0", "")
    if len(prepared) <= MAX_KEY_CHARACTERS:
        return prepared
    return "blake2b:" + blake2b(prepared.encode("utf-8", "replace")).hexdigest()
