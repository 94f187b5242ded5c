"""Names of client certificates as an administrator writes them: `dns:`, `email:` and `uri:` before one of the subjectAltNames
of that type, a DN for the subject; a plain host name is a `dns:` name.

Each type is a namespace of its own: who may have a certificate for a mail address may not pass for a host of that name."""

import re
from typing import Final, NamedTuple

from gateway.model.errors import InvalidInput
from gateway.model.ldap import dn
from gateway.model.ldap.dn import InvalidDN

SUBJECT: Final = "subject"
DNS: Final = "dns"
EMAIL: Final = "email"
URI: Final = "uri"

_HOST: Final = re.compile(r"[A-Za-z0-9*_-]+(\.[A-Za-z0-9_-]+)*\.?")


class NameKey(NamedTuple):
    """A name by which certificates are compared, within its type: DNs by their values, hosts and mail addresses in any case."""

    type: str
    value: str


def key_of(name: str) -> NameKey:
    """Return the key of a written name."""
    type_, colon, value = name.partition(":")
    if colon and type_.lower() in (DNS, EMAIL, URI):
        return typed(type_.lower(), value)
    subject = subject_key(name)
    return NameKey(SUBJECT, subject) if subject else typed(DNS, name)


def typed(type_: str, value: str) -> NameKey:
    """Return the key of a subjectAltName."""
    return NameKey(type_, value if type_ == URI else value.lower())


def subject_key(name: str) -> str | None:
    """Return the key of a DN; None for the empty one as well: a certificate without a subject matches no application."""
    try:
        return dn.key(name) or None
    except InvalidDN:
        return None


def check(name: str) -> None:
    """Raise InvalidInput for a name that no certificate can have as it is written."""
    key = key_of(name)
    if key.type == EMAIL and "@" not in key.value:
        raise InvalidInput(f"{name!r} is no mail address: write it like email:ops@example.com")
    if key.type == URI and ":" not in key.value:
        raise InvalidInput(f"{name!r} is no URI: write it like uri:spiffe://example.com/portal")
    if key.type == DNS and not _HOST.fullmatch(key.value):
        raise InvalidInput(
            f"{name!r} is no name of a certificate: write a subject's DN, a host name (dns:portal.example.com), "
            "email:ops@example.com or uri:spiffe://example.com/portal"
        )
