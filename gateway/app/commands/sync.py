"""`gateway sync`: read sources now. Where a `serve` process reads them, it is asked to; else it is done here."""

from __future__ import annotations

import time
from functools import partial

import click

from gateway.app.commands.exit_codes import exit_code
from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import run_report
from gateway.app.commands.reports.chosen_sources import chosen_sources
from gateway.app.commands.reports.output import Progress, as_json, print_json, print_line
from gateway.app.commands.reports.run_report import RunReport
from gateway.app.parts import clock, lease_holder, opened_store, source_parts
from gateway.app.parts.source_parts import SourceParts
from gateway.app.process import data_directory
from gateway.model.errors import Conflict, GatewayError, LeaseLost
from gateway.model.runs import RunStatus, SyncRun
from gateway.store.engine.database import Connection, Database
from gateway.store.operations import leases, sync_requests, sync_runs
from gateway.store.operations.sync_requests import Request
from gateway.store.records import left_out_values
from gateway.sync.backfill import correlation_keys
from gateway.sync.runner.dry_run import DryRun
from gateway.sync.runner.lease import LeaseInThread
from gateway.sync.runner.lease_name import name_for
from gateway.sync.runner.statistics_text import in_words
from gateway.sync.runner.sync_run import RunOrder, SourceRead, Trigger

POLL_SECONDS = 0.2


@click.command("sync")
@click.argument("source", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be created, updated, deleted; nothing is stored.")
@click.option("--full", is_flag=True, help="Compare everything instead of going on where the last read ended.")
@click.option("--allow-deletions", is_flag=True, help="Compare everything once, and carry out what the deletion guard holds.")
@as_json
@click.pass_context
def command(
    context: click.Context, source: str | None, dry_run: bool, full: bool, allow_deletions: bool, as_json: bool
) -> None:
    """Read SOURCE (or all) now. A running `gateway serve` is asked to do it; without one it is done here."""
    invocation: Invocation = context.obj
    settings = invocation.loaded.settings
    if not dry_run:
        _refuse_other_rules(invocation)
    chosen = {table.name for table in chosen_sources(settings, source)}
    reports: list[RunReport] = []
    worst = 0
    with opened_store.database(settings) as database:
        for parts in (parts for parts in source_parts.build(settings) if parts.table.name in chosen):
            name = parts.table.name
            report: RunReport
            try:
                if dry_run:
                    report = _preview(database, parts, full=full, silent=as_json)
                else:
                    request = Request(0, name, full, allow_deletions, clock.now())
                    report = _synchronize(database, parts, request, silent=as_json)
            except GatewayError as error:
                report = {"source": name, "status": "failed", "error": str(error), "exit_code": exit_code(error)}
                if not as_json:
                    print_line(f"gateway: {run_report.named(name, str(error))}", err=True)
            reports.append(report)
            worst = max(worst, report.get("exit_code", 0))
    if as_json:
        print_json(reports)
    context.exit(worst)


def _refuse_other_rules(invocation: Invocation) -> None:
    """Raise Conflict when a `serve` of this folder reads by other rules than the configuration has now: values would go to and
    fro between the two."""
    settings = invocation.loaded.settings
    serving = data_directory.holder(settings.data_dir)
    if serving is not None and serving.rules != settings.reading_rules():
        raise Conflict(
            f"the running `gateway serve` (process {serving.process}) was started with other sources or rules than "
            f"{invocation.loaded.file} has now: restart it, and it reads them by the new ones (--dry-run shows what would come)"
        )


def _synchronize(database: Database, parts: SourceParts, request: Request, *, silent: bool) -> RunReport:
    run = _run_somewhere(database, parts, request)
    left_out = database.read_blocking(partial(left_out_values.count, source_id=request.source_id))
    if not silent:
        run_report.print_run(run)
        if left_out:
            where = f"`gateway status {request.source_id} --problems` lists them"
            print_line(f"  values of {left_out} records could not be kept; {where}")
    return {**run_report.of_run(run), "records_with_left_out_values": left_out}


def _run_somewhere(database: Database, parts: SourceParts, request: Request) -> SyncRun:
    """Have the process that reads the source run it, else run it here. Between two looks a process may begin or cease to read
    it."""
    while True:
        run = _request_run(database, request) if _reader(database, parts.table.name) is not None else None
        if run is not None:
            return run
        try:
            return _run_here(database, parts, request)
        except Conflict:
            time.sleep(POLL_SECONDS)


def _request_run(database: Database, request: Request) -> SyncRun | None:
    """Place a request with the process that reads the source, and follow the run to its end; None when there is no reader any
    more: it has stopped, or it died and its lease has ended."""

    def place(connection: Connection) -> int:
        return sync_requests.place(
            connection, request.source_id, full=request.full, allow_deletions=request.allow_deletions, now=clock.now()
        )

    number = database.write_blocking(place)
    try:
        with Progress(f"source {request.source_id}") as progress:
            while True:
                reader = _reader(database, request.source_id)
                asked = database.read_blocking(lambda connection: sync_requests.get(connection, number))
                run_id = asked.run_id if asked else None
                run = database.read_blocking(partial(sync_runs.get, run_id=run_id)) if run_id else None
                if run is not None and run.status is not RunStatus.RUNNING:
                    return run
                if reader is None:
                    return None
                progress.show("waiting for the running gateway …" if run is None else f"{in_words(run.statistics)} …")
                time.sleep(POLL_SECONDS)
    finally:
        database.write_blocking(lambda connection: sync_requests.withdraw(connection, number))


def _reader(database: Database, source_id: str) -> str | None:
    return database.read_blocking(lambda connection: leases.holder_of(connection, name_for(source_id), clock.now()))


def _run_here(database: Database, parts: SourceParts, request: Request) -> SyncRun:
    """Read the source in this process. Raises Conflict when another one does; failures are in the run."""
    name, inbound = parts.table.name, parts.inbound
    order = RunOrder(Trigger.MANUAL, request.full, allow_deletions=request.allow_deletions)
    reading = SourceRead(inbound, order, clock.now)
    with (
        LeaseInThread(database, name_for(name), lease_holder.name(), clock.now) as lease,
        Progress(f"source {name}") as progress,
    ):
        correlation_keys.fill(database.write_blocking, inbound.settings.key_names, beside_others=True)
        watermark, step = lease.write(reading.begin)
        reading.committed(step)
        run_id = reading.run.id or 0
        seen = 0
        try:
            for batch in parts.source.read(watermark, follow=False):
                step = lease.write(partial(reading.apply, batch=batch))
                reading.committed(step)
                seen += len(batch.deltas)
                progress.show(f"{seen:,} records{f' of {batch.expected:,}' if batch.expected else ''} …")
            reading.committed(lease.write(reading.end))
        except LeaseLost:  # the run is the other reader's to close
            raise
        except GatewayError as failure:
            error = failure
            lease.write(lambda connection: reading.fail(connection, error, str(error), is_news=True))
        except BaseException:  # Ctrl-C: what was applied is stored, and the run is known to be unfinished
            lease.write(reading.end)
            raise
        run = database.read_blocking(lambda connection: sync_runs.get(connection, run_id))
    assert run is not None  # noqa: S101 (it was made above)
    return run


def _preview(database: Database, parts: SourceParts, *, full: bool, silent: bool) -> RunReport:
    name, inbound = parts.table.name, parts.inbound
    correlation_keys.fill(database.write_blocking, inbound.settings.key_names, beside_others=True)
    preview = DryRun(inbound)
    watermark = None if full else database.read_blocking(inbound.watermark)
    seen = 0
    with Progress(f"source {name}") as progress:
        for batch in parts.source.read(watermark, follow=False):
            database.read_blocking(partial(preview.observe, batch=batch))
            seen += len(batch.deltas)
            progress.show(f"{seen:,} records …")
    foreseen = database.read_blocking(preview.finish)
    if not silent:
        run_report.print_foreseen(name, foreseen)
    return run_report.of_foreseen(name, foreseen)
