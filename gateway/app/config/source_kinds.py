"""Every kind of source with its table. A new kind is one line here, and one in `factories.source`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Tag

from gateway.app.config.csv_source_table import CsvSourceTable
from gateway.app.config.ldap_source_tables import ActiveDirectorySourceTable, OpenLDAPSourceTable
from gateway.app.config.source_tables import LdifSourceTable

SOURCE_KINDS: dict[str, type[BaseModel]] = {
    "openldap": OpenLDAPSourceTable,
    "active_directory": ActiveDirectorySourceTable,
    "ldif": LdifSourceTable,
    "csv": CsvSourceTable,
}


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


SourceTables = OpenLDAPSourceTable | ActiveDirectorySourceTable | LdifSourceTable | CsvSourceTable

SourceTable = Annotated[
    Annotated[OpenLDAPSourceTable, Tag("openldap")]
    | Annotated[ActiveDirectorySourceTable, Tag("active_directory")]
    | Annotated[LdifSourceTable, Tag("ldif")]
    | Annotated[CsvSourceTable, Tag("csv")],
    Discriminator(_kind),
]
