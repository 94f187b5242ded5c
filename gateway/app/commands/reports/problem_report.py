"""The records of `gateway status --problems`: those that did not become objects, leavers, those whose deletion the deletion
guard holds, and groups that name members whom no record has the name of, and those of which values were left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypedDict

from gateway.app.commands.reports import leaver_report
from gateway.app.commands.reports.output import print_json, print_line, print_table
from gateway.model.deltas import MEMBERS
from gateway.model.ldap import dn
from gateway.model.records import Record, Situation
from gateway.store.engine.database import Connection, Database
from gateway.store.operations import source_state
from gateway.store.records import held_deletions, left_out_values, records, references
from gateway.sync.lifecycle.grace_period import GracePeriods

AT_ONCE = 100

HELD = "held"
"""In the place of a situation: the record is gone from its source and stays linked, because its deletion is held."""


MEMBERS_MISSING = "members missing"
"""In the place of a situation: the record is linked, and names members that the source has not reported."""


VALUES_LEFT_OUT = "values left out"
"""In the place of a situation: the record is kept, but for values that are not text."""


class ProblemJson(TypedDict):
    """A record that did not become an object, that is gone from its source and held, or that names members whom no record
    is."""

    source: str
    kind: str
    situation: str
    external_id: str
    dn: str
    reason: str


def of_source(database: Database, source_id: str, grace: GracePeriods) -> list[ProblemJson]:
    """Return the problem records of a source, the held ones first."""
    return [
        *(_row(record, HELD, _held_reason(record)) for record in _all(database, held_deletions.after, source_id)),
        *(
            _row(record, record.situation.value, leaver_report.reason(record, _end(database, record, grace)))
            for record in _all(database, records.problems, source_id)
        ),
        *_missing_members(database, source_id),
        *_left_out_values(database, source_id),
    ]


def unread(database: Database, source_ids: Iterable[str]) -> list[str]:
    """Return a sentence for each source whose last run did not succeed, or that was never read: its records may be others
    by now."""
    found = {one: database.read_blocking(partial(source_state.get, source_id=one)) for one in source_ids}
    return [
        f"source {one}: "
        + (f"last error: {state.last_error.removeprefix(f'source {one}: ')}" if state and state.last_error else "never read")
        for one, state in found.items()
        if state is None or state.last_error or state.caught_up_at is None
    ]


def show(rows: list[ProblemJson], unread: Sequence[str], *, as_json: bool) -> None:
    """Print the records as a table, and the sentences about sources that are not read."""
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("source", "kind", "situation", "dn", "reason")
        cells = ([row["source"], row["kind"], row["situation"], row["dn"], row["reason"]] for row in rows)
        print_table(columns, ([cell or row["external_id"] for cell in line] for line, row in zip(cells, rows, strict=True)))
    elif not unread:
        print_line("every record became an object")
    if not as_json:
        for sentence in unread:
            print_line(sentence)


class Page(Protocol):
    """Returns at most `limit` records of a source beyond `after`, each with its id."""

    def __call__(self, connection: Connection, source_id: str, after: int, limit: int) -> list[tuple[int, Record]]: ...


def _all(database: Database, page: Page, source_id: str) -> Iterator[Record]:
    after = 0
    while found := database.read_blocking(partial(page, source_id=source_id, after=after, limit=AT_ONCE)):
        yield from (record for _, record in found)
        after = found[-1][0]


def _missing_members(database: Database, source_id: str) -> Iterator[ProblemJson]:
    after = 0
    while found := database.read_blocking(
        partial(references.dangling_owners, source_id=source_id, name=MEMBERS, after=after, limit=AT_ONCE)
    ):
        for row, number, example in found:
            who = dn.from_key(example) if "=" in example else example
            members = "1 member that is" if number == 1 else f"{number} members that are"
            reason = (
                f"names {members} not among what is read from here, such as {who}: remove it there, or widen bases and filters"
            )
            yield _row(records.of_row(row), MEMBERS_MISSING, reason)
        after = found[-1][0].id


def _left_out_values(database: Database, source_id: str) -> Iterator[ProblemJson]:
    after = 0
    while found := database.read_blocking(partial(left_out_values.after, source_id=source_id, after=after, limit=AT_ONCE)):
        for _, record, sentences in found:
            said = f"source {source_id}: {record.dn}: "  # the row has both
            yield _row(record, VALUES_LEFT_OUT, "; ".join(sentence.removeprefix(said) for sentence in sentences))
        after = found[-1][0]


def _row(record: Record, situation: str, reason: str) -> ProblemJson:
    return {
        "source": record.source_id,
        "kind": record.kind.value,
        "situation": situation,
        "external_id": record.external_id,
        "dn": record.dn,
        "reason": reason,
    }


def _held_reason(record: Record) -> str:
    earlier = f"{record.reason}; " if record.situation is Situation.LINKED and record.reason else ""
    stays = f"is gone from its source and stays until `gateway sync {record.source_id} --allow-deletions`, or until it is back"
    return earlier + stays


def _end(database: Database, record: Record, grace: GracePeriods) -> datetime | None:
    gone_at = record.gone_at
    if gone_at is None:
        return None
    return database.read_blocking(partial(grace.ends_at, source_id=record.source_id, gone_at=gone_at))
