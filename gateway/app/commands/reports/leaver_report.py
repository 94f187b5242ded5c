"""The leavers in `gateway status`: how many there are and when they are deleted, and the sources that the store has and the
configuration lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from gateway.app.commands.reports.output import print_line
from gateway.model.connector import LOCAL
from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state
from gateway.store.records import leavers, records
from gateway.sync.lifecycle.grace_period import GracePeriods


class LeaversJson(TypedDict):
    """The leavers of a source: how many, and when the next of them is deleted (None: none is by itself)."""

    count: int
    next_deletion_at: datetime | None


class EndedSourceJson(LeaversJson):
    """The leavers of a source that was ended."""

    source: str


class UnconfiguredSourceJson(TypedDict):
    """A source that the store has and the configuration lacks: its records by kind, and its leavers."""

    source: str
    counts: dict[str, int]
    leavers: int


def of_source(connection: Connection, source_id: str, grace: GracePeriods) -> LeaversJson:
    """Return the leavers of a source."""
    count, gone_at = leavers.count_and_earliest(connection, source_id)
    next_at = None if gone_at is None else grace.ends_at(connection, source_id, gone_at)
    return {"count": count, "next_deletion_at": next_at}


def show(source: str, leaving: LeaversJson, problems: Mapping[str, int]) -> None:
    """Print the line of a source that has leavers, or records that are kept. `problems`: records by situation."""
    count, gone = leaving["count"], problems.get(Situation.DELETED.value, 0)
    if count:
        print_line(f"  leavers:    {count} disabled, {_next(leaving)}; `gateway status {source} --problems` lists them")
    if gone > count:
        print_line(f"  kept:       {gone - count} objects whose last record is gone")


def reason(record: Record, ends_at: datetime | None) -> str:
    """Return the reason why a record is no object, with the day on which a leaver is deleted."""
    return record.reason if ends_at is None else f"{record.reason} ({_day(ends_at)})"


def left_over(connection: Connection, configured: Iterable[str]) -> list[str]:
    """Return the sources that the store has and the configuration lacks."""
    known = {*configured, LOCAL}
    return [state.id for state in source_state.all_sources(connection) if state.id not in known]


def unconfigured(connection: Connection, configured: Iterable[str]) -> list[UnconfiguredSourceJson]:
    """Return the extent of each of them."""
    return [
        {
            "source": source_id,
            "counts": {kind.value: records.count(connection, source_id, kind) for kind in Kind},
            "leavers": leavers.count_and_earliest(connection, source_id)[0],
        }
        for source_id in left_over(connection, configured)
    ]


def ended(connection: Connection, grace: GracePeriods) -> list[EndedSourceJson]:
    """Return the leavers of sources that were ended: nothing else of those is left in the store."""
    there = {state.id for state in source_state.all_sources(connection)} | set(grace.days)
    return [
        {"source": source_id, **of_source(connection, source_id, grace)}
        for source_id in leavers.sources(connection)
        if source_id not in there
    ]


def show_ended(rows: Sequence[EndedSourceJson]) -> None:
    """Print a line for each of them. When its last leaver is deleted, nothing is left of the source."""
    for row in rows:
        print_line(f"source {row['source']} was ended: {row['count']} users are disabled, {_next(row)}")
        print_line()


def show_unconfigured(rows: Sequence[UnconfiguredSourceJson]) -> None:
    """Print each of them, with the commands that an administrator can give."""
    for row in rows:
        counts = ", ".join(f"{count} {kind}s" for kind, count in row["counts"].items() if count) or "no records"
        print_line(f"source {row['source']} is not in the configuration, and what came from it stays as it is ({counts}):")
        print_line(f"  `gateway source finalize {row['source']}` keeps all of it, to be edited here from then on;")
        print_line(f"  `gateway source terminate {row['source']}` lets go of what no other source has")
        print_line()


def _next(row: LeaversJson) -> str:
    moment = row["next_deletion_at"]
    return "and none is deleted by itself" if moment is None else f"the next is deleted on {_day(moment)}"


def _day(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d")
