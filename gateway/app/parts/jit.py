"""Just-in-time creation of users: the sources with `jit = true`, their user lookups, and the door for what those find.

One transaction creates a user as if the source had reported the record by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from twisted.internet.interfaces import IReactorTime

from gateway.app.parts.source_parts import SourceParts
from gateway.directory.authentication.account_status import password_decision
from gateway.directory.authentication.jit import JitProvisioning, JitSource
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.connector import Authenticator
from gateway.model.deltas import Batch, Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.jit import DecidedElsewhere, ProvisionedUser
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.records import record_lookup
from gateway.sync.backfill import correlation_keys
from gateway.sync.inbound import Inbound


class StoreJitProvisioner:
    """A JitProvisioner (gateway.model.jit). `inbounds`: the door of each source; `authority`: whose password counts."""

    def __init__(self, database: Database, inbounds: Mapping[str, Inbound], authority: PasswordAuthority) -> None:
        self._database = database
        self._inbounds = inbounds
        self._authority = authority

    async def provision(self, source_id: str, delta: Delta) -> ProvisionedUser | None:
        """See JitProvisioner.provision."""
        inbound = self._inbounds[source_id]
        return await self._database.write(partial(_provision, inbound=inbound, delta=delta, authority=self._authority))


def provisioning(
    database: Database,
    sources: Sequence[SourceParts],
    authenticators: Mapping[str, Authenticator],
    authority: PasswordAuthority,
    clock: IReactorTime,
) -> JitProvisioning | None:
    """Return what creates users at their first bind; None where no source asks for it. `authenticators`: by source id, as for
    all binds."""
    lookups = {one.table.name: one.login.user_lookup for one in sources if one.login and one.login.user_lookup}
    if not lookups:
        return None
    provisioner = StoreJitProvisioner(database, {parts.table.name: parts.inbound for parts in sources}, authority)
    jit_sources = [JitSource(name, lookup, authenticators[name]) for name, lookup in lookups.items()]
    return JitProvisioning(jit_sources, provisioner, clock.seconds)


def _provision(
    connection: Connection, *, inbound: Inbound, delta: Delta, authority: PasswordAuthority
) -> ProvisionedUser | None:
    """Apply the record. Raises DecidedElsewhere, which undoes it, when it leads to a user for whom it does not vouch."""
    ready = correlation_keys.is_done(connection, inbound.settings.key_names)  # else an existing user might not be found
    if not ready or not inbound.is_open(connection):
        raise SourceUnavailable(f"source {inbound.source_id}: its settings are new and being prepared: try again shortly")
    applied = inbound.apply(connection, Batch((delta,)))
    for _, target in record_lookup.at_external_id(connection, inbound.source_id, (Kind.USER,), (delta.external_id,)):
        if target.object_id is not None:
            decision = password_decision(connection, target.object_id, authority)
            name = (inbound.source_id, delta.external_id)
            if not any((one.source_id, one.external_id) == name for one in decision.vouching):
                raise DecidedElsewhere(target.object_id)
            return ProvisionedUser(target.object_id, applied.last_change_number)
    return None
