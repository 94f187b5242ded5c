"""The `[[source]]` table of kind `active_directory`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import PositiveFloat, model_validator

from gateway.app.connector_kinds.ldap.table import LdapRecordsTable, LdapSourceTable, LdapUsersTable
from gateway.app.value_types import DNTexts
from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryKindSettings,
    ActiveDirectoryMode,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.model.mapping.defaults import ACTIVE_DIRECTORY_ATTRIBUTES
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind


class DomainRecordsTable(LdapRecordsTable):
    """`[source.organizations]` and so on: what lies below `exclude` is not read."""

    exclude: DNTexts = ()


class DomainUsersTable(DomainRecordsTable, LdapUsersTable):
    """`[source.users]` of a domain. Without `enabled`, userAccountControl and accountExpires decide."""


class ActiveDirectorySourceTable(LdapSourceTable):
    """`kind = "active_directory"`: domain controllers of one domain, Windows' or Samba's."""

    kind: Literal["active_directory"]
    mode: ActiveDirectoryMode = ActiveDirectoryMode.AUTO
    poll_seconds: PositiveFloat = 30
    users: DomainUsersTable = DomainUsersTable()
    organizations: DomainRecordsTable = DomainRecordsTable()
    groups: DomainRecordsTable = DomainRecordsTable()

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

    def records_tables(self) -> tuple[tuple[Kind, DomainRecordsTable], ...]:
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def settings(self) -> ActiveDirectorySettings:
        """Return the connector's settings. Raises ValueError with a sentence when the keys do not fit together."""
        return ActiveDirectorySettings(
            id=self.name,
            upstream=self.upstream(),
            kinds=tuple(self._kinds()),
            mode=self.mode,
            page_size=self.page_size,
            poll_seconds=self.poll_seconds,
        )

    def _kinds(self) -> Iterator[ActiveDirectoryKindSettings]:
        for kind, table in self.records_tables():
            if table.all_bases:
                rule = self.users.enabled_rule if kind is Kind.USER else None
                mapping = default_mapping(kind, table.mapping, rule, ACTIVE_DIRECTORY_ATTRIBUTES[kind])
                yield active_directory_kind_settings(kind, table.all_bases, table.filter, mapping, table.exclude)
