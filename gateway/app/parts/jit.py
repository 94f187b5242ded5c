"""Letting newcomers in: the sources with `jit = true`, who looks people up there, and the door that takes them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.app.config.ldap_source_tables import ActiveDirectorySourceTable, LdapSourceTable, OpenLDAPSourceTable
from gateway.app.config.settings import Settings
from gateway.app.parts import clock, factories
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.client.settings import KindSettings
from gateway.connectors.ldap.client.user_lookup import EntryToDelta, LdapUserLookup, UserLookupSettings
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.directory.authentication.jit import JitProvisioning, JitSource
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import Authenticator
from gateway.model.deltas import Batch, Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.jit import ProvisionedUser
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.records import record_rows
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound


@dataclass(frozen=True, slots=True)
class Admission:
    """`closers` end what looks people up."""

    newcomers: JitProvisioning | None = None
    closers: Sequence[Callable[[], object]] = ()


class StoreJitProvisioner:
    """A JitProvisioner (gateway.model.jit). `inbounds`: the door of each source."""

    def __init__(self, database: Database, inbounds: Mapping[str, Inbound]) -> None:
        self._database = database
        self._inbounds = inbounds

    async def provision(self, source_id: str, delta: Delta) -> ProvisionedUser | None:
        """See JitProvisioner.provision."""
        return await self._database.write(partial(_enter, inbound=self._inbounds[source_id], delta=delta))


def admission(settings: Settings, database: Database, authenticators: Mapping[str, Authenticator], reactor: Any) -> Admission:
    """Nothing is opened yet. `authenticators`: by source id, as for all binds."""
    tables = [table for table in settings.source if isinstance(table, LdapSourceTable) and table.jit]
    if not tables:
        return Admission()
    finders = {table.name: _finder(table, reactor) for table in tables}
    entrance = StoreJitProvisioner(database, {table.name: factories.inbound(table, settings) for table in tables})
    sources = [JitSource(name, finder, authenticators[name]) for name, finder in finders.items()]
    return Admission(JitProvisioning(sources, entrance, reactor.seconds), [finder.close for finder in finders.values()])


def _enter(connection: Connection, *, inbound: Inbound, delta: Delta) -> ProvisionedUser | None:
    ready = correlation_keys.is_done(connection, inbound.settings.key_names)  # else nobody might be found who is here already
    if not ready or not inbound.is_open(connection):
        raise SourceUnavailable(f"source {inbound.source_id}: its settings are new and being prepared: try again shortly")
    applied = inbound.apply(connection, Batch((delta,)))
    for _, target in record_rows.at_external_id(connection, inbound.source_id, (Kind.USER,), (delta.external_id,)):
        if target.object_id is not None:
            return ProvisionedUser(target.object_id, applied.last_change_number)
    return None


def _finder(table: LdapSourceTable, reactor: Any) -> LdapUserLookup:
    if isinstance(table, ActiveDirectorySourceTable):
        domain = table.settings()
        domain_users = next(kind for kind in domain.kinds if kind.kind is Kind.USER)
        domain_reader = ActiveDirectoryEntryMapper(domain.id, domain_users, clock.now)
        wanted = domain_reader.identified_attributes
        return _of(table, domain_users, wanted, domain_reader.to_delta, reactor)
    assert isinstance(table, OpenLDAPSourceTable)  # noqa: S101 (there are no others)
    settings = table.settings()
    users = next(kind for kind in settings.kinds if kind.kind is Kind.USER)
    reader = OpenLDAPEntryMapper(settings, users)
    return _of(table, users, reader.identified_attributes, reader.to_delta, reactor)


def _of(
    table: LdapSourceTable, users: KindSettings, attributes: tuple[str, ...], read: EntryToDelta, reactor: Any
) -> LdapUserLookup:
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
