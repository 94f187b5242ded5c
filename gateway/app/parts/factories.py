"""Single parts from their tables of the configuration: sources, authenticators, doors. app/wiring.py joins them; commands take
one. The store is opened in store_opening.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from gateway.app.config.csv_source_table import CsvSourceTable
from gateway.app.config.ldap_source_tables import ActiveDirectorySourceTable, LdapSourceTable, OpenLDAPSourceTable
from gateway.app.config.settings import Settings
from gateway.app.config.source_kinds import SourceTables
from gateway.app.config.source_tables import LdifSourceTable
from gateway.app.config.view_tables import ViewTable
from gateway.app.parts import lease_holder
from gateway.app.parts.clock import now
from gateway.connectors.csv.settings import CsvSettings
from gateway.connectors.csv.source import CsvSource
from gateway.connectors.ldap.bind.authenticator import PassThroughAuthenticator, PassThroughSettings
from gateway.connectors.ldif.source import LdifSettings, LdifSource
from gateway.directory.projection import view_definition
from gateway.model.connector import LOCAL, LOCAL_TYPE, Source
from gateway.model.errors import ConfigurationError
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.engine.database import Database
from gateway.sync.backfill.authority import Resolving
from gateway.sync.backfill.posix_numbers import Filling
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.lifecycle.leaver_retention import Sweeping
from gateway.sync.local.source import LocalDoor
from gateway.sync.review.link_decisions import Decisions
from gateway.sync.rules import correlation_syntax

if TYPE_CHECKING:
    from gateway.sync.runner.source_runners import Chore


def source(table: SourceTables) -> Source:
    """The connector that reads the source. Nothing is opened yet."""
    if isinstance(table, LdifSourceTable):
        return LdifSource(table.settings())
    if isinstance(table, CsvSourceTable):
        return CsvSource(table.settings())
    if isinstance(table, ActiveDirectorySourceTable):
        from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource

        return ActiveDirectorySource(table.settings())
    from gateway.connectors.ldap.openldap.source import OpenLDAPSource  # a worker reads no source, and does without ldap3

    return OpenLDAPSource(table.settings())


def vouches(table: SourceTables) -> bool:
    """Whether people of this source may log in with the source's password."""
    return isinstance(table, LdapSourceTable) and table.authentication


def authenticator(table: SourceTables, reactor: Any, workers: int = 1) -> PassThroughAuthenticator:
    """Who is asked whether a password is right; for tables that `vouches` is true of. `workers`: among how many processes the
    connections are shared."""
    if not isinstance(table, LdapSourceTable):
        raise ConfigurationError(f"source {table.name}: a source of kind {table.kind} has no passwords")
    settings = PassThroughSettings(
        id=table.name,
        upstream=table.upstream(),
        connections=max(1, table.bind_connections // workers),
        bind_seconds=table.bind_timeout_seconds,
        decoy_base=next(iter(table.users.all_bases), ""),
    )
    return PassThroughAuthenticator(settings, reactor)


def offline_seconds(settings: Settings) -> dict[str, float]:
    """For each source, how long the password that it accepted last is good while it cannot be reached."""
    return {table.name: table.offline_bind_seconds for table in settings.source if isinstance(table, LdapSourceTable)}


def password_sources(settings: Settings, key: Literal["password_modify", "password_reset"]) -> list[str]:
    """The sources at which passwords are changed, as the person or with our own account."""
    return [table.name for table in settings.source if isinstance(table, OpenLDAPSourceTable) and getattr(table, key)]


def inbound(table: SourceTables, settings: Settings) -> Inbound:
    """The door through which the source's records come in."""
    limits = table.deletion_guard
    guard = Guard(limits.users, limits.organizations, limits.groups, limits.percent, limits.window_seconds)
    target = table.target_organization or ROOT_ORGANIZATION_ID
    key_names = correlation_syntax.names(one.correlation() for one in settings.source)
    inbound_settings = InboundSettings(target, guard, fingerprint(table), table.correlation(), key_names)
    numbers, authority = settings.posix.numbers(), settings.authority.authority()
    return Inbound(table.name, source(table).source_type, inbound_settings, now, numbers, authority)


def decisions(settings: Settings) -> Decisions:
    """The door for what a person decides about records."""
    return Decisions({table.name: inbound(table, settings) for table in settings.source}, own_inbound(settings), now)


def own_inbound(settings: Settings) -> Inbound:
    """The door for what the gateway does by itself."""
    return Inbound(LOCAL, LOCAL_TYPE, now=now, posix=settings.posix.numbers(), authority=settings.authority.authority())


def local_door(settings: Settings) -> LocalDoor:
    """The door through which comes what is written here."""
    return LocalDoor(now, settings.posix.numbers(), settings.authority.authority())


def chores(settings: Settings, database: Database, reactor: Any) -> list[Chore]:
    """What is to be done for those who are here already."""
    own, numbers = own_inbound(settings), settings.posix.numbers()
    filling = [Filling(database, numbers, now)] if numbers is not None and numbers.allocate else []
    sweeping = Sweeping(database, own, settings.leaver_grace(), lease_holder.name(), now, reactor)
    return [Resolving(database, own), sweeping, *filling]


def fingerprint(table: SourceTables) -> str:
    """Changes with everything that decides what the source reports or what becomes of it; no secret goes in."""
    settings = table.settings()
    linking = "".join(f";{kind}:{rules.fingerprint}" for kind, rules in table.correlation().items() if rules.fingerprint)
    if isinstance(settings, LdifSettings | CsvSettings):
        return f"{table.kind}:{settings.path}:{settings.fingerprint}{linking}"
    kinds = (f"{kind.kind}={settings.fingerprint(kind)}" for kind in settings.ordered_kinds)
    return f"{table.kind}:{','.join(kinds)}{linking}"


def view(table: ViewTable) -> view_definition.View:
    """The definition of an LDAP view."""
    return table.view()
