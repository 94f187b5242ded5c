"""Every kind of source, by its name, the value of `kind` in a `[[source]]`. A new kind is its folder beside this file and one
line here. Kinds of targets, which the gateway will write to, get a table of the same shape here.

Nothing here imports a connector that takes time to import: a kind's table can be looked up without it."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo

from gateway.app.connector_kinds.active_directory.kind import ACTIVE_DIRECTORY
from gateway.app.connector_kinds.csv.kind import CSV
from gateway.app.connector_kinds.ldif.kind import LDIF
from gateway.app.connector_kinds.openldap.kind import OPENLDAP
from gateway.app.connector_kinds.source_kind import SourceKind
from gateway.app.connector_kinds.source_table import SourceTable

AnySourceKind: TypeAlias = SourceKind[Any]  # each takes tables of its own class, which `kind_of` sees to

SOURCE_KINDS: Final[dict[str, AnySourceKind]] = {
    "openldap": OPENLDAP,
    "active_directory": ACTIVE_DIRECTORY,
    "ldif": LDIF,
    "csv": CSV,
}


def kind_of(table: SourceTable) -> AnySourceKind:
    """Return the kind that the table is of."""
    return SOURCE_KINDS[table.kind]


def table_class(written: object) -> type[SourceTable] | None:
    """Return the class of a `[[source]]` as it was written or read; None while its kind is missing or not known."""
    name = _kind_name(written)
    return SOURCE_KINDS[name].table if name is not None and name in SOURCE_KINDS else None


def read_source_table(written: object, info: ValidationInfo) -> SourceTable:
    """Return the `[[source]]` as the table of its kind. Raises ValueError, a ValidationError among others."""
    found = table_class(written)
    if found is None:
        trouble = "kind is missing" if _kind_name(written) is None else "kind is not known"
        known = ", ".join(f'"{name}"' for name in SOURCE_KINDS)
        raise ValueError(f"{trouble}; write one of: {known}")
    return found.model_validate(written, context=info.context)


def _kind_name(written: object) -> str | None:
    kind = written.get("kind") if isinstance(written, dict) else getattr(written, "kind", None)
    return kind if isinstance(kind, str) else None


AnySourceTable = Annotated[SerializeAsAny[SourceTable], BeforeValidator(read_source_table)]
"""The type of a `[[source]]` in the settings."""
