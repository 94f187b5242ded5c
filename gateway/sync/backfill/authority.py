"""The authority backfill: changed [authority] rules count for all objects, not only for those that a source reports next. All
are resolved anew from their records, once, after the start, a thousand in a transaction, logged like every other change."""

from functools import partial
from typing import Final

import structlog

from gateway.model.errors import StoreUnavailable
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.operations import backfill_markers
from gateway.store.operations.backfill_markers import Marker
from gateway.sync.backfill.job import BackfillJob
from gateway.sync.inbound import Inbound

AT_ONCE: Final = 1_000

_log = structlog.get_logger("gateway.authority")


def resolve_next(connection: Connection, door: Inbound, kind: Kind, after_id: str) -> str | None:
    """Resolve the next objects of a kind; return the last id, None when there are no more. Work for `Database.write`."""
    ids = [thing.id for thing in OBJECT_STORES[kind].iterate(connection, after_id, AT_ONCE)]
    if not ids:
        return None
    door.resolve_anew(connection, {object_id: kind for object_id in ids if object_id != ROOT_ORGANIZATION_ID})
    return ids[-1]


class AuthorityBackfill(BackfillJob):
    """The backfill of one process, through the door of the source `local`. Several nodes may run it at the same time: objects
    that one has resolved do not change for the next."""

    def __init__(self, database: Database, door: Inbound) -> None:
        super().__init__()
        self._database = database
        self._door = door

    async def run(self) -> None:
        """Run to the end, unless it is stopped."""
        rules = self._door.authority.fingerprint
        try:
            if await self._database.read(partial(backfill_markers.get, name=Marker.AUTHORITY)) != rules:
                _log.info("[authority] has changed: all objects are resolved anew")
                await self._resolve_all(rules)
        except StoreUnavailable as error:
            _log.warning(f"the new [authority] does not count for all objects yet: {error}; it goes on with the next start")
        except Exception as error:  # must not keep the process from stopping
            _log.error("the new [authority] cannot be carried out", error=repr(error), exc_info=error)

    async def _resolve_all(self, rules: str) -> None:
        for kind in (Kind.ORGANIZATION, Kind.USER, Kind.GROUP):
            after: str | None = ""
            while after is not None:
                if self.stopping:
                    return
                after = await self._database.write(partial(resolve_next, door=self._door, kind=kind, after_id=after), None)
        await self._database.write(partial(backfill_markers.put, name=Marker.AUTHORITY, value=rules))
        _log.info("all objects are resolved by the new [authority]")
