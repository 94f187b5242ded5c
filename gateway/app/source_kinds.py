"""Which class a `[[source]]` table is of: `kind` tells."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Tag

from gateway.app.ldap_tables import ActiveDirectorySourceTable, OpenLDAPSourceTable
from gateway.app.source_tables import LdifSourceTable

SOURCE_KINDS: dict[str, type[BaseModel]] = {
    "openldap": OpenLDAPSourceTable,
    "active_directory": ActiveDirectorySourceTable,
    "ldif": LdifSourceTable,
}

SourceTables = OpenLDAPSourceTable | ActiveDirectorySourceTable | LdifSourceTable


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


SourceTable = Annotated[
    Annotated[OpenLDAPSourceTable, Tag("openldap")]
    | Annotated[ActiveDirectorySourceTable, Tag("active_directory")]
    | Annotated[LdifSourceTable, Tag("ldif")],
    Discriminator(_kind),
]
