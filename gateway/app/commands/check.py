"""`gateway check`: try every step of reading a source, and show what would come of it. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import lockout_comparison
from gateway.app.commands.reports.chosen_sources import chosen_sources
from gateway.app.commands.reports.output import Progress, as_json, print_json, print_line
from gateway.app.config.listener_tables import LimitsTable
from gateway.app.connector_kinds.registry import kind_of
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import CheckItem, CheckStatus
from gateway.model.objects import Attributes, Kind

FAILED_CHECK = 4
WORDS = {CheckStatus.PASSED: "ok", CheckStatus.FAILED: "FAILED", CheckStatus.WARNED: "warning", CheckStatus.SKIPPED: "skipped"}
LONGEST_VALUE = 40


@click.command("check")
@click.argument("source", required=False)
@as_json
@click.pass_context
def command(context: click.Context, source: str | None, as_json: bool) -> None:
    """Try every step of reading SOURCE (or all), and show the first five of each kind as they would become."""
    invocation: Invocation = context.obj
    for warning in invocation.loaded.warnings:
        print_line(f"warning: {warning}", err=True)
    tables = chosen_sources(invocation.loaded.settings, source)
    if not tables and not as_json:
        print_line("no [[source]] is configured")
    limits = invocation.loaded.settings.limits
    results = {table.name: _checked(table, limits, silent=as_json) for table in tables}
    if as_json:
        print_json([{"source": name, "items": [_plain(item) for item in items]} for name, items in results.items()])
    if any(item.status is CheckStatus.FAILED for items in results.values() for item in items):
        context.exit(FAILED_CHECK)


def _checked(table: SourceTable, limits: LimitsTable, *, silent: bool) -> list[CheckItem]:
    items: list[CheckItem] = []
    with Progress(f"source {table.name}") as progress:
        if not silent:
            progress.print_line(f"source {table.name} ({table.kind})")
        progress.show("connecting …")
        for found in kind_of(table).source(table).check():
            item = found
            if table.authenticates:
                item = lockout_comparison.compared(found, limits.bind_failures, limits.bind_failure_seconds)
            items.append(item)
            for line in () if silent else _lines(item):
                progress.print_line(line)
            progress.show(f"{len(items)} steps done …")
    return items


def _lines(item: CheckItem) -> Iterator[str]:
    yield f"  {WORDS[item.status]:8}{item.name}{f': {item.detail}' if item.detail else ''}"
    if item.cure and item.status in (CheckStatus.FAILED, CheckStatus.WARNED):
        yield f"          cure: {item.cure}"
    for kind, name, attributes in item.samples:
        yield f"            {name or '(no name)'}  {_summary(kind, attributes)}"


def _summary(kind: Kind, attributes: Attributes) -> str:
    """Return the attributes that have values on one line, the naming one first."""
    naming = NAMING_ATTRIBUTE[kind]
    ordered = sorted(attributes.items(), key=lambda item: item[0] != naming)
    return "  ".join(f"{name}={_value(values)}" for name, values in ordered if values)


def _value(values: Sequence[object]) -> str:
    shown = [f"({len(value)} bytes)" if isinstance(value, bytes) else str(value) for value in values]
    return ", ".join(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…" for text in shown)


def _plain(item: CheckItem) -> dict[str, object]:
    samples = [{"kind": kind, "name": name, "attributes": dict(attributes)} for kind, name, attributes in item.samples]
    return {"name": item.name, "status": item.status, "detail": item.detail, "cure": item.cure, "samples": samples}
