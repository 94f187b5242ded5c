"""The settings of an OpenLDAP source, as frozen values. A wrong value raises ValueError with a sentence; the configuration adds
file, table and key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from gateway.connectors.ldap.client.settings import ENTRY_UUID, KindSettings, Upstream
from gateway.model.mapping.inbound import InboundMapping, default_mapping
from gateway.model.objects import Kind

DEFAULT_FILTERS: Final[Mapping[Kind, str]] = {
    Kind.ORGANIZATION: "(objectClass=organizationalUnit)",
    Kind.USER: "(objectClass=inetOrgPerson)",
    Kind.GROUP: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
}


class OpenLDAPMode(StrEnum):
    """The way of reading a source."""

    AUTO = "auto"
    """RFC 4533 where the server offers it, else POLL."""
    PERSIST = "persist"
    """RFC 4533 refreshAndPersist; a server that does not offer it is refused."""
    REFRESH = "refresh"
    """RFC 4533 refreshOnly with the stored cookie, on the reader's schedule."""
    POLL = "poll"
    """A paged full read (RFC 2696) with reconciliation, on the reader's schedule."""


def openldap_kind_settings(
    kind: Kind, bases: tuple[str, ...], filter_text: str | None = None, mapping: InboundMapping | None = None
) -> KindSettings:
    """Return the settings of a kind, with the default filter and mapping where none is given."""
    return KindSettings(bases, filter_text or DEFAULT_FILTERS[kind], mapping or default_mapping(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLDAPSettings:
    """One source of kind `openldap`. `kinds`: the kinds that are read; a missing one is not read at all.

    `id_attributes`: of the kinds that have another one than `id_attribute`. With one that is not entryUUID the source is read
    by POLL only: RFC 4533 reports deletions by entryUUID.
    """

    id: str
    upstream: Upstream
    kinds: tuple[KindSettings, ...]
    mode: OpenLDAPMode = OpenLDAPMode.AUTO
    id_attribute: str = ENTRY_UUID
    id_attributes: Mapping[Kind, str] = field(default_factory=dict)
    page_size: int = 1000
    probe_seconds: float = 30.0
    """The silence after which a followed server is probed."""

    def __post_init__(self) -> None:
        given = [settings.kind for settings in self.kinds]
        if not given or len(set(given)) != len(given):
            raise ValueError("users, organizations or groups are needed, each at most once")
        if not self.identifies_by_uuid and self.mode in (OpenLDAPMode.PERSIST, OpenLDAPMode.REFRESH):
            raise ValueError(f"mode {self.mode} needs id_attribute {ENTRY_UUID}: deletions are reported by it")

    @property
    def identifies_by_uuid(self) -> bool:
        return all(self.id_attribute_of(one.kind).lower() == ENTRY_UUID.lower() for one in self.kinds)

    def id_attribute_of(self, kind: Kind) -> str:
        """Return the attribute that identifies the entries of a kind."""
        return self.id_attributes.get(kind, self.id_attribute)

    @property
    def ordered_kinds(self) -> tuple[KindSettings, ...]:
        """The kinds in the order in which they are read: organizations, users, groups."""
        order = list(Kind)
        return tuple(sorted(self.kinds, key=lambda settings: order.index(settings.kind)))

    def fingerprint(self, settings: KindSettings) -> str:
        """Return a digest of everything that a stored cookie depends on; no secret goes in."""
        server = [list(self.upstream.urls), self.upstream.bind_dn, self.id_attribute_of(settings.kind)]
        scope = [settings.base_keys, settings.filter, asdict(settings.mapping)]
        return hashlib.sha256(json.dumps([server, scope], sort_keys=True).encode()).hexdigest()[:32]
