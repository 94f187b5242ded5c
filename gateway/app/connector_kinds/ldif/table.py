"""The `[[source]]` table of kind `ldif`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import PositiveFloat, model_validator

from gateway.app.connector_kinds.records_table import MappedRecordsTable, UsersTable
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.value_types import FilePath, Texts
from gateway.connectors.ldif.source import LdifKind, LdifSettings, ldif_kind
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind


class LdifRecordsTable(MappedRecordsTable):
    """`[source.organizations]` and so on: entries are told apart by their object classes."""

    object_classes: Texts | None = None


class LdifUsersTable(LdifRecordsTable, UsersTable):
    """`[source.users]`"""


class LdifSourceTable(SourceTable):
    """`kind = "ldif"`: an LDIF file, or a folder of *.ldif, followed for changes."""

    kind: Literal["ldif"]
    path: FilePath
    poll_seconds: PositiveFloat = 1
    stable_seconds: PositiveFloat = 1
    encoding: str = "utf-8"
    users: LdifUsersTable = LdifUsersTable()
    organizations: LdifRecordsTable = LdifRecordsTable()
    groups: LdifRecordsTable = LdifRecordsTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.settings()
        return self

    def records_tables(self) -> tuple[tuple[Kind, LdifRecordsTable], ...]:
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def settings(self) -> LdifSettings:
        """Return the connector's settings. Raises ValueError with a sentence when the keys do not fit together."""
        return LdifSettings(self.name, self.path, tuple(self._kinds()), self.poll_seconds, self.stable_seconds, self.encoding)

    def _kinds(self) -> Iterator[LdifKind]:
        for kind, table in self.records_tables():
            mapping = default_mapping(kind, table.mapping, self.users.enabled_rule if kind is Kind.USER else None)
            yield ldif_kind(kind, table.object_classes, mapping)
