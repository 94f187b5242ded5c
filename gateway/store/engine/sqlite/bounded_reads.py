"""Bounded reads of the embedded store, for the reactor's thread: several statements that find a few rows by their keys.

SQLite counts the steps of its virtual machine; a read that takes more of them than a few rows need is ended, and its caller
does it in a thread (law 7)."""

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, exc

T = TypeVar("T")

STEPS: Final = 1_000
"""The virtual machine's steps between two looks at the count."""

MOST_LOOKS: Final = 20
"""20,000 steps take less than a millisecond and read some 500 rows."""


class LongRead(Exception):
    """The read takes longer than may be waited for in the reactor's thread; nothing is wrong with it."""


def bounded(connection: Connection, work: Callable[[Connection], T]) -> T:
    """Return what `work` makes of the connection. Raises LongRead when it takes too many steps, or as `work` does."""
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return looks > MOST_LOOKS  # True ends the statement

    driver.set_progress_handler(look, STEPS)
    try:
        return work(connection)
    except (exc.OperationalError, sqlite3.OperationalError) as error:
        cause = error.orig if isinstance(error, exc.OperationalError) else error
        if getattr(cause, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise LongRead from None
        raise
    finally:
        driver.set_progress_handler(None, 0)
