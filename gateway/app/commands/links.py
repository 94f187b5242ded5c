"""`gateway links`: the records of sources that no object was found for, and what a person decides about them. A decision is
kept and done at once, also beside a running `gateway serve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click
import structlog

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import name_lookup, record_format
from gateway.app.commands.reports.operator_name import whoever
from gateway.app.commands.reports.output import as_json, print_json, print_table
from gateway.app.parts import factories, store_opening
from gateway.app.process import log_setup
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine.database import Connection
from gateway.store.records import unlinked_records
from gateway.sync.review import review_queue
from gateway.sync.review.link_decisions import Decided, Decisions, RecordName
from gateway.sync.review.review_queue import Named, Shown

AT_ONCE = 500
_KINDS = click.Choice([kind.value for kind in Kind])

_log = structlog.get_logger("gateway.links")

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
    with store_opening.database(invocation.loaded.settings) as database:
        rows: list[dict[str, Any]] = []
        after = 0
        while True:
            read = partial(_page, situations=wanted, source=source, after=after, settled=settled)
            after, shown = database.read_blocking(read)
            rows += [record_format.facts(one) for one in shown]
            if len(shown) < AT_ONCE:
                break
    if as_json:
        print_json(rows)
    elif rows:
        print_table(record_format.COLUMNS, map(record_format.line, rows))
    else:
        click.echo("no record waits for a person")


@command.command("show")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def show(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """Show the RECORD of SOURCE: what it says, to whom it belongs or may belong, and what was decided about it."""
    with store_opening.database(invocation.loaded.settings) as database:
        [shown] = database.read_blocking(lambda c: review_queue.show(c, [record_format.find(c, source, record, kind)]))
    facts = record_format.facts(shown) | {"attributes": record_format.attributes(shown)}
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

    def work(connection: Connection, decisions: Decisions, by: str) -> tuple[RecordName, Decided]:
        name = record_format.name_of(record_format.find(connection, source, record, kind))
        return name, decisions.link(connection, name, _object_id(connection, name.kind, object_name), by)

    _decide(invocation, "link", work, as_json=as_json)


@command.command("unlink")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def unlink(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """The RECORD of SOURCE does not belong to the object that it has, nor to another before a person says so."""

    def work(connection: Connection, decisions: Decisions, by: str) -> tuple[RecordName, Decided]:
        name = record_format.name_of(record_format.find(connection, source, record, kind))
        return name, decisions.unlink(connection, name, by)

    _decide(invocation, "unlink", work, as_json=as_json)


@command.command("split")
@click.argument("source")
@click.argument("record")
@_kind_of_record
@as_json
@click.pass_obj
def split(invocation: Invocation, source: str, record: str, kind: str | None, as_json: bool) -> None:
    """The RECORD of SOURCE is somebody of its own: it gets a new object, whatever rules say."""

    def work(connection: Connection, decisions: Decisions, by: str) -> tuple[RecordName, Decided]:
        name = record_format.name_of(record_format.find(connection, source, record, kind))
        return name, decisions.split(connection, name, by)

    _decide(invocation, "split", work, as_json=as_json)


@command.command("merge")
@click.argument("kept")
@click.argument("lost")
@click.option("--kind", type=_KINDS, default=Kind.USER.value, show_default=True)
@as_json
@click.pass_obj
def merge(invocation: Invocation, kept: str, lost: str, kind: str, as_json: bool) -> None:
    """The objects KEPT and LOST are one. KEPT keeps its id and gets what LOST has; LOST is deleted."""

    def work(connection: Connection, decisions: Decisions, by: str) -> tuple[None, Decided]:
        of_kind = Kind(kind)
        ids = (_object_id(connection, of_kind, kept), _object_id(connection, of_kind, lost))
        return None, decisions.merge(connection, of_kind, *ids, by)

    _decide(invocation, "merge", work, as_json=as_json, kept=kept, lost=lost, kind=kind)


def _decide(
    invocation: Invocation,
    action: str,
    work: Callable[[Connection, Decisions, str], tuple[RecordName | None, Decided]],
    *,
    as_json: bool,
    **told: str,
) -> None:
    settings = invocation.loaded.settings
    log_setup.configure(settings.log.level, settings.log.format)
    decisions, by = factories.decisions(settings), whoever()
    with store_opening.database(settings) as database:
        name, decided = database.write_blocking(lambda connection: work(connection, decisions, by))
        linked = database.read_blocking(lambda connection: _named(connection, name, decided, told))
    if name is not None:
        told = {"source": name.source_id, "kind": name.kind.value, "record": name.external_id}
    _log.info("link decision", action=action, by=by, object=decided.object_id, change=decided.change_number, **told)
    if as_json:
        outcome = {"action": action, **told, "object": linked, "change_number": decided.change_number}
        print_json({**outcome, "problems": decided.problems})
        return
    subject = f"{told['lost']} and {told['kept']} are one:" if name is None else f"the {name} belongs to"
    click.echo(f"{subject} {linked['name'] if linked is not None else 'nothing'}")
    for problem in decided.problems:
        click.echo(f"gateway: {problem}", err=True)


def _named(connection: Connection, name: RecordName | None, decided: Decided, told: dict[str, str]) -> dict[str, str] | None:
    if decided.object_id is None:
        return None
    kind = name.kind if name is not None else Kind(told["kind"])
    return record_format.named(Named(decided.object_id, review_queue.words(connection, kind, decided.object_id)))


def _page(
    connection: Connection, situations: Sequence[Situation], source: str | None, after: int, settled: bool
) -> tuple[int, list[Shown]]:
    found = unlinked_records.page(connection, situations, source, after, AT_ONCE, settled=settled)
    return (found[-1][0] if found else after), review_queue.show(connection, [record for _, record in found])


def _object_id(connection: Connection, kind: Kind, text: str) -> str:
    if kind is Kind.USER:
        return name_lookup.user(connection, text).id
    return name_lookup.group_id(connection, text) if kind is Kind.GROUP else name_lookup.organization_id(connection, text)
