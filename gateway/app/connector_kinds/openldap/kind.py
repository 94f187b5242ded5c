"""The kind `openldap`: OpenLDAP, and other servers that follow RFC 4510."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from gateway.app.connector_kinds.source_kind import LoginParts, SourceKind
from gateway.model.connector import Source
from gateway.twisted_internals.reactor import IReactor


def _source(table: OpenLDAPSourceTable) -> Source:
    from gateway.connectors.ldap.openldap.source import OpenLDAPSource  # ldap3: 70 ms, which most commands need not wait for

    return OpenLDAPSource(table.settings())


def _fingerprint(table: OpenLDAPSourceTable) -> str:
    settings = table.settings()
    return ",".join(f"{kind.kind}={settings.fingerprint(kind)}" for kind in settings.ordered_kinds)


def _login_parts(
    table: OpenLDAPSourceTable,
    reactor: IReactor,
    *,
    now: Callable[[], datetime],  # noqa: ARG001 (nothing in an entry depends on the time)
    processes: int,
) -> LoginParts:
    from gateway.app.connector_kinds.ldap import login_parts  # ldap3 and TLS: only `serve` asks for passwords
    from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper

    settings = table.settings()
    lookup = None
    if table.jit:
        users = login_parts.users_of(settings.kinds)
        mapper = OpenLDAPEntryMapper(settings, users)
        lookup = login_parts.user_lookup(table, users, mapper.identified_attributes, mapper.to_delta, reactor)
    passwords = login_parts.pass_through(table, reactor, processes)
    return LoginParts(
        authenticator=passwords,
        offline_bind_seconds=table.offline_bind_seconds,
        password_changer=passwords if table.password_modify else None,
        password_resetter=passwords if table.password_reset else None,
        user_lookup=lookup,
        closers=login_parts.closers(passwords, lookup),
    )


OPENLDAP = SourceKind(
    table=OpenLDAPSourceTable, source_type="ldap", source=_source, fingerprint=_fingerprint, login_parts=_login_parts
)
