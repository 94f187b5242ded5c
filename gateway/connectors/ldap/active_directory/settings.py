"""The settings of an Active Directory source, as frozen values. A wrong value raises ValueError with a sentence; the
configuration adds file, table and key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from gateway.connectors.ldap.client.settings import KindSettings, Upstream
from gateway.model.ldap import dn as names
from gateway.model.mapping.defaults import ACTIVE_DIRECTORY_ATTRIBUTES
from gateway.model.mapping.inbound import InboundMapping, default_mapping
from gateway.model.objects import Kind
from gateway.wire import filters

DEFAULT_FILTERS: Final[Mapping[Kind, str]] = {
    Kind.ORGANIZATION: "(objectClass=organizationalUnit)",
    Kind.USER: "(&(objectCategory=person)(objectClass=user))",  # the class user includes computers
    Kind.GROUP: "(objectClass=group)",
}


class ActiveDirectoryMode(StrEnum):
    """The way of reading changes."""

    AUTO = "auto"
    """DIRSYNC when the account may use it, else USN."""
    DIRSYNC = "dirsync"
    """The DirSync control: the changes since a cookie, those of links too. Needs the right "Replicating Directory Changes"."""
    USN = "usn"
    """The entries whose uSNChanged has grown, tombstones included. Needs no right but to see those."""


@dataclass(frozen=True)
class ActiveDirectoryKindSettings(KindSettings):
    """KindSettings whose bases may lie in several naming contexts; entries below `exclude` are out of scope."""

    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.bases:
            raise ValueError(f"the {self.kind}s need at least one base")
        outside = [dn for dn in self.exclude if not names.key(dn).startswith(self.base_keys)]
        if outside:
            raise ValueError(f"exclude names {outside[0]!r}, which lies below no base of the {self.kind}s")
        filters.parse(self.filter)

    @cached_property
    def excluded_keys(self) -> tuple[str, ...]:
        return tuple(names.key(dn) for dn in self.exclude)

    def contains(self, dn: str) -> bool:
        """Return True when an entry that matches the filter is in scope: see KindSettings."""
        key = names.key(dn)
        if not key.startswith(self.base_keys) or key.startswith(self.excluded_keys):
            return False
        return not (self.kind is Kind.ORGANIZATION and key in self.base_keys)

    @cached_property
    def filter_attributes(self) -> frozenset[str]:
        """The attributes that the filter names, in lower case, without options."""
        return frozenset(_attributes_of(filters.parse(self.filter)))


def active_directory_kind_settings(
    kind: Kind,
    bases: tuple[str, ...],
    filter_text: str | None = None,
    mapping: InboundMapping | None = None,
    exclude: tuple[str, ...] = (),
) -> ActiveDirectoryKindSettings:
    """Return the settings of a kind, with the default filter and mapping where none is given."""
    mapping = mapping or default_mapping(kind, defaults=ACTIVE_DIRECTORY_ATTRIBUTES[kind])
    return ActiveDirectoryKindSettings(bases, filter_text or DEFAULT_FILTERS[kind], mapping, exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveDirectorySettings:
    """One source of kind `active_directory`. `poll_seconds`: the time between two reads of changes when the
    controller notifies none."""

    id: str
    upstream: Upstream
    kinds: tuple[ActiveDirectoryKindSettings, ...]
    mode: ActiveDirectoryMode = ActiveDirectoryMode.AUTO
    page_size: int = 1000
    poll_seconds: float = 30.0

    def __post_init__(self) -> None:
        given = [settings.kind for settings in self.kinds]
        if not given or len(set(given)) != len(given):
            raise ValueError("users, organizations or groups are needed, each at most once")

    @property
    def ordered_kinds(self) -> tuple[ActiveDirectoryKindSettings, ...]:
        """The kinds in the order in which they are read: organizations, users, groups."""
        order = list(Kind)
        return tuple(sorted(self.kinds, key=lambda settings: order.index(settings.kind)))

    def fingerprint(self, settings: KindSettings) -> str:
        """Return a digest of everything that a stored watermark depends on; no secret goes in. URLs do not count: a watermark
        is bound to the controller's database."""
        excluded = [kind.excluded_keys for kind in self.kinds if kind is settings]
        rules = [self.upstream.bind_dn, settings.base_keys, excluded, settings.filter, asdict(settings.mapping)]
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:32]


def _attributes_of(wanted: filters.Filter) -> set[str]:
    if isinstance(wanted, filters.And | filters.Or):
        return {name for part in wanted.filters for name in _attributes_of(part)}
    if isinstance(wanted, filters.Not):
        return _attributes_of(wanted.filter)
    return {wanted.attribute.partition(";")[0].lower()} if wanted.attribute else set()
