"""`gateway source`: the end of a source that was taken out of the configuration. Nothing of it changes by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import audit_line, leaver_report
from gateway.app.commands.reports.output import Progress, as_json, print_json, print_line
from gateway.app.config.settings import Settings
from gateway.app.parts import clock, lease_holder, local_parts, opened_store
from gateway.app.process import log_setup
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Kind
from gateway.store.engine.database import Database
from gateway.store.operations import source_state
from gateway.store.operations.source_state import SourceState
from gateway.sync.deletion_guard import Guard
from gateway.sync.lifecycle import source_retirement
from gateway.sync.lifecycle.source_retirement import Extent, Write
from gateway.sync.runner.lease import LeaseInThread
from gateway.sync.runner.lease_name import name_for


@click.group("source")
def command() -> None:
    """Keep, or let go of, what came from a source that is not in the configuration any more."""


@command.command()
@click.argument("name")
@as_json
@click.pass_obj
def finalize(invocation: Invocation, name: str, as_json: bool) -> None:
    """Keep all that came from the source NAME: the same people, organizations and groups, with the same ids and values, to be
    edited here from now on. What another source has too follows that one."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        state = _source_out_of_configuration(settings, database, name)
        there = database.read_blocking(partial(source_retirement.extent, source_id=state.id))
        own = local_parts.own_inbound(settings)
        _carry_out(settings, database, state, "finalize", there, lambda write: source_retirement.finalize(write, own, state.id))
    _print_outcome(state, "finalized", there, as_json=as_json)
    if not as_json:
        print_line(f"what came from the source {state.id} can be edited here now ({_describe(there)})")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without, only what would go is shown.")
@click.option("--allow-deletions", is_flag=True, help="Do it though it is more than a deletion guard lets pass.")
@click.option("--delete", is_flag=True, help="Delete the users at once instead of disabling them for the grace period.")
@as_json
@click.pass_obj
def terminate(invocation: Invocation, name: str, yes: bool, allow_deletions: bool, delete: bool, as_json: bool) -> None:
    """Let go of all that came from the source NAME and no other source has: users are disabled, and deleted after 30 days;
    organizations and groups are deleted."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        state = _source_out_of_configuration(settings, database, name)
        there = database.read_blocking(partial(source_retirement.extent, source_id=state.id))
        if not as_json:
            print_line(f"source {state.id}: {_describe(there)}")
        if not yes:
            raise Conflict("nothing was changed; say --yes to let go of them, or `gateway source finalize` to keep them")
        if not allow_deletions:
            source_retirement.check(state.id, there, Guard())
        ended = source_retirement.door(state, local_parts.own_inbound(settings), delete=delete)
        _carry_out(settings, database, state, "terminate", there, lambda write: source_retirement.terminate(write, ended))
    _print_outcome(state, "terminated", there, as_json=as_json)
    if not as_json:
        print_line(
            f"the source {state.id} is no more" + ("" if delete else "; its users are disabled, and deleted after 30 days")
        )


def _source_out_of_configuration(settings: Settings, database: Database, name: str) -> SourceState:
    """Return the source, when it is in the store and not in the configuration. Raises Conflict or NotFound."""
    configured = {table.name.lower() for table in settings.source}
    if name.lower() in configured:
        raise Conflict(f"the source {name} is in the configuration: take its [[source]] out first, and restart `gateway serve`")
    others = database.read_blocking(partial(leaver_report.left_over, configured=[table.name for table in settings.source]))
    if name not in others:
        known = ", ".join(others) or "there are none"
        raise NotFound(f"there is no source {name!r} that the store has and the configuration lacks ({known})")
    state = database.read_blocking(partial(source_state.get, source_id=name))
    assert state is not None  # noqa: S101 (it is among them)
    return state


def _carry_out(
    settings: Settings,
    database: Database,
    state: SourceState,
    action: str,
    there: dict[Kind, Extent],
    steps: Callable[[Write], Iterator[tuple[Kind, int]]],
) -> None:
    """Carry the steps out while no other process reads the source. Raises Conflict when one does: another node has another
    configuration."""
    log_setup.configure(settings.log.level, settings.log.format)
    done: Counter[Kind] = Counter()
    with (
        LeaseInThread(database, name_for(state.id), lease_holder.name(), clock.now) as lease,
        Progress(f"source {state.id}") as progress,
    ):
        for kind, count in steps(lease.write):
            done[kind] += count
            progress.show(", ".join(f"{number:,} {one}s" for one, number in done.items()))
    counts = {f"{kind}s": one.records for kind, one in there.items()}
    audit_line.write(settings, "end of a source", action=action, source=state.id, **counts)


def _print_outcome(state: SourceState, outcome: str, there: dict[Kind, Extent], *, as_json: bool) -> None:
    if as_json:
        counts = {kind.value: {"records": one.records, "only_here": one.only_here} for kind, one in there.items()}
        print_json({"source": state.id, "outcome": outcome, "counts": counts})


def _describe(there: dict[Kind, Extent]) -> str:
    return ", ".join(f"{one.records} {kind}s, {one.only_here} of them nowhere else" for kind, one in there.items())
