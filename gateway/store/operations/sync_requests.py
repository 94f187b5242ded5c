"""Sync requests of administrators: "synchronize this source now". The command line places them; the node that holds the
source's lease takes them and answers with the id of the run."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.sql_types import TableRow
from gateway.store.tables.operations import requests


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a run. `full`: compare everything. `allow_deletions`: let this run pass the deletion guard. `run_id` is the
    answer."""

    id: int
    source_id: str
    full: bool
    allow_deletions: bool
    requested_at: datetime
    taken_by: str | None = None
    run_id: int | None = None


def place(connection: Connection, source_id: str, *, full: bool, allow_deletions: bool, now: datetime) -> int:
    """Place a request; return its id."""
    row = {
        "source_id": source_id,
        "full": full,
        "allow_deletions": allow_deletions,
        "requested_at": milliseconds(now),
    }
    return int(connection.execute(insert(requests).returning(requests.c.id), row).scalar_one())


def take(connection: Connection, source_id: str, holder: str) -> Request | None:
    """Take the oldest untaken request for this source for `holder`; None when there is none."""
    open_requests = (
        select(requests)
        .where(requests.c.source_id == source_id, requests.c.taken_by.is_(None))
        .order_by(requests.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(open_requests).one_or_none()
    if row is None:
        return None
    connection.execute(update(requests).where(requests.c.id == row.id).values(taken_by=holder))
    return _request(row)


def sources_with_requests(connection: Connection) -> list[str]:
    """Return the names of the sources that have untaken requests."""
    untaken = select(requests.c.source_id).where(requests.c.taken_by.is_(None)).distinct()
    return list(connection.execute(untaken.order_by(requests.c.source_id)).scalars())


def answer(connection: Connection, request_id: int, run_id: int) -> None:
    """Store the run that serves the request."""
    connection.execute(update(requests).where(requests.c.id == request_id).values(run_id=run_id))


def get(connection: Connection, request_id: int) -> Request | None:
    """Return the request, or None."""
    row = connection.execute(select(requests).where(requests.c.id == request_id)).one_or_none()
    return None if row is None else _request(row)


def withdraw(connection: Connection, request_id: int) -> bool:
    """Delete an untaken request; return False when it was taken already."""
    open_request = requests.c.taken_by.is_(None)
    return bool(connection.execute(delete(requests).where(requests.c.id == request_id, open_request)).rowcount)


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete at most `limit` requests from before this time, taken or not; return their number."""
    old = select(requests.c.id).where(requests.c.requested_at < milliseconds(before)).order_by(requests.c.id).limit(limit)
    return connection.execute(delete(requests).where(requests.c.id.in_(old.scalar_subquery()))).rowcount


def _request(row: TableRow) -> Request:
    return Request(row.id, row.source_id, row.full, row.allow_deletions, time_of(row.requested_at), row.taken_by, row.run_id)
