"""Letting newcomers in: the sources with `jit = true`, who looks people up there, and the door that takes them in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from twisted.internet.interfaces import IReactorTime

from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.source_kind import LoginParts
from gateway.app.parts import factories
from gateway.directory.authentication.jit import JitProvisioning, JitSource
from gateway.model.connector import Authenticator
from gateway.model.deltas import Batch, Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.jit import ProvisionedUser
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.records import record_rows
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound


class StoreJitProvisioner:
    """A JitProvisioner (gateway.model.jit). `inbounds`: the door of each source."""

    def __init__(self, database: Database, inbounds: Mapping[str, Inbound]) -> None:
        self._database = database
        self._inbounds = inbounds

    async def provision(self, source_id: str, delta: Delta) -> ProvisionedUser | None:
        """See JitProvisioner.provision."""
        return await self._database.write(partial(_enter, inbound=self._inbounds[source_id], delta=delta))


def admission(
    settings: Settings,
    database: Database,
    logins: Mapping[str, LoginParts],
    authenticators: Mapping[str, Authenticator],
    reactor: IReactorTime,
) -> JitProvisioning | None:
    """Return what lets unknown users in; None where no source does. `logins` and `authenticators`: by source id, as for all
    binds."""
    lookups = {name: parts.user_lookup for name, parts in logins.items() if parts.user_lookup is not None}
    if not lookups:
        return None
    entrance = StoreJitProvisioner(
        database, {table.name: factories.inbound(table, settings) for table in settings.source if table.name in lookups}
    )
    sources = [JitSource(name, lookup, authenticators[name]) for name, lookup in lookups.items()]
    return JitProvisioning(sources, entrance, reactor.seconds)


def _enter(connection: Connection, *, inbound: Inbound, delta: Delta) -> ProvisionedUser | None:
    ready = correlation_keys.is_done(connection, inbound.settings.key_names)  # else nobody might be found who is here already
    if not ready or not inbound.is_open(connection):
        raise SourceUnavailable(f"source {inbound.source_id}: its settings are new and being prepared: try again shortly")
    applied = inbound.apply(connection, Batch((delta,)))
    for _, target in record_rows.at_external_id(connection, inbound.source_id, (Kind.USER,), (delta.external_id,)):
        if target.object_id is not None:
            return ProvisionedUser(target.object_id, applied.last_change_number)
    return None
