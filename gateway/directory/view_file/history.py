"""The history in a view file: when each change of the log was made, and the former states of entries: their names and
organizations before they were removed, renamed or moved. Written beside the entries, in their transaction;
directory/journal/journal_reader.py reads it.

Bounded: what is older than `meta.floor` is pruned, and a consumer that is further behind begins anew."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from gateway.directory.view_file import view_file
from gateway.directory.view_file.csn import Moment

FORMER_KEPT = 100_000
"""Former states of entries that are kept: about 20 MiB, and a month of a large company's leavers, movers and marriages."""

CHANGES_KEPT = 500_000
"""Changes whose moment is kept, at a dozen bytes each: a consumer that is further behind is faster with a snapshot."""


LATEST = "SELECT number, time FROM moment WHERE number = (SELECT value FROM meta WHERE key = 'position')"
"""The moment of the view's position."""


class FormerEntry(NamedTuple):
    """A former state: an entry as it was before the change at `position`. `organizations` as the view file keeps them."""

    entry: int
    created: int
    kind: str
    object_id: str
    organizations: str
    dn: str
    dn_key: str
    kept: bytes = b""
    """The attributes that a tombstone keeps, as an encoded entry; empty where the view shows no tombstones."""


def record_moments(connection: sqlite3.Connection, moments: Sequence[Moment]) -> Moment:
    """Record when the changes of a transaction were made; return the last moment, for every entry that it changes.

    A view's moments never go backwards, whatever the clocks of the nodes that wrote the log: they order what consumers receive.
    """
    row = connection.execute("SELECT time FROM moment ORDER BY number DESC LIMIT 1").fetchone()
    latest = int(row[0]) if row else 0
    recorded = []
    for number, time in moments:
        latest = max(latest, time)
        recorded.append(Moment(number, latest))
    connection.executemany("INSERT OR IGNORE INTO moment VALUES (?, ?)", recorded)
    return recorded[-1]


def record_former(connection: sqlite3.Connection, position: int, former: FormerEntry) -> None:
    """Record an entry's state until the change at `position`."""
    connection.execute(
        "INSERT INTO former (position, entry, created, kind, object_id, organizations, dn, dn_key, kept)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (position, *former),
    )


def prune(connection: sqlite3.Connection, position: int) -> None:
    """Delete the oldest history above the bounds and raise the floor: the position from which on everything is known."""
    floor = view_file.floor(connection)
    kept = max(floor, position - CHANGES_KEPT)
    # The ids of former states have no gaps but at the front, so counting them is a subtraction.
    last = connection.execute("SELECT max(id) FROM former").fetchone()[0] or 0
    oldest = connection.execute("SELECT position FROM former WHERE id = ?", (last - FORMER_KEPT,)).fetchone()
    if oldest is not None:
        kept = max(kept, int(oldest[0]))
    if kept > floor:
        view_file.write_meta(connection, "floor", kept)
        connection.execute("DELETE FROM moment WHERE number < ?", (kept,))
        connection.execute("DELETE FROM former WHERE position <= ?", (kept,))


def latest(connection: sqlite3.Connection) -> Moment:
    """Return the moment of the view's position."""
    row = connection.execute(LATEST).fetchone()
    return Moment(*row) if row else Moment(0, 0)


def knows(connection: sqlite3.Connection, moment: Moment) -> bool:
    """Return whether this is a moment of the log that the view follows, and no older than the floor. Moments of another store,
    or of a future that a restored backup has taken back, are not: their numbers were given at other times."""
    if not view_file.floor(connection) <= moment.number <= view_file.position(connection):
        return False
    return connection.execute("SELECT 1 FROM moment WHERE number = ? AND time = ?", moment).fetchone() is not None
