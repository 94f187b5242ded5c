"""Leases: of all nodes, one at a time holds a given lease (to read a source). A dead holder's lease expires.

The times are the nodes' own clocks: they must agree to within a few seconds, far less than a lease lasts."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.operations import leases


def acquire(connection: Connection, name: str, holder: str, seconds: float, now: datetime) -> bool:
    """Take the lease for so long, if it is free, expired, or the holder's own already; return True when it was taken."""
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
    except IntegrityError:  # another node was quicker, between our SELECT and our INSERT
        return False
    return True


def renew(connection: Connection, name: str, holder: str, seconds: float, now: datetime) -> bool:
    """Extend a lease; return False when it is not the holder's any more, and the work must stop."""
    own = update(leases).where(leases.c.name == name, leases.c.holder == holder)
    return bool(connection.execute(own.values(expires_at=_end(now, seconds))).rowcount)


def release(connection: Connection, name: str, holder: str) -> None:
    """Release the lease; do nothing when it is not the holder's."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def holder_of(connection: Connection, name: str, now: datetime) -> str | None:
    """Return the present holder of the lease, or None."""
    held = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > milliseconds(now))
    return connection.execute(held).scalar()


def all_holders(connection: Connection) -> list[tuple[str, str]]:
    """Return every lease that was not released, with its holder."""
    return [(name, holder) for name, holder in connection.execute(select(leases.c.name, leases.c.holder))]


def _end(now: datetime, seconds: float) -> int:
    return milliseconds(now + timedelta(seconds=seconds))
