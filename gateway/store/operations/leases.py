"""Leases: of all nodes, one at a time does a thing (reads a given source). A dead holder's lease ends by itself.

The times are the nodes' own clocks: they must agree to within a few seconds, far less than a lease lasts."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.operations import leases


def acquire(connection: Connection, name: str, holder: str, seconds: float, now: datetime) -> bool:
    """Take the lease for so long, if it is free, expired, or the holder's own already; whether that worked."""
    if renew(connection, name, holder, seconds, now):
        return True
    row = leases.c.name == name
    expired = update(leases).where(row, leases.c.expires_at <= milliseconds(now))
    if connection.execute(expired.values(holder=holder, expires_at=_end(now, seconds))).rowcount:
        return True
    if connection.execute(select(leases.c.holder).where(row)).scalar() is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(leases), {"name": name, "holder": holder, "expires_at": _end(now, seconds)})
    except IntegrityError:  # another node was quicker, between our look and our insert
        return False
    return True


def renew(connection: Connection, name: str, holder: str, seconds: float, now: datetime) -> bool:
    """Keep a lease for so much longer; False when it is not the holder's any more, and the work must stop."""
    own = update(leases).where(leases.c.name == name, leases.c.holder == holder)
    return bool(connection.execute(own.values(expires_at=_end(now, seconds))).rowcount)


def release(connection: Connection, name: str, holder: str) -> None:
    """Give the lease back; nothing when it is not the holder's."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def holder_of(connection: Connection, name: str, now: datetime) -> str | None:
    """Who has the lease now; None when nobody has."""
    held = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > milliseconds(now))
    return connection.execute(held).scalar()


def all_holders(connection: Connection) -> list[tuple[str, str]]:
    """Every lease that was not given back, with its holder."""
    return [(name, holder) for name, holder in connection.execute(select(leases.c.name, leases.c.holder))]


def _end(now: datetime, seconds: float) -> int:
    return milliseconds(now + timedelta(seconds=seconds))
