"""Application: a program that reads from the gateway. Its LDAP identity and its HTTP client are one thing."""

from dataclasses import dataclass
from datetime import datetime

from gateway.model.objects import ROOT_ORGANIZATION_ID


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the directory an application may see: its organizations with everything below them, and its groups
    (`group_ids` None: every group)."""

    organization_ids: tuple[str, ...] = (ROOT_ORGANIZATION_ID,)
    group_ids: tuple[str, ...] | None = None

    @property
    def is_everything(self) -> bool:
        """True when nothing is hidden: no narrowing is needed."""
        return ROOT_ORGANIZATION_ID in self.organization_ids and self.group_ids is None


@dataclass(frozen=True, slots=True)
class Application:
    """`name` is the LDAP name (`cn=<name>,ou=applications,<base>`); `id` is the API's applicationId and client_id.

    `views`: the LDAP views granted, by name; empty means the first view. `attributes`: the LDAP attribute types it may
    read, lower case; None means all.
    """

    id: str
    name: str
    created_at: datetime
    description: str = ""
    enabled: bool = True
    scope: Scope = Scope()
    views: tuple[str, ...] = ()
    attributes: frozenset[str] | None = None
