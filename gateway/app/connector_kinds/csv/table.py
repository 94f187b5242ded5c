"""The `[[source]]` table of kind `csv`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from gateway.app.connector_kinds.records_table import RecordsTable, UsersTable
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.value_types import FilePath, Texts
from gateway.connectors.csv.settings import CsvSettings, user_mapping


class CsvSourceTable(SourceTable):
    """`kind = "csv"`: an export of a personnel system, or a folder of *.csv, one person to a row; followed for changes.

    `[source.users]` maps columns; columns of our names need no mapping. Organizations and groups are names in people's rows,
    and nothing else, so that their tables map nothing."""

    kind: Literal["csv"]
    path: FilePath
    id_column: str = Field(min_length=1)
    columns: Texts = ()
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    organization_column: str = ""
    organization_separator: str = "/"
    groups_column: str = ""
    groups_separator: str = ";"
    poll_seconds: PositiveFloat = 1
    stable_seconds: PositiveFloat = 1
    users: UsersTable = UsersTable()
    organizations: RecordsTable = RecordsTable()
    groups: RecordsTable = RecordsTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.settings()
        return self

    def settings(self) -> CsvSettings:
        """Return the connector's settings. Raises ValueError with a sentence when the keys do not fit together."""
        return CsvSettings(
            id=self.name,
            path=self.path,
            id_column=self.id_column,
            users=user_mapping(self.users.mapping, self.users.enabled_rule),
            chosen=frozenset(self.users.mapping),
            columns=self.columns,
            delimiter=self.delimiter,
            quote=self.quote,
            encoding=self.encoding,
            organization_column=self.organization_column,
            organization_separator=self.organization_separator,
            groups_column=self.groups_column,
            groups_separator=self.groups_separator,
            poll_seconds=self.poll_seconds,
            stable_seconds=self.stable_seconds,
        )
