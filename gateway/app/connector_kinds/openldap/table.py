"""The `[[source]]` table of kind `openldap`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from gateway.app.connector_kinds.ldap.table import LdapRecordsTable, LdapSourceTable, LdapUsersTable
from gateway.connectors.ldap.client.settings import ENTRY_UUID, KindSettings
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings, openldap_kind_settings
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind


class OpenLDAPRecordsTable(LdapRecordsTable):
    """`[source.organizations]`, `[source.groups]`. `id_attribute`: of this kind; None: the source's."""

    id_attribute: str | None = Field(default=None, min_length=1)


class OpenLDAPUsersTable(OpenLDAPRecordsTable, LdapUsersTable):
    """`[source.users]`"""


class OpenLDAPSourceTable(LdapSourceTable):
    """`kind = "openldap"`: OpenLDAP or another server that follows RFC 4510; read by RFC 4533 where it is offered."""

    kind: Literal["openldap"]
    password_modify: bool = False
    password_reset: bool = False
    mode: OpenLDAPMode = OpenLDAPMode.AUTO
    id_attribute: str = Field(default=ENTRY_UUID, min_length=1)
    probe_seconds: PositiveFloat = 30
    users: OpenLDAPUsersTable = OpenLDAPUsersTable()
    organizations: OpenLDAPRecordsTable = OpenLDAPRecordsTable()
    groups: OpenLDAPRecordsTable = OpenLDAPRecordsTable()

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
        """Return the connector's settings. Raises ValueError with a sentence when the keys do not fit together."""
        return OpenLDAPSettings(
            id=self.name,
            upstream=self.upstream(),
            kinds=tuple(self._kinds()),
            mode=self.mode,
            id_attribute=self.id_attribute,
            id_attributes={kind: table.id_attribute for kind, table in self.records_tables() if table.id_attribute is not None},
            page_size=self.page_size,
            probe_seconds=self.probe_seconds,
        )

    def records_tables(self) -> tuple[tuple[Kind, OpenLDAPRecordsTable], ...]:
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def _kinds(self) -> Iterator[KindSettings]:
        for kind, table in self.records_tables():
            if table.all_bases:
                mapping = default_mapping(kind, table.mapping, self.users.enabled_rule if kind is Kind.USER else None)
                yield openldap_kind_settings(kind, table.all_bases, table.filter, mapping)
