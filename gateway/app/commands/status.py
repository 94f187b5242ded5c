"""`gateway status`: each source at a glance, and which of its records did not become objects, and why."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TypedDict

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import leaver_report, posix_report, problem_report, run_history
from gateway.app.commands.reports.chosen_sources import chosen_sources
from gateway.app.commands.reports.leaver_report import LeaversJson
from gateway.app.commands.reports.output import ago, as_json, print_json, print_line
from gateway.app.commands.reports.run_history import RunJson
from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.parts import clock, opened_store
from gateway.app.process import data_directory
from gateway.model.deltas import MEMBERS
from gateway.model.errors import StoreUnavailable
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.model.runs import RunStatus
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.operations import leases, source_state, sync_runs, write_probe
from gateway.store.records import held_deletions, left_out_values, records, references
from gateway.sync.lifecycle.grace_period import GracePeriods
from gateway.sync.runner.lease_name import name_for

RUNS_SHOWN = 10
FOLLOWED_SECONDS = 60  # the reader of a source stores that it was heard at least every 20 seconds


class CountsJson(TypedDict):
    """The records of one kind, and how many of them are linked."""

    records: int
    linked: int


class HeldJson(TypedDict):
    """The deletions of a source that the deletion guard holds: how many by kind, and since when the earliest (None: none)."""

    counts: dict[str, int]
    since: datetime | None


class MissingMembersJson(TypedDict):
    """The members that groups of a source name and that no record of it has the name of."""

    members: int
    groups: int


class SourceJson(TypedDict):
    """The state of one source. `counts` by kind, `problems` by situation; `read_by`: the process that holds its lease;
    `reading`: how its changes and deletions are read, a sentence."""

    source: str
    kind: str
    read_by: str | None
    counts: dict[str, CountsJson]
    problems: dict[str, int]
    leavers: LeaversJson
    held_deletions: HeldJson
    missing_members: MissingMembersJson
    records_with_left_out_values: int
    reading: str
    heard_at: datetime | None
    caught_up_at: datetime | None
    lag_seconds: float | None
    can_resume: bool
    last_run: RunJson | None
    last_error: str
    last_error_at: datetime | None


@click.command("status")
@click.argument("source", required=False)
@click.option("--problems", is_flag=True, help="List the records that did not become objects, with the reasons.")
@click.option(
    "--runs",
    "runs",
    type=click.IntRange(1, sync_runs.KEPT),
    is_flag=False,
    flag_value=RUNS_SHOWN,
    metavar="[N]",
    help=f"List the last N runs (default: {RUNS_SHOWN}), newest first; {sync_runs.KEPT} are kept of each source.",
)
@as_json
@click.pass_obj
def command(invocation: Invocation, source: str | None, problems: bool, runs: int | None, as_json: bool) -> None:
    """Show SOURCE (or all): last run, counts, position, lag, last error; with --problems the records that were left out and
    the deletions that are held; with --runs what the last runs did."""
    if problems and runs:
        raise click.UsageError("--problems and --runs exclude each other")
    settings = invocation.loaded.settings
    tables, grace = chosen_sources(settings, source), settings.leaver_grace()
    with opened_store.database(settings) as database:
        if problems:
            left_out = [row for table in tables for row in problem_report.of_source(database, table.name, grace)]
            problem_report.show(left_out, problem_report.unread(database, [table.name for table in tables]), as_json=as_json)
            return
        if runs:
            names = [table.name for table in tables]
            run_history.show(database.read_blocking(partial(run_history.of_sources, names=names, limit=runs)), as_json=as_json)
            return
        moment = clock.now()
        rows = database.read_blocking(lambda connection: [_state(connection, table, grace, moment) for table in tables])
        others = [] if source else database.read_blocking(partial(leaver_report.unconfigured, configured=_names(settings)))
        ended = [] if source else database.read_blocking(partial(leaver_report.ended, grace=grace))
        position = database.read_blocking(changes.last)
        given = settings.posix.numbers()
        posix = None if given is None else database.read_blocking(partial(posix_report.state, settings=given))
        fault = write_probe.failure(database) or _disk_fault(settings)
    if as_json:
        print_json(
            {
                "sources": rows,
                "unconfigured_sources": others,
                "ended_sources": ended,
                "last_change_number": position,
                "posix": posix,
                "takes_writes": not fault,
            }
        )
        _check(fault)
        return
    for row in rows:
        _print(row, moment)
    leaver_report.show_unconfigured(others)
    leaver_report.show_ended(ended)
    if posix is not None:
        posix_report.show(posix)
    print_line(f"last change: {position}")
    _check(fault)


def _disk_fault(settings: Settings) -> str:
    try:
        data_directory.check_room(settings.data_dir)
    except StoreUnavailable as error:
        return str(error)
    return ""


def _check(fault: str) -> None:
    """End the command in failure when nothing can be stored: what was shown is the past, however well it looks."""
    if fault:
        raise StoreUnavailable(f"nothing is stored now: {fault}")


def _names(settings: Settings) -> list[str]:
    return [table.name for table in settings.source]


def _state(connection: Connection, table: SourceTable, grace: GracePeriods, moment: datetime) -> SourceJson:
    state = source_state.get(connection, table.name)
    latest = sync_runs.latest(connection, table.name, 1)
    counted: dict[str, CountsJson] = {
        kind.value: {
            "records": records.count(connection, table.name, kind),
            "linked": records.count_linked(connection, table.name, kind),
        }
        for kind in Kind
    }
    caught_up = state.caught_up_at if state else None
    return {
        "source": table.name,
        "kind": table.kind,
        "read_by": leases.holder_of(connection, name_for(table.name), moment),
        "counts": counted,
        "problems": {situation.value: n for situation, n in records.count_problems(connection, table.name).items()},
        "leavers": leaver_report.of_source(connection, table.name, grace),
        "held_deletions": {
            "counts": {kind.value: n for kind, n in held_deletions.counts(connection, table.name).items()},
            "since": held_deletions.since(connection, table.name),
        },
        "records_with_left_out_values": left_out_values.count(connection, table.name),
        "missing_members": _missing_members(connection, table.name),
        "reading": state.reading if state else "",
        "heard_at": state.heard_at if state else None,
        "caught_up_at": caught_up,
        "lag_seconds": None if caught_up is None else round((moment - caught_up).total_seconds(), 1),
        "can_resume": state is not None and state.watermark is not None,
        "last_run": run_history.of_run(latest[0]) if latest else None,
        "last_error": state.last_error if state else "",
        "last_error_at": state.last_error_at if state and state.last_error else None,
    }


def _missing_members(connection: Connection, source_id: str) -> MissingMembersJson:
    members, groups, _ = references.count_dangling(connection, source_id, MEMBERS)
    return {"members": members, "groups": groups}


def _print(row: SourceJson, moment: datetime) -> None:
    print_line(f"source {row['source']} ({row['kind']})")
    print_line(f"  position:   {_position(row, moment)}")
    if row["reading"]:
        print_line(f"  reading:    {row['reading']}")
    print_line(f"  last run:   {_last_run(row['last_run'], moment)}")
    counts = (f"{numbers['records']} {kind}s" for kind, numbers in row["counts"].items())
    print_line(f"  records:    {', '.join(counts)}")
    leaver_report.show(row["source"], row["leavers"], row["problems"])
    held = ", ".join(f"{number} {kind}s" for kind, number in row["held_deletions"]["counts"].items())
    if held:
        since = ago(row["held_deletions"]["since"], moment)
        print_line(f"  held:       deletions of {held} since {since}; `gateway status {row['source']} --problems` lists them")
    problems = {situation: number for situation, number in row["problems"].items() if situation != Situation.DELETED.value}
    if problems:
        left_out = ", ".join(f"{number} {situation}" for situation, number in sorted(problems.items()))
        command = f"gateway status {row['source']} --problems"
        if problems.keys() & {Situation.DISPUTED.value, Situation.UNLINKED.value}:  # a person can decide about these
            command = f"gateway links list --source {row['source']}"
        print_line(f"  left out:   {left_out}; `{command}` lists them")
    missing = row["missing_members"]
    if missing["members"]:
        named = f"{missing['members']} members, named by {missing['groups']} of the groups"
        print_line(f"  missing:    {named}; `gateway status {row['source']} --problems` lists them")
    if row["records_with_left_out_values"]:
        incomplete = f"values of {row['records_with_left_out_values']} records could not be kept"
        print_line(f"  incomplete: {incomplete}; `gateway status {row['source']} --problems` lists them")
    if row["last_error"]:
        print_line(f"  last error: {ago(row['last_error_at'], moment)} ago: {row['last_error']}")
    print_line()


def _position(row: SourceJson, moment: datetime) -> str:
    if row["heard_at"] is None:
        return "never read; `gateway serve` reads it, or `gateway sync` once"
    reader = f"read by {row['read_by']}" if row["read_by"] else "not being read"
    lag = row["lag_seconds"]
    if lag is None:
        return f"has never been read to the end, {reader}"
    current = row["read_by"] and lag <= FOLLOWED_SECONDS and not row["last_error"]
    behind = "up to date" if current else f"up to date {ago(row['caught_up_at'], moment)} ago"
    resume = "" if row["can_resume"] else "; the next read is a full one"
    return f"{behind}, heard {ago(row['heard_at'], moment)} ago, {reader}{resume}"


def _last_run(run: RunJson | None, moment: datetime) -> str:
    if run is None:
        return "none"
    took = ""
    if run["finished_at"] is not None:
        took = f", took {(run['finished_at'] - run['started_at']).total_seconds():.1f} s"
    status = run["status"] if run["status"] != RunStatus.REFUSED else "refused by the deletion guard"
    sentence = f"{run['id']}, {run['mode']}, {run['trigger']}, {ago(run['started_at'], moment)} ago{took}: {status}"
    return f"{sentence}, {run['in_words']}"
