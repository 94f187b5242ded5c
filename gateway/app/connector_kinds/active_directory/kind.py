"""The kind `active_directory`: domain controllers, Windows' or Samba's. Passwords are checked there, and not changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.app.connector_kinds.active_directory.table import ActiveDirectorySourceTable
from gateway.app.connector_kinds.source_kind import LoginParts, SourceKind
from gateway.model.connector import Source
from gateway.twisted_internals.reactor import IReactor


def _source(table: ActiveDirectorySourceTable) -> Source:
    # ldap3: 70 ms, which most commands need not wait for
    from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource

    return ActiveDirectorySource(table.settings())


def _fingerprint(table: ActiveDirectorySourceTable) -> str:
    settings = table.settings()
    return ",".join(f"{kind.kind}={settings.fingerprint(kind)}" for kind in settings.ordered_kinds)


def _login_parts(
    table: ActiveDirectorySourceTable, reactor: IReactor, *, now: Callable[[], datetime], processes: int
) -> LoginParts:
    from gateway.app.connector_kinds.ldap import login_parts  # ldap3 and TLS: only `serve` asks for passwords
    from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper

    settings = table.settings()
    lookup = None
    if table.jit:
        users = login_parts.users_of(settings.kinds)
        mapper = ActiveDirectoryEntryMapper(settings.id, users, now)
        lookup = login_parts.user_lookup(table, users, mapper.identified_attributes, mapper.to_delta, reactor)
    passwords = login_parts.pass_through(table, reactor, processes)
    return LoginParts(
        authenticator=passwords,
        offline_bind_seconds=table.offline_bind_seconds,
        user_lookup=lookup,
        closers=login_parts.closers(passwords, lookup),
    )


ACTIVE_DIRECTORY = SourceKind(
    table=ActiveDirectorySourceTable,
    source_type="ad",
    source=_source,
    fingerprint=_fingerprint,
    login_parts=_login_parts,
)
