"""The kind `csv`: exports of personnel systems. It has no passwords."""

from __future__ import annotations

from gateway.app.connector_kinds.csv.table import CsvSourceTable
from gateway.app.connector_kinds.source_kind import SourceKind
from gateway.connectors.csv.source import CsvSource


def _source(table: CsvSourceTable) -> CsvSource:
    return CsvSource(table.settings())


def _fingerprint(table: CsvSourceTable) -> str:
    settings = table.settings()
    return f"{settings.path}:{settings.fingerprint}"


CSV = SourceKind(table=CsvSourceTable, source_type=CsvSource.source_type, source=_source, fingerprint=_fingerprint)
