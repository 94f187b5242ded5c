"""The kind `active_directory`: domain controllers, Windows' or Samba's. Passwords are checked there, and not changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.app.connector_kinds.active_directory.table import ActiveDirectorySourceTable
from gateway.app.connector_kinds.ldap.table import fingerprint
from gateway.app.connector_kinds.source_kind import LoginParts, SourceKind
from gateway.model.connector import Source
from gateway.twisted_internals.reactor import IReactor


def _source(table: ActiveDirectorySourceTable) -> Source:
    # ldap3: 70 ms, which most commands need not wait for
    from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource

    return ActiveDirectorySource(table.settings())


def _fingerprint(table: ActiveDirectorySourceTable) -> str:
    return fingerprint(table.settings())


def _login_parts(
    table: ActiveDirectorySourceTable, reactor: IReactor, *, now: Callable[[], datetime], processes: int
) -> LoginParts:
    # ldap3 and TLS: only `serve` asks for passwords
    from gateway.app.connector_kinds.ldap.login_parts import login_parts, users_of
    from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper

    settings = table.settings()
    users = ActiveDirectoryEntryMapper(settings.id, users_of(settings.kinds), now) if table.jit else None
    return login_parts(table, users, reactor, processes)


ACTIVE_DIRECTORY = SourceKind(
    table=ActiveDirectorySourceTable,
    source_type="ad",
    source=_source,
    fingerprint=_fingerprint,
    login_parts=_login_parts,
)
