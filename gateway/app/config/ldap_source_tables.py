"""The `[[source]]` tables of sources that are LDAP directories: how to reach one, and what is read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, PositiveFloat, PositiveInt, SecretStr, model_validator

from gateway.app.config.source_tables import KindTable, NotNegative, Source, Urls, UsersTable
from gateway.app.config.value_types import DNTexts, EnvironmentSecret, ExistingPath, FileSecret, chosen_secret, listed
from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryKindSettings,
    ActiveDirectoryMode,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.connectors.ldap.client.settings import ENTRY_UUID, KindSettings, Upstream, bind_name
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings, openldap_kind_settings
from gateway.model.expressions.expression import Expression
from gateway.model.mapping.defaults import DOMAIN_ATTRIBUTES
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind

_DIGEST = re.compile(r"[0-9a-f]{64}")


def _digests(value: Any) -> tuple[bytes, ...]:
    """SHA-256 digests as openssl and others print them: hexadecimal, with or without colons."""
    found = []
    for text in listed(value):
        digits = text.hex() if isinstance(text, bytes) else str(text).replace(":", "").strip().lower()
        if not _DIGEST.fullmatch(digits):
            raise ValueError(
                f"{text!r} is not the SHA-256 digest of a certificate; "
                "openssl x509 -in FILE -noout -fingerprint -sha256 prints it"
            )
        found.append(bytes.fromhex(digits))
    return tuple(found)


def _hexadecimal(digests: tuple[bytes, ...]) -> list[str]:
    return [digest.hex() for digest in digests]


def _bind_name(text: str) -> str:
    try:
        return bind_name(text)
    except ValueError as error:
        raise ValueError(f'{error}; write it like "cn=reader,dc=example,dc=com"') from None


BindName = Annotated[str, AfterValidator(_bind_name)]
Digests = Annotated[tuple[bytes, ...], BeforeValidator(_digests), PlainSerializer(_hexadecimal)]


class LdapSourceTable(Source):
    """What every source has that is read by LDAP. `certificate_sha256`: the digests of the servers' own certificates, which
    then need no authority; `ca_file`: the authority; without either, the system's authorities count."""

    url: Urls
    start_tls: bool = False
    ca_file: ExistingPath | None = None
    certificate_sha256: Digests = ()
    bind_dn: BindName = ""
    password: SecretStr | None = None
    password_file: FileSecret | None = None
    password_env: EnvironmentSecret | None = None
    authentication: bool = True
    jit: bool = False
    offline_bind_seconds: NotNegative = 0
    page_size: PositiveInt = 1000
    connect_timeout_seconds: PositiveFloat = 10
    answer_timeout_seconds: PositiveFloat = 60
    bind_timeout_seconds: PositiveFloat = 5
    bind_connections: PositiveInt = 8
    users: KindTable = UsersTable()
    organizations: KindTable = KindTable()
    groups: KindTable = KindTable()

    @model_validator(mode="after")
    def _enters(self) -> Self:
        secrets = (self.password, self.password_file, self.password_env)
        if sum(value is not None for value in secrets) > 1:
            raise ValueError("password, password_file and password_env exclude each other; keep one")
        if self.bind_dn and self.secret_password is None:
            raise ValueError('bind_dn is given without a password; add password_file = "…" (or password_env)')
        if not self.bind_dn and self.secret_password is not None:
            raise ValueError('a password is given without bind_dn; add bind_dn = "cn=…"')
        if not any(table.all_bases for _, table in self.tables()):
            raise ValueError('nothing would be read; add [source.users] with base = "ou=people,…"')
        if self.jit:
            self._check_newcomers()
        return self

    def _check_newcomers(self) -> None:
        if not self.authentication:
            raise ValueError("jit lets people in by their password at the source; with authentication = false none is asked")
        if not self.users.all_bases:
            raise ValueError('jit looks people up at the source; add [source.users] with base = "ou=people,…"')
        mapped = self.users.mapping.get("username", ("by default",))
        if isinstance(mapped, Expression) or not any(mapped):
            raise ValueError(
                "jit looks people up by their login name, which an expression cannot be turned round to; "
                'map username to an attribute, such as username = "uid"'
            )

    @property
    def secret_password(self) -> str | None:
        """The password of `bind_dn`; never print it."""
        return chosen_secret(self.password, self.password_file, self.password_env)

    def tables(self) -> tuple[tuple[Kind, KindTable], ...]:
        """The tables of the kinds."""
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def upstream(self) -> Upstream:
        """How to reach the directory; raises ValueError with a sentence when the keys do not fit together."""
        return Upstream(
            urls=self.url,
            start_tls=self.start_tls,
            ca_file=self.ca_file,
            certificate_sha256=self.certificate_sha256,
            bind_dn=self.bind_dn,
            password=self.secret_password or "",
            connect_seconds=self.connect_timeout_seconds,
            answer_seconds=self.answer_timeout_seconds,
        )


class OpenLDAPSourceTable(LdapSourceTable):
    """`kind = "openldap"`: OpenLDAP or another server that follows RFC 4510; read by RFC 4533 where it is offered."""

    kind: Literal["openldap"]
    password_modify: bool = False
    password_reset: bool = False
    mode: OpenLDAPMode = OpenLDAPMode.AUTO
    id_attribute: str = ENTRY_UUID
    probe_seconds: PositiveFloat = 30
    users: UsersTable = UsersTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password_reset and not self.bind_dn:
            raise ValueError("password_reset needs an account that may change passwords; give bind_dn and its password")
        if not self.authentication and (self.offline_bind_seconds or self.password_modify or self.password_reset):
            raise ValueError(
                "offline_bind_seconds, password_modify and password_reset are about passwords that are asked of the source; "
                "with authentication = false none is"
            )
        self.settings()
        return self

    def settings(self) -> OpenLDAPSettings:
        """What the connector needs; raises ValueError with a sentence when the keys do not fit together."""
        return OpenLDAPSettings(
            id=self.name,
            upstream=self.upstream(),
            kinds=tuple(self._kinds()),
            mode=self.mode,
            id_attribute=self.id_attribute,
            page_size=self.page_size,
            probe_seconds=self.probe_seconds,
        )

    def _kinds(self) -> Iterator[KindSettings]:
        rule = self.users.enabled.rule() if self.users.enabled else None
        for kind, table in self.tables():
            if table.all_bases:
                mapping = default_mapping(kind, table.mapping, rule if kind is Kind.USER else None)
                yield openldap_kind_settings(kind, table.all_bases, table.filter, mapping)


class DomainKindTable(KindTable):
    """The same for a domain: what lies below `exclude` is not read."""

    exclude: DNTexts = ()


class DomainUsersTable(DomainKindTable, UsersTable):
    """`[source.users]` of a domain. Without `enabled`, userAccountControl and accountExpires decide."""


class ActiveDirectorySourceTable(LdapSourceTable):
    """`kind = "active_directory"`: domain controllers of one domain, Windows' or Samba's."""

    kind: Literal["active_directory"]
    mode: ActiveDirectoryMode = ActiveDirectoryMode.AUTO
    poll_seconds: PositiveFloat = 30
    users: DomainUsersTable = DomainUsersTable()
    organizations: DomainKindTable = DomainKindTable()
    groups: DomainKindTable = DomainKindTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.bind_dn:
            raise ValueError(
                'a domain controller shows nothing to strangers; add bind_dn = "reader@example.com" and its password'
            )
        if not self.authentication and self.offline_bind_seconds:
            raise ValueError(
                "offline_bind_seconds is about passwords that are asked of the source; with authentication = false none is"
            )
        self.settings()
        return self

    def settings(self) -> ActiveDirectorySettings:
        """What the connector needs; raises ValueError with a sentence when the keys do not fit together."""
        return ActiveDirectorySettings(
            id=self.name,
            upstream=self.upstream(),
            kinds=tuple(self._kinds()),
            mode=self.mode,
            page_size=self.page_size,
            poll_seconds=self.poll_seconds,
        )

    def _kinds(self) -> Iterator[ActiveDirectoryKindSettings]:
        rule = self.users.enabled.rule() if self.users.enabled else None
        tables = ((Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups))
        for kind, table in tables:
            if table.all_bases:
                mapping = default_mapping(kind, table.mapping, rule if kind is Kind.USER else None, DOMAIN_ATTRIBUTES[kind])
                yield active_directory_kind_settings(kind, table.all_bases, table.filter, mapping, table.exclude)
