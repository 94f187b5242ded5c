"""Normalized keys, by which names, mail addresses and telephone numbers are compared and looked up. Pure.

Two spellings that a person would call the same have the same key; a key is never shown."""

import unicodedata

from gateway.model.ldap.string_preparation import prepare_ignore

KEY_CHARACTERS = 256
"""Keys are cut here: PostgreSQL refuses an index entry above 2,700 bytes, and one absurd value must not stop a source."""

_DIGITS = frozenset("0123456789")
_MAX_DIGITS = 10


def name_key(name: str) -> str:
    """Return the key of a name, without regard to case, width and number of spaces (caseIgnoreMatch, RFC 4517 §4.2.11)."""
    return prepare_ignore(name).replace("\0", "")[:KEY_CHARACTERS]


def email_key(address: str) -> str:
    """Return the key of a mail address, without regard to case, also left of the @, as every known system treats addresses; a
    domain in ASCII (`xn--…`, RFC 5890) and in letters is one."""
    key = name_key(address)
    mailbox, at, domain = key.rpartition("@")
    if "xn--" not in domain:
        return key
    return name_key(mailbox + at + ".".join(map(_in_letters, domain.split("."))))


def _in_letters(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna") if label.startswith("xn--") else label
    except UnicodeError:  # only looks like one
        return label


def phone_key(number: str) -> str:
    """Return the digits of a telephone number without the prefix 00: "+49 (30) 12-3" and "0049 30 123" are both "4930123"."""
    digits = "".join(character for character in unicodedata.normalize("NFKC", number) if character in _DIGITS)
    return digits.removeprefix("00")[:KEY_CHARACTERS]


MAX_POSIX_NUMBER = 2**32 - 2
"""uid_t and gid_t have 32 bits, and (uid_t) -1 is no number (POSIX.1-2017, chown)."""


def posix_number(text: str) -> int | None:
    """Return a uidNumber or gidNumber; None for text that is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > _MAX_DIGITS:
        return None
    number = int(text)
    return number if number <= MAX_POSIX_NUMBER else None
