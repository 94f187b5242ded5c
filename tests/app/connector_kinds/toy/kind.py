"""Its makers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.app.connector_kinds.source_kind import LoginParts, SourceKind
from gateway.twisted_internals.reactor import IReactor
from tests.app.connector_kinds.toy.connector import RosterPasswords, RosterSource
from tests.app.connector_kinds.toy.table import RosterTable


def _source(table: RosterTable) -> RosterSource:
    return RosterSource(table.settings())


def _login_parts(table: RosterTable, reactor: IReactor, *, now: Callable[[], datetime], processes: int) -> LoginParts:
    return LoginParts(authenticator=RosterPasswords())


ROSTER = SourceKind(
    table=RosterTable,
    source_type=RosterSource.source_type,
    source=_source,
    fingerprint=lambda table: str(table.path),
    login_parts=_login_parts,
)
