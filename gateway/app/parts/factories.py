"""Single parts from their tables of the configuration: sources, authenticators, doors. app/wiring.py joins them; commands take
one. The store is opened in store_opening.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.app.config.settings import Settings
from gateway.app.config.view_tables import ViewTable
from gateway.app.connector_kinds.registry import kind_of
from gateway.app.connector_kinds.source_kind import LoginParts
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.parts import lease_holder
from gateway.app.parts.clock import now
from gateway.directory.projection import view_definition
from gateway.model.connector import LOCAL, LOCAL_TYPE, Source
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
from gateway.twisted_internals.reactor import IReactor

if TYPE_CHECKING:
    from gateway.sync.runner.source_runners import Chore


def source(table: SourceTable) -> Source:
    """Return the connector that reads the source. Nothing is opened yet."""
    return kind_of(table).source(table)


def login_parts(settings: Settings, reactor: IReactor) -> dict[str, LoginParts]:
    """Return, by source, the parts by which users log in with their passwords there. Nothing is opened yet."""
    return {
        table.name: make(table, reactor, now=now, processes=settings.ldap.workers)
        for table in settings.source
        if table.authenticates and (make := kind_of(table).login_parts) is not None
    }


def inbound(table: SourceTable, settings: Settings) -> Inbound:
    """The door through which the source's records come in."""
    limits = table.deletion_guard
    guard = Guard(limits.users, limits.organizations, limits.groups, limits.percent, limits.window_seconds)
    target = table.target_organization or ROOT_ORGANIZATION_ID
    key_names = correlation_syntax.names(one.correlation() for one in settings.source)
    inbound_settings = InboundSettings(target, guard, fingerprint(table), table.correlation(), key_names)
    numbers, authority = settings.posix.numbers(), settings.authority.authority()
    return Inbound(table.name, kind_of(table).source_type, inbound_settings, now, numbers, authority)


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


def fingerprint(table: SourceTable) -> str:
    """Changes with everything that decides what the source reports or what becomes of it; no secret goes in."""
    linking = "".join(f";{kind}:{rules.fingerprint}" for kind, rules in table.correlation().items() if rules.fingerprint)
    return f"{table.kind}:{kind_of(table).fingerprint(table)}{linking}"


def view(table: ViewTable) -> view_definition.View:
    """The definition of an LDAP view."""
    return table.view()
