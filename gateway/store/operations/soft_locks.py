"""Soft locks: failures by key, each row until the end of its window, by the store's own clock. Where several nodes share the
store, all of them count here (directory/authentication/soft_lock/shared.py); with an embedded one the rows show the locks that
are in the memory of `serve`. No row goes before its end but by a success or a person: strangers push nothing out, and make as
many rows in a window as they are let guess."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, bindparam, delete, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import time_of
from gateway.store.engine.sql_types import SelectConnection
from gateway.store.tables.operations import soft_locks

_MOMENTS = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    "sqlite": "CAST(round((julianday('now') - 2440587.5) * 86400000) AS integer)",
}
"""The store's clock, in milliseconds since 1970."""


class _Moment(FunctionElement[int]):
    inherit_cache = True
    type = BigInteger()


@compiles(_Moment, "postgresql")
@compiles(_Moment, "sqlite")
def _moment(_: _Moment, compiler: SQLCompiler, **__: object) -> str:
    return _MOMENTS[compiler.dialect.name]


class StoredLock(NamedTuple):
    """`failures` of a key; it is locked with as many as are allowed. `ends_at`: when they are forgotten."""

    failures: int
    ends_at: datetime


_OPEN = soft_locks.c.ends_at > _Moment()
_AMONG = select(soft_locks).where(any_of(soft_locks.c.key, "keys"), _OPEN)
_IS_KEPT = select(soft_locks.c.key).where(soft_locks.c.key == bindparam("name"))
_FORGET = delete(soft_locks).where(any_of(soft_locks.c.key, "keys"))
_FORGET_ALL = delete(soft_locks)
_SWEEP = delete(soft_locks).where(soft_locks.c.ends_at <= _Moment())
_COUNT = """\
INSERT INTO soft_locks (key, failures, ends_at) VALUES (:key, :number, {moment} + :window)
ON CONFLICT (key) DO UPDATE SET
 failures = CASE WHEN soft_locks.ends_at <= {moment} THEN excluded.failures ELSE soft_locks.failures + excluded.failures END,
 ends_at = CASE WHEN soft_locks.ends_at <= {moment} THEN excluded.ends_at ELSE soft_locks.ends_at END
WHERE soft_locks.ends_at <= {moment} OR soft_locks.failures < :most
RETURNING failures"""
_COUNTS = {dialect: text(_COUNT.format(moment=moment)) for dialect, moment in _MOMENTS.items()}
_GIVE_BACK = text("UPDATE soft_locks SET failures = failures - 1 WHERE key = :key AND failures > 0")
NO_MOST = 2**31 - 1


def among(connection: Connection, keys: Collection[str]) -> dict[str, StoredLock]:
    """Return those of the keys that have failures whose window has not ended."""
    return {row.key: StoredLock(row.failures, time_of(row.ends_at)) for row in connection.execute(_AMONG, {"keys": keys})}


def is_kept(connection: SelectConnection, key: str) -> bool:
    """Return whether there is a row of the key. A statement that can be read inline."""
    return connection.execute(_IS_KEPT, {"name": key}).first() is not None


def count(connection: Connection, key: str, window_seconds: float, most: int = NO_MOST, number: int = 1) -> int | None:
    """Count failures of a key, whose window begins with the first; return how many there are now. With `most` already there
    nothing is counted, and None returned."""
    parameters = {"key": key, "number": number, "window": int(window_seconds * 1000), "most": most}
    found = connection.execute(_COUNTS[connection.dialect.name], parameters).scalar()
    return None if found is None else int(found)


def give_back(connection: Connection, key: str) -> None:
    """Take one failure back: it was counted before the answer, which was none."""
    connection.execute(_GIVE_BACK, {"key": key})


def forget(connection: Connection, keys: Collection[str]) -> bool:
    """Forget the failures of these keys; return whether any were there."""
    return connection.execute(_FORGET, {"keys": keys}).rowcount > 0


def forget_all(connection: Connection) -> None:
    """Forget all failures."""
    connection.execute(_FORGET_ALL)


def sweep(connection: Connection) -> None:
    """Remove the rows whose window has ended."""
    connection.execute(_SWEEP)


def keep(connection: Connection, key: str, failures: int, seconds: float) -> None:
    """Store a lock that is held in memory and ends after so many seconds, in the place of an older one."""
    sweep(connection)
    forget(connection, (key,))
    count(connection, key, seconds, number=failures)
