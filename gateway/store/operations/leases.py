"""Leases: of all nodes, one at a time does a thing (reads a given source). A dead holder's lease ends by itself.

A lease has a number that grows with each new holder (fencing): a node that was paused and comes back finds another number, and
what it still wanted to write is given up (`is_current`). The time is that of the store, never a node's: on PostgreSQL the
database's clock; an embedded store has one machine, whose `now` counts."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.operations import leases

_DATABASE_TIME = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
_NOBODY = ""
_FREE = {"holder": _NOBODY, "expires_at": 0}


def acquire(connection: Connection, name: str, holder: str, seconds: float, now: datetime) -> int | None:
    """Take the lease for so long, if it is free, expired, or the holder's own already. Returns its number, or None when another
    holder has it."""
    moment, row = _moment(connection, now), leases.c.name == name
    end = moment + _milliseconds(seconds)
    own = update(leases).where(row, leases.c.holder == holder).values(expires_at=end).returning(leases.c.number)
    if (number := connection.execute(own).scalar()) is not None:
        return int(number)
    taken = update(leases).where(row, leases.c.expires_at <= moment).values(holder=holder, expires_at=end)
    number = connection.execute(taken.values(number=leases.c.number + 1).returning(leases.c.number)).scalar()
    if number is not None:
        return int(number)
    if connection.execute(select(leases.c.holder).where(row)).scalar() is not None:
        return None
    try:
        with connection.begin_nested():
            connection.execute(insert(leases), {"name": name, "holder": holder, "expires_at": end, "number": 1})
    except IntegrityError:  # another node was quicker, between our look and our insert
        return None
    return 1


def renew(connection: Connection, name: str, number: int, seconds: float, now: datetime) -> bool:
    """Keep a lease for so much longer; False when another holder has had it meanwhile, and the work must stop."""
    own = update(leases).where(leases.c.name == name, leases.c.number == number, leases.c.holder != _NOBODY)
    return bool(connection.execute(own.values(expires_at=_moment(connection, now) + _milliseconds(seconds))).rowcount)


def is_current(connection: Connection, name: str, number: int) -> bool:
    """Return whether the lease still has this number, be it expired or not. Asked in the transaction that writes, behind the
    log's lock: then no other holder can have written in between."""
    held = select(leases.c.number).where(leases.c.name == name, leases.c.holder != _NOBODY)
    return bool(connection.execute(held).scalar() == number)


def release(connection: Connection, name: str, number: int) -> None:
    """Give the lease back; nothing when it is another's. Its number stays, so that none is given twice."""
    connection.execute(update(leases).where(leases.c.name == name, leases.c.number == number).values(**_FREE))


def holder_of(connection: Connection, name: str, now: datetime) -> str | None:
    """Return the present holder of the lease; None without one."""
    held = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > _moment(connection, now))
    return connection.execute(held).scalar()


def free(connection: Connection, name: str, holder: str) -> None:
    """Give back what a holder that is gone left behind."""
    connection.execute(update(leases).where(leases.c.name == name, leases.c.holder == holder).values(**_FREE))


def all_holders(connection: Connection) -> list[tuple[str, str]]:
    """Return every lease that was not given back, with its holder."""
    held = select(leases.c.name, leases.c.holder).where(leases.c.holder != _NOBODY)
    return [(name, holder) for name, holder in connection.execute(held)]


def _moment(connection: Connection, now: datetime) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_DATABASE_TIME).scalar_one())
    return milliseconds(now)


def _milliseconds(seconds: float) -> int:
    return int(timedelta(seconds=seconds).total_seconds() * 1000)
