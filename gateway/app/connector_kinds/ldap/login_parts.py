"""The login parts that sources of all LDAP kinds share, from their tables. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from gateway.app.connector_kinds.ldap.table import LdapSourceTable
from gateway.app.connector_kinds.source_kind import LoginParts
from gateway.connectors.ldap.bind.authenticator import PassThroughAuthenticator
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.entry_mapper import EntryMapper
from gateway.connectors.ldap.client.settings import KindSettings
from gateway.connectors.ldap.client.user_lookup import LdapUserLookup, UserLookupSettings
from gateway.model.attributes import NAMING_ATTRIBUTE, USER_PRINCIPAL_NAME
from gateway.model.objects import Kind
from gateway.twisted_internals.reactor import IReactor

SettingsT = TypeVar("SettingsT", bound=KindSettings)


def login_parts(
    table: LdapSourceTable,
    users: EntryMapper | None,
    reactor: IReactor,
    processes: int,
    *,
    changes: bool = False,
    resets: bool = False,
) -> LoginParts:
    """Return the login parts of a source. `users` maps the entries that the user lookup finds; without it there is no lookup.
    `changes`, `resets`: passwords may be changed by their users, or with the source's own account."""
    passwords = _pass_through(table, reactor, processes)
    lookup = None if users is None else _user_lookup(table, users, reactor)
    return LoginParts(
        authenticator=passwords,
        offline_bind_seconds=table.offline_bind_seconds,
        password_changer=passwords if changes else None,
        password_resetter=passwords if resets else None,
        user_lookup=lookup,
        closers=[passwords.close] if lookup is None else [passwords.close, lookup.close],
    )


def users_of(kinds: Iterable[SettingsT]) -> SettingsT:
    """Return the settings about users, which every source with just-in-time creation has."""
    return next(settings for settings in kinds if settings.kind is Kind.USER)


def _pass_through(table: LdapSourceTable, reactor: IReactor, processes: int) -> PassThroughAuthenticator:
    settings = PassThroughSettings(
        id=table.name,
        upstream=table.upstream(),
        connections=max(1, table.bind_connections // processes),
        bind_seconds=table.bind_timeout_seconds,
        decoy_base=next(iter(table.users.all_bases), ""),
    )
    return PassThroughAuthenticator(settings, reactor)


def _user_lookup(table: LdapSourceTable, users: EntryMapper, reactor: IReactor) -> LdapUserLookup:
    mapped = users.settings.mapping.attributes
    settings = UserLookupSettings(
        id=table.name,
        upstream=table.upstream(),
        bases=users.settings.top_bases,
        filter=users.settings.filter,
        login_attributes=(*mapped[NAMING_ATTRIBUTE[Kind.USER]], *mapped.get(USER_PRINCIPAL_NAME, ())),
        attributes=users.identified_attributes,
        seconds=table.bind_timeout_seconds,
    )
    return LdapUserLookup(settings, users.to_delta, reactor)
