"""The POSIX number backfill: numbers for users and groups that were created before numbers were allocated, once, after the
start, a thousand in a transaction, logged like every other change. Later ones get theirs in the door."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from gateway.model.changes import Change, ChangeType
from gateway.model.connector import LOCAL
from gateway.model.errors import StoreUnavailable
from gateway.model.objects import Group, Kind, User
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes
from gateway.store.objects import groups, posix_numbers, users
from gateway.store.operations import backfill_markers
from gateway.store.operations.backfill_markers import Marker
from gateway.sync.backfill.job import BackfillJob
from gateway.sync.correlation import key_index
from gateway.sync.objects.posix_allocation import PosixNumbers, complete

AT_ONCE: Final = 1_000

_log = structlog.get_logger("gateway.posix")


@dataclass(frozen=True, slots=True)
class FilledPage:
    """The outcome of one step. `last_id`: None when no object was left. `numbered`: the number of objects that got numbers."""

    last_id: str | None
    numbered: int = 0
    problems: tuple[str, ...] = ()


def fill(connection: Connection, settings: PosixNumbers, kind: Kind, after_id: str, now: datetime) -> FilledPage:
    """Number the next users or groups that lack numbers. Work for `Database.write`."""
    changes.lock(connection)
    ids = posix_numbers.ids_without_numbers(connection, kind, after_id, AT_ONCE)
    if not ids:
        return FilledPage(None)
    present: dict[str, User] | dict[str, Group]
    present = users.get_many(connection, ids) if kind is Kind.USER else groups.get_many(connection, ids)
    attributes = {thing.id: dict(thing.attributes) for thing in present.values()}
    sides = (attributes, {}) if kind is Kind.USER else ({}, attributes)
    problems = complete(connection, settings, *sides)
    stamp = time_of(milliseconds(now))
    changed = [
        replace(thing, attributes=attributes[thing.id], updated_at=stamp)
        for thing in present.values()
        if attributes[thing.id] != thing.attributes
    ]
    users.update(connection, [thing for thing in changed if isinstance(thing, User)], ())
    groups.update(connection, [thing for thing in changed if isinstance(thing, Group)])
    key_index.add_attributes(connection, kind, {thing.id: thing.attributes for thing in changed})
    log = [Change(0, stamp, kind, thing.id, ChangeType.UPDATE, LOCAL, thing) for thing in changed]
    changes.append(connection, log)
    return FilledPage(ids[-1], len(changed), tuple(problems))


class PosixNumberBackfill(BackfillJob):
    """The backfill of one process. Several nodes may run it at the same time: each finds what the others have left."""

    def __init__(self, database: Database, settings: PosixNumbers, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._database = database
        self._settings = settings
        self._now = now

    async def run(self) -> None:
        """Run to the end, unless it is stopped."""
        try:
            if (
                await self._database.read(partial(backfill_markers.get, name=Marker.POSIX_NUMBERS))
                != self._settings.fingerprint
            ):
                await self._fill()
        except StoreUnavailable as error:
            _log.warning(f"POSIX numbers are not given to those who lack them: {error}; it goes on with the next start")
        except Exception as error:  # must not keep the process from stopping
            _log.error("POSIX numbers cannot be given to those who lack them", error=repr(error), exc_info=error)

    async def _fill(self) -> None:
        numbered = 0
        problems: set[str] = set()
        for kind in (Kind.USER, Kind.GROUP):
            after: str | None = ""
            while after is not None and not self.stopping:
                step = partial(fill, settings=self._settings, kind=kind, after_id=after, now=self._now())
                filled = await self._database.write(step, None)
                after, numbered = filled.last_id, numbered + filled.numbered
                problems.update(filled.problems)
                if filled.problems:  # a range is used up: the next ones of this kind get no number either
                    break
        for problem in sorted(problems):
            _log.warning(problem)
        if numbered:
            _log.info("POSIX numbers were given to those who lacked them", numbered=numbered)
        if not problems and not self.stopping:
            done = partial(backfill_markers.put, name=Marker.POSIX_NUMBERS, value=self._settings.fingerprint)
            await self._database.write(done)
