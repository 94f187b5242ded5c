"""The `[[source]]` table of kind `csv`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from gateway.app.config.correlation_tables import LinkedTable
from gateway.app.config.source_tables import AttributeName, EnabledTable, Source
from gateway.app.config.value_types import FilePath, Mapped, Texts
from gateway.connectors.csv.settings import CsvSettings, user_mapping


class CsvKindTable(LinkedTable):
    """`[source.organizations]`, `[source.groups]` of a CSV source: they are names in people's rows, and nothing else."""

    mapping: ClassVar[dict[str, Mapped]] = {}


class CsvUsersTable(LinkedTable):
    """`[source.users]` of a CSV source. `mapping`: our attribute = "Column", or a list of which the first that has a value
    counts, or "" to leave the attribute alone, or { expression = "…" } over the columns. Columns of our names need none."""

    mapping: dict[AttributeName, Mapped] = Field(default_factory=dict)
    enabled: EnabledTable | None = None


class CsvSourceTable(Source):
    """`kind = "csv"`: an export of a personnel system, or a folder of *.csv, one person to a row; followed for changes."""

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
    users: CsvUsersTable = CsvUsersTable()
    organizations: CsvKindTable = CsvKindTable()
    groups: CsvKindTable = CsvKindTable()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.settings()
        return self

    def settings(self) -> CsvSettings:
        """What the connector needs; raises ValueError with a sentence when the keys do not fit together."""
        rule = self.users.enabled.rule() if self.users.enabled else None
        return CsvSettings(
            id=self.name,
            path=self.path,
            id_column=self.id_column,
            users=user_mapping(self.users.mapping, rule),
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
