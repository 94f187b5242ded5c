"""The settings that every LDAP source shares, as frozen values: the server, and the bases and filter of each kind.

A wrong value raises ValueError with a sentence; the configuration adds file, table and key."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.model.ldap import dn as names
from gateway.model.mapping.inbound import InboundMapping
from gateway.model.objects import Kind
from gateway.wire import filters

ENTRY_UUID: Final = "entryUUID"

_WINDOWS_NAME: Final = re.compile(r"[^=,@\\]+@[^=,@\\]+|[^=,@\\]+\\[^=,\\]+")
"""user@domain or DOMAIN\\user: the names that Active Directory takes in a bind beside the DN ([MS-ADTS] §5.1.1.1.1)."""

CLEAR_TEXT_CURE: Final = "use an ldaps:// URL, or set start_tls = true"

_DEFAULT_PORTS: Final = {"ldap": 389, "ldaps": 636}


def bind_name(text: str) -> str:
    """Return `text` if it is a DN, user@domain or DOMAIN\\user; otherwise raise ValueError."""
    if any(ord(character) < 32 for character in text):  # "CORP\reader" in TOML: a carriage return
        raise ValueError("a name has no control characters; a name with a backslash stands in single quotes: 'DOMAIN\\user'")
    if not _WINDOWS_NAME.fullmatch(text):
        names.DN.parse(text)
    return text


@dataclass(frozen=True, slots=True)
class Address:
    """The address of one server, parsed from its URL."""

    url: str
    host: str
    port: int
    tls: bool
    """TLS from the first octet (ldaps)."""

    @property
    def is_loopback(self) -> bool:
        """True when the URL names this machine itself, by its loopback address or as localhost."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower().rstrip(".") == "localhost"

    @staticmethod
    def parse(url: str) -> "Address":
        """Parse `ldap://host[:port]` or `ldaps://host[:port]`; raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
            shown = re.sub("//.*@", "//…@", url.partition("?")[0])  # there is no place for a password, but some write one there
            raise ValueError(f"{shown!r} must be ldap://HOST, ldap://HOST:PORT, ldaps://HOST or ldaps://HOST:PORT")
        return Address(url, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], parts.scheme == "ldaps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The way to connect and bind to a directory: several `urls` are tried in order (replicas of the same content).

    `ca_file`: PEM; None is the system's trust store. `certificate_sha256`: the servers' own certificates, as digests of their
    DER form; then no other property of a certificate is checked. `renewed_password`: returns the password of `bind_dn` of now,
    where it may have been replaced since the start. Without `bind_dn` the connection stays anonymous. Seconds:
    `connect_seconds` for TCP and TLS together, `answer_seconds` for the longest silence while an answer is due.
    """

    urls: tuple[str, ...]
    start_tls: bool = False
    ca_file: Path | None = None
    certificate_sha256: tuple[bytes, ...] = ()
    bind_dn: str = ""
    password: str = field(default="", repr=False)
    renewed_password: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    connect_seconds: float = 10.0
    answer_seconds: float = 60.0

    def __post_init__(self) -> None:
        addresses = self.addresses
        if not addresses:
            raise ValueError("at least one URL is needed")
        if self.start_tls and any(address.tls for address in addresses):
            raise ValueError("start_tls is for ldap:// URLs; ldaps:// is TLS already")
        if self.bind_dn and not self.password:
            raise ValueError("bind_dn needs a password: a bind without one is anonymous (RFC 4513 §5.1.2)")
        if self.ca_file is not None and self.certificate_sha256:
            raise ValueError("ca_file and certificate_sha256 exclude each other: a pinned certificate needs no authority")
        bind_name(self.bind_dn)

    @property
    def clear_text_urls(self) -> tuple[str, ...]:
        """The URLs of other machines to which passwords would travel in the clear."""
        clear = (address for address in self.addresses if not address.tls and not self.start_tls)
        return tuple(address.url for address in clear if not address.is_loopback)

    @property
    def current_password(self) -> str:
        """The password for the next bind; never print it."""
        return self.renewed_password() if self.renewed_password is not None else self.password

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(Address.parse(url) for url in self.urls)


@dataclass(frozen=True)
class KindSettings:
    """The scope and mapping of one kind: every entry below `bases` that `filter` (RFC 4515) matches.

    A base that lies below another base is dropped. Several bases must share a suffix: they are read by one search on their
    common ancestor, so that an entry moved from one to the other is one change.
    """

    bases: tuple[str, ...]
    filter: str
    mapping: InboundMapping

    def __post_init__(self) -> None:
        if not self.bases:
            raise ValueError(f"the {self.kind}s need at least one base")
        if len(self.base_keys) > 1 and not self.search_base:
            raise ValueError(f"the bases of the {self.kind}s share no suffix: make two sources of them")
        filters.parse(self.filter)

    @property
    def kind(self) -> Kind:
        return self.mapping.kind

    @cached_property
    def base_keys(self) -> tuple[str, ...]:
        """The normalised keys of the bases, none below another, in the order given."""
        keys = [names.key(base) for base in self.bases]
        return tuple(dict.fromkeys(key for key in keys if not any(key != other and key.startswith(other) for other in keys)))

    @cached_property
    def top_bases(self) -> tuple[str, ...]:
        """The bases of `base_keys`, as spelled."""
        spelled = {names.key(base): base for base in reversed(self.bases)}
        return tuple(spelled[key] for key in self.base_keys)

    @cached_property
    def search_base(self) -> str:
        """The DN of the nearest common ancestor of the bases."""
        parsed = names.DN.parse(self.top_bases[0])
        while not all(key.startswith(parsed.key) for key in self.base_keys):
            parsed = parsed.parent
        return self.top_bases[0] if len(self.base_keys) == 1 else str(parsed)

    def contains(self, dn: str) -> bool:
        """Return True when an entry that the search found is in scope: below a base, and for organizations not a base itself
        (it stands for the organization that the source is attached to)."""
        if len(self.base_keys) == 1 and self.kind is not Kind.ORGANIZATION:
            return True
        key = names.key(dn)
        return key.startswith(self.base_keys) and not (self.kind is Kind.ORGANIZATION and key in self.base_keys)
