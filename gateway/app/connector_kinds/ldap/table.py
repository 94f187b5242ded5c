"""The keys of the `[[source]]` tables of all kinds that are LDAP directories: how to reach one, and what is read of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Protocol, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

from gateway.app.configured_secrets import EnvironmentSecret, FileSecret, chosen_secret
from gateway.app.connector_kinds.records_table import MappedRecordsTable, UsersTable
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.value_types import DNTexts, ExistingPath, FilterText, NotNegative, listed
from gateway.connectors.ldap.client.settings import CLEAR_TEXT_CURE, Address, KindSettings, Upstream, bind_name
from gateway.model.expressions.expression import Expression
from gateway.model.objects import Kind

_DIGEST = re.compile(r"[0-9a-f]{64}")


def _digests(value: object) -> tuple[bytes, ...]:
    """Return SHA-256 digests as openssl and others print them: hexadecimal, with or without colons."""
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
Url = Annotated[str, AfterValidator(lambda text: Address.parse(text).url)]
Urls = Annotated[tuple[Url, ...], BeforeValidator(listed)]
Digests = Annotated[tuple[bytes, ...], BeforeValidator(_digests), PlainSerializer(_hexadecimal)]


class LdapRecordsTable(MappedRecordsTable):
    """`[source.organizations]` and so on: the records of one kind are the entries below the bases that the filter matches."""

    base: DNTexts = ()
    bases: DNTexts = ()
    filter: FilterText | None = None

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        if self.base and self.bases:
            raise ValueError("base and bases exclude each other; keep one (both take one name or a list)")
        return self

    @property
    def all_bases(self) -> tuple[str, ...]:
        return self.base or self.bases


class LdapUsersTable(LdapRecordsTable, UsersTable):
    """`[source.users]`"""


class LdapSourceTable(SourceTable):
    """A source that is read by LDAP. `certificate_sha256`: the digests of the servers' own certificates, which
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
    users: LdapUsersTable = LdapUsersTable()
    organizations: LdapRecordsTable = LdapRecordsTable()
    groups: LdapRecordsTable = LdapRecordsTable()

    @model_validator(mode="after")
    def _can_bind(self) -> Self:
        secrets = (self.password, self.password_file, self.password_env)
        if sum(value is not None for value in secrets) > 1:
            raise ValueError("password, password_file and password_env exclude each other; keep one")
        if self.bind_dn and self.secret_password is None:
            raise ValueError('bind_dn is given without a password; add password_file = "…" (or password_env)')
        if not self.bind_dn and self.secret_password is not None:
            raise ValueError('a password is given without bind_dn; add bind_dn = "cn=…"')
        if not any(table.all_bases for _, table in self.records_tables()):
            raise ValueError('nothing would be read; add [source.users] with base = "ou=people,…"')
        if self.jit:
            self._check_jit()
        return self

    def _check_jit(self) -> None:
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

    @property
    def authenticates(self) -> bool:
        return self.authentication

    def warnings(self) -> Iterator[str]:
        """See SourceTable.warnings."""
        for url in self.upstream().clear_text_urls:
            yield f"source {self.name}: passwords travel to {url} in the clear; {CLEAR_TEXT_CURE}"

    def records_tables(self) -> tuple[tuple[Kind, LdapRecordsTable], ...]:
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def upstream(self) -> Upstream:
        """Return the way to the directory. Raises ValueError with a sentence when the keys do not fit together."""
        return Upstream(
            urls=self.url,
            start_tls=self.start_tls,
            ca_file=self.ca_file,
            certificate_sha256=self.certificate_sha256,
            bind_dn=self.bind_dn,
            password=self.secret_password or "",
            renewed_password=self.password_file.current if self.password_file is not None else None,
            connect_seconds=self.connect_timeout_seconds,
            answer_seconds=self.answer_timeout_seconds,
        )


class ReadSettings(Protocol):
    """The settings of a connector that reads several kinds of objects by LDAP."""

    @property
    def ordered_kinds(self) -> tuple[KindSettings, ...]:
        """The settings of each kind that is read, in the order of reading."""

    def fingerprint(self, settings: KindSettings) -> str:
        """Return a digest of everything that a stored position of this kind depends on."""


def fingerprint(settings: ReadSettings) -> str:
    """Return the fingerprint of a source from those of the kinds that it reads."""
    return ",".join(f"{kind.kind}={settings.fingerprint(kind)}" for kind in settings.ordered_kinds)
