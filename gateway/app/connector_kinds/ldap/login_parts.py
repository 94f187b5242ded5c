"""The login parts that sources of all LDAP kinds share, from their tables. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gateway.app.connector_kinds.ldap.table import LdapSourceTable
from gateway.connectors.ldap.bind.authenticator import PassThroughAuthenticator
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.settings import KindSettings
from gateway.connectors.ldap.client.user_lookup import EntryToDelta, LdapUserLookup, UserLookupSettings
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.objects import Kind
from gateway.twisted_internals.reactor import IReactor

SettingsT = TypeVar("SettingsT", bound=KindSettings)


def pass_through(table: LdapSourceTable, reactor: IReactor, processes: int) -> PassThroughAuthenticator:
    """Return the part that checks and changes passwords at the source."""
    settings = PassThroughSettings(
        id=table.name,
        upstream=table.upstream(),
        connections=max(1, table.bind_connections // processes),
        bind_seconds=table.bind_timeout_seconds,
        decoy_base=next(iter(table.users.all_bases), ""),
    )
    return PassThroughAuthenticator(settings, reactor)


def user_lookup(
    table: LdapSourceTable, users: KindSettings, attributes: tuple[str, ...], read: EntryToDelta, reactor: IReactor
) -> LdapUserLookup:
    """Return the part that finds a user by the login name. `attributes`: what `read` needs of an entry."""
    settings = UserLookupSettings(
        id=table.name,
        upstream=table.upstream(),
        bases=users.top_bases,
        filter=users.filter,
        login_attributes=users.mapping.attributes[NAMING_ATTRIBUTE[Kind.USER]],
        attributes=attributes,
        seconds=table.bind_timeout_seconds,
    )
    return LdapUserLookup(settings, read, reactor)


def users_of(kinds: Iterable[SettingsT]) -> SettingsT:
    """Return the settings about users, which every source with just-in-time creation has."""
    return next(settings for settings in kinds if settings.kind is Kind.USER)


def closers(passwords: PassThroughAuthenticator, lookup: LdapUserLookup | None) -> Sequence[Callable[[], object]]:
    """Return what ends both."""
    return [passwords.close] if lookup is None else [passwords.close, lookup.close]
