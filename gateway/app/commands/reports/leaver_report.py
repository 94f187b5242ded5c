"""What `gateway status` tells of those who are gone: leavers and when they are deleted, and sources that the store has and the
configuration lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click

from gateway.model.connector import LOCAL
from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state
from gateway.store.records import leavers, records
from gateway.sync.lifecycle.grace_period import GracePeriods


def of_source(connection: Connection, source_id: str, grace: GracePeriods) -> dict[str, Any]:
    """How many leavers a source has, and when the next of them is deleted."""
    count, gone_at = leavers.count_and_earliest(connection, source_id)
    next_at = None if gone_at is None else grace.ends_at(connection, source_id, gone_at)
    return {"count": count, "next_deletion_at": next_at}


def show(row: dict[str, Any]) -> None:
    """The line of a source that has leavers, or records that are kept."""
    count, gone = row["leavers"]["count"], row["problems"].get(Situation.DELETED.value, 0)
    if count:
        click.echo(
            f"  leavers:    {count} disabled, {_next(row['leavers'])}; `gateway status {row['source']} --problems` lists them"
        )
    if gone > count:
        click.echo(f"  kept:       {gone - count} objects whose last record is gone")


def reason(record: Record, ends_at: datetime | None) -> str:
    """Why a record is no object, with the day on which a leaver is deleted."""
    return record.reason if ends_at is None else f"{record.reason} ({_day(ends_at)})"


def left_over(connection: Connection, configured: Iterable[str]) -> list[str]:
    """The sources that the store has and the configuration lacks."""
    known = {*configured, LOCAL}
    return [state.id for state in source_state.all_sources(connection) if state.id not in known]


def unconfigured(connection: Connection, configured: Iterable[str]) -> list[dict[str, Any]]:
    """How much there is of each of them."""
    return [
        {
            "source": source_id,
            "counts": {kind.value: records.count(connection, source_id, kind) for kind in Kind},
            "leavers": leavers.count_and_earliest(connection, source_id)[0],
        }
        for source_id in left_over(connection, configured)
    ]


def ended(connection: Connection, grace: GracePeriods) -> list[dict[str, Any]]:
    """The leavers of sources that were ended: those are in the store no more, but for them."""
    there = {state.id for state in source_state.all_sources(connection)} | set(grace.days)
    return [
        {"source": source_id, **of_source(connection, source_id, grace)}
        for source_id in leavers.sources(connection)
        if source_id not in there
    ]


def show_ended(rows: Sequence[dict[str, Any]]) -> None:
    """When the last of them goes, nothing is left of the source."""
    for row in rows:
        click.echo(f"source {row['source']} was ended: {row['count']} users are disabled, {_next(row)}")
        click.echo()


def show_unconfigured(rows: Sequence[dict[str, Any]]) -> None:
    """What can be done about them."""
    for row in rows:
        counts = ", ".join(f"{count} {kind}s" for kind, count in row["counts"].items() if count) or "no records"
        click.echo(f"source {row['source']} is not in the configuration, and what came from it stays as it is ({counts}):")
        click.echo(f"  `gateway source finalize {row['source']}` keeps all of it, to be edited here from then on;")
        click.echo(f"  `gateway source terminate {row['source']}` lets go of what no other source has")
        click.echo()


def _next(row: dict[str, Any]) -> str:
    moment = row["next_deletion_at"]
    return "and none is deleted by itself" if moment is None else f"the next is deleted on {_day(moment)}"


def _day(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d")
