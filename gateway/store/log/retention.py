"""Retention: the change log is shortened at its beginning, and who wants to read what is not there any more is told so.

The log is never empty: the next change's time and the readers' digests lean on the last one."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.change_log import changes, log_head, positions

_FIRST = select(func.min(changes.c.number))
_OLDEST = select(changes.c.number, changes.c.time).order_by(changes.c.number).limit(bindparam("most"))
_SLOWEST = select(func.min(positions.c.number))
_LAST = select(changes.c.number, changes.c.time).where(changes.c.number == select(log_head.c.number).scalar_subquery())


def first(connection: Connection) -> int:
    """Return the number of the first change that is kept."""
    return int(connection.execute(_FIRST).scalar_one())


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete at most `limit` changes from the beginning of the log; return their number.

    What is not older than `before` stays, and of what is older the last change, which was the log's end until then: a reader
    that was told it lately goes on from there. So does what a named reader has not handled. A clock that is ahead deletes no
    more than the log's own times say."""
    last = connection.execute(_LAST).one()
    oldest = min(milliseconds(before), last.time)
    slowest = connection.execute(_SLOWEST).scalar()
    rows = connection.execute(_OLDEST, {"most": limit + 1}).all()
    due = [row.number for row in rows if row.time < oldest][:-1]
    if slowest is not None:
        due = [number for number in due if number < slowest]
    if due:
        connection.execute(delete(changes).where(changes.c.number <= due[-1]))
    return len(due)
