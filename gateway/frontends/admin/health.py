"""Health for machines: /healthz (the process answers) and /readyz (itemised: what works, what does not, and why).

Checks are plain callables handed in; this file knows the common ones, and that no check may hold the answer up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from inspect import isawaitable
from typing import NamedTuple, Protocol

import structlog
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from gateway.model.errors import GatewayError, StoreBusy
from gateway.model.runs import RunStatus, SyncRun
from gateway.store.engine import migrate
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.store_threads import ANSWER_SECONDS
from gateway.store.operations import source_state, sync_runs, write_probe
from gateway.store.records import held_deletions

CHECK_SECONDS = 8.0
"""The time that one check may take: the store says by itself, sooner, that it does not answer; orchestrators give up after ten
seconds at the earliest."""

MAX_LAG_CHANGES = 10_000
"""A view that is further behind the log is not ready: applying so many changes takes it seconds, and it answers with the
past."""

_log = structlog.get_logger()


class Health(NamedTuple):
    """The outcome of a check. `detail` is a sentence or a number for a person; it may hold no secret."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A line of /readyz. `required`: the gateway is not ready without it; the others are only shown."""

    name: str
    check: Callable[[], Health | Awaitable[Health]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A check with its outcome."""

    name: str
    required: bool
    ok: bool
    detail: str


class FollowedView(Protocol):
    """A view that follows the log, as far as health is concerned."""

    @property
    def reader(self) -> object | None:
        """None until the view can be searched."""

    @property
    def position(self) -> int:
        """The change up to which the view is applied."""

    @property
    def fault(self) -> str:
        """The reason why the view does not follow the log now; "" when it does."""


async def examine(checks: Sequence[HealthCheck], clock: IReactorTime) -> list[Finding]:
    """Run all checks at the same time; return their outcomes in the given order. Raises nothing."""
    found: list[Finding] = await gatherResults([Deferred.fromCoroutine(_examine(check, clock)) for check in checks])
    return found


async def _examine(check: HealthCheck, clock: IReactorTime) -> Finding:
    try:
        health = check.check()
        if isawaitable(health):
            health = await Deferred.fromCoroutine(_waited(health)).addTimeout(CHECK_SECONDS, clock)
    except GatewayError as error:
        health = Health(False, str(error))
    except Exception as error:
        _log.warning("health_check_failed", check=check.name, exc_info=error)
        health = Health(False, f"the check failed: {type(error).__name__}")
    return Finding(check.name, check.required, health.ok, health.detail)


async def _waited(health: Awaitable[Health]) -> Health:
    return await health


def store_checks(database: Database) -> list[HealthCheck]:
    """Return the checks that the store can be read and written, and that its schema is this program's."""

    async def readable() -> Health:
        await database.read(lambda connection: source_state.get(connection, ""))
        return Health(True, database.name)

    async def writable() -> Health:
        try:
            await database.write(write_probe.probe, ANSWER_SECONDS)
        except StoreBusy:
            return Health(True, "others are writing")
        return Health(True)

    async def schema() -> Health:
        await database.read(partial(migrate.check_connected, name=database.name))
        return Health(True)

    return [HealthCheck("store", readable), HealthCheck("store writes", writable), HealthCheck("schema", schema)]


def view_check(name: str, view: FollowedView, last_change: Callable[[], int]) -> HealthCheck:
    """Return the check that an LDAP view is complete and not far behind the log, whose end `last_change` returns."""

    def check() -> Health:
        lag = max(0, last_change() - view.position)
        if view.reader is None:
            return Health(False, view.fault or "it is being built")
        if view.fault:
            return Health(False, f"it stays at change {view.position}, {lag} behind the log: {view.fault}")
        return Health(lag <= MAX_LAG_CHANGES, f"{lag} changes behind the log, at change {view.position}")

    return HealthCheck(f"view {name}", check)


def source_check(database: Database, source_id: str) -> HealthCheck:
    """Return the check of a source's last run. Not required: clients go on reading what came before."""

    def last_run(connection: Connection) -> Health:
        found = sync_runs.latest(connection, source_id)
        state = source_state.get(connection, source_id)
        error = state.last_error if state is not None else ""
        health = _run_health(found[0], error) if found else Health(False, error or "it has not been read yet")
        held = held_deletions.counts(connection, source_id)
        if held and not (found and found[0].status is RunStatus.REFUSED):  # a refused run says so itself
            counts = ", ".join(f"{count} {kind}s" for kind, count in held.items())
            health = Health(False, f"{health.detail}; the deletion guard holds the deletions of {counts}")
        return health

    return HealthCheck(f"source {source_id}", lambda: database.read(last_run), required=False)


def _run_health(run: SyncRun, last_error: str) -> Health:
    at = (run.finished_at or run.started_at).astimezone(UTC).isoformat(timespec="seconds")
    if run.status is RunStatus.SUCCEEDED:
        return Health(True, f"{run.mode} run succeeded at {at}")
    if run.status is RunStatus.RUNNING:
        return Health(not last_error, last_error or f"{run.mode} run under way since {at}")
    return Health(False, f"{run.mode} run {run.status} at {at}: {run.error or last_error}")
