"""Positions: for each named reader of the change log, the last change that it has handled. A slow or dead reader delays only
itself (law 4)."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.change_log import positions

_GET = select(positions.c.number).where(positions.c.name == bindparam("reader"))
_MOVE = (
    update(positions)
    .where(positions.c.name == bindparam("reader"))
    .values(number=bindparam("reached"), updated_at=bindparam("now"))
)


def get(connection: Connection, name: str) -> int | None:
    """Return the last change number that the reader has handled; None when it never read."""
    return connection.execute(_GET, {"reader": name}).scalar()


def set_position(connection: Connection, name: str, number: int, now: datetime) -> None:
    """Store that the reader has handled every change up to `number`."""
    moved = connection.execute(_MOVE, {"reader": name, "reached": number, "now": milliseconds(now)})
    if not moved.rowcount:
        connection.execute(insert(positions), {"name": name, "number": number, "updated_at": milliseconds(now)})


def forget(connection: Connection, name: str) -> None:
    """Forget a reader that will not come back."""
    connection.execute(delete(positions).where(positions.c.name == name))


def all_positions(connection: Connection) -> dict[str, int]:
    """Return every reader's position by its name."""
    return dict(connection.execute(select(positions.c.name, positions.c.number).order_by(positions.c.name)).all())
