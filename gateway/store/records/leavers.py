"""Records of leavers: gone from their source while their object stays, since when, and to the end of the grace period.

A record with `gone_at` is that of a leaver. One in the situation `deleted` without it was kept: its object stays as it is."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, func, literal_column, select

from gateway.model.objects import Kind
from gateway.model.records import DECIDED_BY_ADDITION, Situation
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, optional_time_of
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.objects import users
from gateway.store.tables.records import held_deletions, records

_OF_SOURCE = records.c.source_id == bindparam("source")
_LEFT = records.c.gone_at.is_not(None)
_SOURCES = select(records.c.source_id).distinct().where(_LEFT)
_COUNT_AND_EARLIEST = select(func.count(), func.min(records.c.gone_at)).where(_OF_SOURCE, _LEFT)
_SINCE = select(records.c.kind, func.count()).where(_OF_SOURCE, records.c.gone_at > bindparam("since")).group_by(records.c.kind)
_LEFT_SINCE = select(records).where(_OF_SOURCE, records.c.gone_at > bindparam("since")).order_by(records.c.id)
_DUE = (
    select(records.c.id)
    .where(_OF_SOURCE, records.c.gone_at <= bindparam("until"))
    .order_by(records.c.gone_at, records.c.id)
    .limit(bindparam("most"))
)
_UNCLAIMED = (
    select(users.c.id)
    .where(
        users.c.gone_at <= bindparam("until"),
        ~exists().where(records.c.object_id == users.c.id, records.c.decided_by != DECIDED_BY_ADDITION),
    )
    .order_by(users.c.gone_at, users.c.id)
    .limit(bindparam("most"))
)
# Written out: a planner takes a partial index only for a condition that it can read.
_GONE = (_OF_SOURCE, records.c.situation != literal_column("'linked'"), records.c.situation == Situation.DELETED.value)
_ANY = select(records.c.id).where(*_GONE).limit(1)
_GONE_OF = select(records.c.id).where(*_GONE, any_of(records.c.object_id, "objects"))
_BY_LOGIN = (
    select(records).where(_OF_SOURCE, any_of(records.c.login_key, "keys"), _LEFT).order_by(records.c.gone_at, records.c.id)
)


_HOLD_NO_LONGER = delete(held_deletions).where(any_of(held_deletions.c.record, "ids", numbers=True))


def sources(connection: Connection) -> list[str]:
    """Return the names of the sources that have leavers."""
    return sorted(connection.execute(_SOURCES).scalars())


def count_and_earliest(connection: Connection, source_id: str) -> tuple[int, datetime | None]:
    """Return the number of a source's records of leavers, and the time at which the earliest of them left."""
    count, gone_at = connection.execute(_COUNT_AND_EARLIEST, {"source": source_id}).one()
    return int(count), optional_time_of(gone_at)


def since(connection: Connection, source_id: str, stamp: int) -> dict[Kind, int]:
    """Return the number of records of each kind that have left the source after `stamp` (milliseconds) and are not back."""
    return {Kind(kind): count for kind, count in connection.execute(_SINCE, {"source": source_id, "since": stamp})}


def left_since(connection: Connection, source_id: str, stamp: int) -> list[RecordRow]:
    """Return the records that have left the source after `stamp` (milliseconds) and are not back."""
    rows = connection.execute(_LEFT_SINCE, {"source": source_id, "since": stamp})
    return [RecordRow._make(row) for row in rows]


def due(connection: Connection, source_id: str, until: datetime, limit: int) -> list[int]:
    """Return the ids of at most `limit` records that left at `until` or earlier, the earliest first."""
    return list(connection.execute(_DUE, {"source": source_id, "until": milliseconds(until), "most": limit}).scalars())


def without_records(connection: Connection, until: datetime, limit: int) -> list[str]:
    """Return the ids of at most `limit` users who left at `until` or earlier and have no record, because a person unlinked
    it."""
    return list(connection.execute(_UNCLAIMED, {"until": milliseconds(until), "most": limit}).scalars())


def any_gone(connection: Connection, source_id: str) -> bool:
    """Return True when a record has left the source, or is gone and its object kept."""
    return connection.execute(_ANY, {"source": source_id}).first() is not None


def gone_of(connection: Connection, source_id: str, object_ids: Collection[str | None]) -> list[int]:
    """Return the ids of the source's records that are gone and belong to these objects."""
    return list(connection.execute(_GONE_OF, {"source": source_id, "objects": object_ids}).scalars())


def by_login(connection: Connection, source_id: str, login_keys: Collection[str]) -> dict[str, RecordRow]:
    """Return the records of a source's leavers that had these login names, by name key; of several the youngest."""
    rows = connection.execute(_BY_LOGIN, {"source": source_id, "keys": login_keys}) if login_keys else ()
    return {row.login_key: RecordRow._make(row) for row in rows}


# ---- writing: for gateway/sync, under the lock of the change log


def mark_gone(connection: Connection, reasons: Mapping[int, str], stamp: int | None) -> None:
    """Store that these records are gone since `stamp`, each with its reason; None: their objects are kept as they are, for
    ever. Their deletion is held no longer."""
    rows = [(Situation.DELETED.value, reason, stamp, None, record_id) for record_id, reason in reasons.items()]
    bulk.update(connection, records, ("situation", "reason", "gone_at", "digest"), rows)
    if reasons:
        connection.execute(_HOLD_NO_LONGER, {"ids": reasons.keys()})
