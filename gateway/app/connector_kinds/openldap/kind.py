"""The kind `openldap`: OpenLDAP, and other servers that follow RFC 4510."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.app.connector_kinds.ldap.table import fingerprint
from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from gateway.app.connector_kinds.source_kind import LoginParts, SourceKind
from gateway.model.connector import Source
from gateway.twisted_internals.reactor import IReactor


def _source(table: OpenLDAPSourceTable) -> Source:
    from gateway.connectors.ldap.openldap.source import OpenLDAPSource  # ldap3: 70 ms, which most commands need not wait for

    return OpenLDAPSource(table.settings())


def _fingerprint(table: OpenLDAPSourceTable) -> str:
    return fingerprint(table.settings())


def _login_parts(
    table: OpenLDAPSourceTable,
    reactor: IReactor,
    *,
    now: Callable[[], datetime],  # noqa: ARG001 (nothing in an entry depends on the time)
    processes: int,
) -> LoginParts:
    # ldap3 and TLS: only `serve` asks for passwords
    from gateway.app.connector_kinds.ldap.login_parts import login_parts, users_of
    from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper

    settings = table.settings()
    users = OpenLDAPEntryMapper(settings, users_of(settings.kinds)) if table.jit else None
    return login_parts(table, users, reactor, processes, changes=table.password_modify, resets=table.password_reset)


OPENLDAP = SourceKind(
    table=OpenLDAPSourceTable, source_type="ldap", source=_source, fingerprint=_fingerprint, login_parts=_login_parts
)
