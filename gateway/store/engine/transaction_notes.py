"""Notes of a writing transaction, kept with its connection until it ends: how far the change log goes in it; and savepoints,
which undo a part of it with its notes."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection

LAST_CHANGE = "gateway_last_change"
"""The last change number that the transaction has assigned."""

LOG_HEAD = "gateway_log_head"
"""The number at which the change log ends in the transaction, which holds the log's lock."""


def forget(connection: Connection) -> None:
    """Forget the notes of the connection's former transaction, be it that of a writer which failed and now of a reader."""
    for name in (LAST_CHANGE, LOG_HEAD):
        connection.info.pop(name, None)


@contextlib.contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Run the block as a part of the transaction: when it raises, nothing of it is kept, and the transaction can go on. On
    PostgreSQL a lock that was taken inside is given back then."""
    notes = {name: connection.info.get(name) for name in (LAST_CHANGE, LOG_HEAD)}
    try:
        with connection.begin_nested():
            yield
    except BaseException:
        forget(connection)
        connection.info.update({name: value for name, value in notes.items() if value is not None})
        raise
