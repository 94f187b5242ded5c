"""`gateway links`: the records of sources that no object was found for, and what a person decides about them. A decision is
kept and done at once, also beside a running `gateway serve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import audit_line, name_lookup, record_format
from gateway.app.commands.reports.operator_name import login_name
from gateway.app.commands.reports.output import as_json, print_json, print_line, print_table
from gateway.app.parts import local_parts, opened_store, source_parts
from gateway.app.process import log_setup
from gateway.frontends.admin.link_format import (
    MergedJson,
    OutcomeJson,
    RecordJson,
    RecordNameJson,
    outcome_json,
    record_json,
    record_with_attributes_json,
    subject_json,
)
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine.database import Connection
from gateway.store.records import unlinked_records
from gateway.sync.review import review_queue
from gateway.sync.review.link_decisions import Decided, Decisions, RecordName, moving
from gateway.sync.review.review_queue import ReviewedRecord

AT_ONCE = 500
_KINDS = click.Choice([kind.value for kind in Kind])


_kind_of_record = click.option("--kind", type=_KINDS, help="Where records of several kinds have the name.")


@click.group("links")
def command() -> None:
    """Show which records of sources belong to nothing yet, and decide to whom they belong.

    A RECORD is named by its id at its source, its DN or its login name; an OBJECT by its id or name (organizations by path).
    """


@command.command("list")
@click.option(
    "--disputed", "situations", flag_value="disputed", multiple=True, help="Several objects, or a login name, are in question."
)
@click.option("--unlinked", "situations", flag_value="unlinked", multiple=True, help="One object was found; a person links.")
@click.option("--unmatched", "situations", flag_value="unmatched", multiple=True, help="No object was found.")
@click.option("--source", help="Of this source only.")
@click.option("--all", "settled", is_flag=True, help="Also what is ignored or was decided before.")
@as_json
@click.pass_obj
def list_all(invocation: Invocation, situations: Sequence[str], source: str | None, settled: bool, as_json: bool) -> None:
    """List the records that wait for a person, all or those in one situation."""
    wanted = [Situation(situation) for situation in situations] or list(unlinked_records.LOOSE)
    with opened_store.database(invocation.loaded.settings) as database:
        rows: list[RecordJson] = []
        after = 0
        while True:
            read = partial(_page, situations=wanted, source=source, after=after, settled=settled)
            after, shown = database.read_blocking(read)
            rows += [record_json(one) for one in shown]
            if len(shown) < AT_ONCE:
                break
    if as_json:
        print_json(rows)
    elif rows:
        print_table(record_format.COLUMNS, map(record_format.line, rows))
    else:
        print_line("no record waits for a person")


@command.command("show")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def show(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """Show the RECORD of SOURCE: what it says, to whom it belongs or may belong, and what was decided about it."""
    with opened_store.database(invocation.loaded.settings) as database:
        [shown] = database.read_blocking(lambda c: review_queue.show(c, [record_format.find(c, source, record, kind)]))
    facts = record_with_attributes_json(shown)
    if as_json:
        print_json(facts)
        return
    record_format.show(facts)


@command.command("link")
@click.argument("source")
@click.argument("record")
@click.argument("object_name", metavar="OBJECT")
@_kind_of_record
@as_json
@click.pass_obj
def link(invocation: Invocation, source: str, record: str, object_name: str, kind: str | None, as_json: bool) -> None:
    """The RECORD of SOURCE belongs to OBJECT, whatever rules say."""

    def decide(decisions: Decisions, connection: Connection, name: RecordName, by: str) -> Decided:
        return decisions.link(connection, name, name_lookup.object_id(connection, name.kind, object_name), by)

    _decide_about_record(invocation, "link", decide, source, record, kind, as_json=as_json)


@command.command("unlink")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def unlink(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """The RECORD of SOURCE does not belong to the object that it has, nor to another before a person says so."""
    _decide_about_record(invocation, "unlink", Decisions.unlink, source, record, kind, as_json=as_json)


@command.command("split")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def split(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """Give the RECORD of SOURCE a new object of its own, whatever the rules say."""
    _decide_about_record(invocation, "split", Decisions.split, source, record, kind, as_json=as_json)


@command.command("withdraw")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def withdraw(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """Take back what was decided about the RECORD of SOURCE: the rules decide again. After a merge, for a record that came from
    the user that was deleted, `split` gives it one of its own again."""

    def decide(decisions: Decisions, connection: Connection, name: RecordName, _by: str) -> Decided:
        return decisions.withdraw(connection, name)

    _decide_about_record(invocation, "withdraw", decide, source, record, kind, as_json=as_json)


@command.command("merge")
@click.argument("kept")
@click.argument("lost")
@click.option("--kind", type=_KINDS, default=Kind.USER.value, show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def merge(invocation: Invocation, kept: str, lost: str, kind: str, yes: bool, as_json: bool) -> None:
    """The objects KEPT and LOST are one. KEPT keeps its id and gets what LOST has; LOST is deleted."""
    if not yes:
        with opened_store.database(invocation.loaded.settings) as database:
            lines = database.read_blocking(lambda connection: _foreseen(connection, Kind(kind), kept, lost))
        for line in lines:
            print_line(line, err=True)
        click.confirm("Merge them?", abort=True, err=True)
    subject: MergedJson = {"kind": kind, "kept": kept, "lost": lost}

    def decide(connection: Connection, decisions: Decisions, by: str) -> _Report:
        of_kind = Kind(kind)
        kept_id, lost_id = (name_lookup.object_id(connection, of_kind, name) for name in (kept, lost))
        decided = decisions.merge(connection, of_kind, kept_id, lost_id, by)
        outcome = outcome_json(connection, "merge", of_kind, decided)
        return _Report(f"{lost} and {kept} are one:", {"kind": kind, "kept": kept, "lost": lost}, subject, outcome)

    _carry_out(invocation, decide, as_json=as_json)


def _foreseen(connection: Connection, kind: Kind, kept: str, lost: str) -> list[str]:
    """Return what a merge would do, in lines."""
    kept_id, lost_id = (name_lookup.object_id(connection, kind, name) for name in (kept, lost))
    stays, goes = (review_queue.words(connection, kind, one) for one in (kept_id, lost_id))
    return [
        f"{stays} ({kept_id}) stays, and gets what {goes} has and it has not",
        f"{goes} ({lost_id}) is deleted: its id ends, and with it what applications keep under that id",
        *(f"  record of {row.source_id}: {row.dn or row.external_id}" for row in moving(connection, lost_id)),
        "A record that went over can be split off again (`gateway links split SOURCE RECORD`); its object is then a new one.",
    ]


class _Report(NamedTuple):
    """A decision that was carried out, as it is reported: in a sentence, in a log line, in JSON."""

    sentence: str
    log_fields: dict[str, str]
    subject: RecordNameJson | MergedJson
    outcome: OutcomeJson


def _decide_about_record(
    invocation: Invocation,
    action: str,
    decide: Callable[[Decisions, Connection, RecordName, str], Decided],
    source: str,
    record: str,
    kind: str | None,
    *,
    as_json: bool,
) -> None:
    def work(connection: Connection, decisions: Decisions, by: str) -> _Report:
        name = record_format.name_of(record_format.find(connection, source, record, kind))
        decided = decide(decisions, connection, name, by)
        log_fields = {"source": name.source_id, "kind": name.kind.value, "record": name.external_id}
        outcome = outcome_json(connection, action, name.kind, decided)
        return _Report(f"the {name} belongs to", log_fields, subject_json(name), outcome)

    _carry_out(invocation, work, as_json=as_json)


def _carry_out(invocation: Invocation, decide: Callable[[Connection, Decisions, str], _Report], *, as_json: bool) -> None:
    """Decide in one transaction, log the decision, and print its outcome."""
    settings = invocation.loaded.settings
    log_setup.configure(settings.log.level, settings.log.format)  # the decision itself has log lines
    decisions, by = local_parts.decisions(settings, source_parts.build(settings)), login_name()
    with opened_store.database(settings) as database:
        report = database.write_blocking(lambda connection: decide(connection, decisions, by))
    outcome = report.outcome
    linked = outcome["object"]
    audit_line.write(
        settings,
        "link decision",
        action=outcome["action"],
        object=None if linked is None else linked["id"],
        change=outcome["change_number"],
        **report.log_fields,
    )
    if as_json:
        print_json({**report.subject, **outcome})
        return
    print_line(f"{report.sentence} {'nothing' if linked is None else linked['name']}")
    for problem in outcome["problems"]:
        print_line(f"gateway: {problem}", err=True)


def _page(
    connection: Connection, situations: Sequence[Situation], source: str | None, after: int, settled: bool
) -> tuple[int, list[ReviewedRecord]]:
    found = unlinked_records.page(connection, situations, source, after, AT_ONCE, settled=settled)
    return (found[-1][0] if found else after), review_queue.show(connection, [record for _, record in found])
