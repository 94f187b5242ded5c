"""The kind `ldif`: exports of directories. Its entries' passwords are not asked for."""

from __future__ import annotations

from gateway.app.connector_kinds.ldif.table import LdifSourceTable
from gateway.app.connector_kinds.source_kind import SourceKind
from gateway.connectors.ldif.source import LdifSource


def _source(table: LdifSourceTable) -> LdifSource:
    return LdifSource(table.settings())


def _fingerprint(table: LdifSourceTable) -> str:
    settings = table.settings()
    return f"{settings.path}:{settings.fingerprint}"


LDIF = SourceKind(table=LdifSourceTable, source_type=LdifSource.source_type, source=_source, fingerprint=_fingerprint)
