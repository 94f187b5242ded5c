"""A probe that the store takes writes: a full disk and a server that is read-only let every read pass."""

import secrets

from sqlalchemy import Connection, insert, update

from gateway.model.errors import StoreBusy, StoreUnavailable
from gateway.store.engine.database import Database
from gateway.store.tables.operations import meta

SQLITE_BYTES = 64 * 1024
"""Written into a file of this machine's: so that a disk is reported as full before the last page of it is. A server looks after
its own disk."""

_NAME = "write_probe"


def probe(connection: Connection) -> None:
    """Write something; what fails is the commit, or this."""
    room = SQLITE_BYTES if connection.dialect.name == "sqlite" else 0
    value = secrets.token_hex(8).ljust(room, ".")
    if not connection.execute(update(meta).where(meta.c.name == _NAME).values(value=value)).rowcount:
        connection.execute(insert(meta), {"name": _NAME, "value": value})


def failure(database: Database) -> str:
    """Return why the store takes no writes now, with the cure; "" when it takes them, or others are writing."""
    try:
        database.write_blocking(probe)
    except StoreBusy:
        return ""
    except StoreUnavailable as error:
        return str(error)
    return ""
