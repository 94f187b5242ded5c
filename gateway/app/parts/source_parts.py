"""The parts of one configured source: what reads it, the door for its records, and the parts by which its users log in.

A process makes them once, from its settings, and hands them to all that need them: runners, the LDAP server, just-in-time
creation, decisions about links. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.registry import kind_of
from gateway.app.connector_kinds.source_kind import LoginParts
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.parts import clock
from gateway.model.connector import Source
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.rules import correlation_syntax
from gateway.twisted_internals.reactor import IReactor


@dataclass(frozen=True)
class SourceParts:
    """One source. `inbound`: the door through which its records come in. `login`: None where its users have no passwords
    there, and in commands, which ask for none."""

    table: SourceTable
    inbound: Inbound
    login: LoginParts | None = None

    @cached_property
    def source(self) -> Source:
        """The connector that reads it. Made when first asked for: a worker reads no source, and does without ldap3."""
        return kind_of(self.table).source(self.table)


def build(settings: Settings, reactor: IReactor | None = None) -> Sequence[SourceParts]:
    """Return the parts of every source of the configuration; those by which users log in only with a reactor."""
    return [
        SourceParts(table, _inbound(table, settings), None if reactor is None else _login(table, settings, reactor))
        for table in settings.source
    ]


def fingerprint(table: SourceTable) -> str:
    """Return what changes with everything that decides what the source reports or what becomes of it; no secret goes in."""
    linking = "".join(f";{kind}:{rules.fingerprint}" for kind, rules in table.correlation().items() if rules.fingerprint)
    return f"{table.kind}:{kind_of(table).fingerprint(table)}{linking}"


def _inbound(table: SourceTable, settings: Settings) -> Inbound:
    limits = table.deletion_guard
    guard = Guard(limits.users, limits.organizations, limits.groups, limits.percent, limits.window_seconds)
    target = table.target_organization or ROOT_ORGANIZATION_ID
    key_names = correlation_syntax.names(one.correlation() for one in settings.source)
    inbound_settings = InboundSettings(target, guard, fingerprint(table), table.correlation(), key_names)
    numbers = settings.posix.numbers()
    passwords = settings.password_authority()
    authority = replace(settings.authority.authority(), passwords=passwords.listed, is_vouched_for=passwords.is_vouched_for)
    return Inbound(table.name, kind_of(table).source_type, inbound_settings, clock.now, numbers, authority)


def _login(table: SourceTable, settings: Settings, reactor: IReactor) -> LoginParts | None:
    make = kind_of(table).login_parts if table.authenticates else None
    return None if make is None else make(table, reactor, now=clock.now, processes=settings.ldap.workers)
