"""Application: a program that reads from the gateway, and writes where it is granted that. Its LDAP identity and its HTTP
client are one thing."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.model.objects import ROOT_ORGANIZATION_ID


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the directory that an application may see: its organizations with everything below them, and its groups
    (`group_ids` None: every group)."""

    organization_ids: tuple[str, ...] = (ROOT_ORGANIZATION_ID,)
    group_ids: tuple[str, ...] | None = None

    @property
    def is_everything(self) -> bool:
        """True when nothing is hidden: no narrowing is needed."""
        return ROOT_ORGANIZATION_ID in self.organization_ids and self.group_ids is None


class Grant(StrEnum):
    """A permission of an application beside reading. No application has any by default."""

    WRITE = "write"
    """Add, modify, delete and rename, within its scope."""
    PROXY = "proxy"
    """Act as another party (RFC 4370)."""
    PASSWORDS = "passwords"
    """Set the passwords of the people within its scope."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application. `name` is the LDAP name (`cn=<name>,ou=applications,<base>`); `id` is the API's applicationId and
    client_id.

    `views`: the LDAP views granted, by name; empty means the first view. `attributes`: the LDAP attribute types it may
    read, lower case; None means all. `certificate_names`: a TLS client certificate that carries one of them is this
    application (certificate_names.py). `version` grows with every change to the application,
    `secret_version` with every credential that ends (the secret, a certificate's name): by them a connection notices it.

    `secret_number`: of its newest secret; the one before it has `old_secret_number` while it is valid too, to the end at
    `old_secret_until` (None: until it is ended). `secret_used`: the number of the secret by which this value was got; 0: none.
    A second secret is no change to the application: what is bound and under way goes on, so these are not compared.
    """

    id: str
    name: str
    created_at: datetime
    description: str = ""
    enabled: bool = True
    scope: Scope = Scope()
    views: tuple[str, ...] = ()
    attributes: frozenset[str] | None = None
    grants: frozenset[str] = frozenset()
    certificate_names: tuple[str, ...] = ()
    version: int = 1
    secret_version: int = 1
    secret_number: int = field(default=1, compare=False)
    old_secret_number: int | None = field(default=None, compare=False)
    old_secret_until: datetime | None = field(default=None, compare=False)
    secret_used: int = field(default=0, compare=False)

    def accepts(self, secret_number: int, now: datetime) -> bool:
        """Return whether the secret of this number is valid; 0, a client that has proved itself otherwise, is."""
        if secret_number in (0, self.secret_number):
            return True
        return secret_number == self.old_secret_number and (self.old_secret_until is None or now < self.old_secret_until)


@dataclass(frozen=True, slots=True)
class ApplicationPassword:
    """A password of one person for one application. `id` is part of the password; the rest of it is not kept."""

    id: str
    user_id: str
    application_id: str
    application_name: str
    name: str
    created_at: datetime
