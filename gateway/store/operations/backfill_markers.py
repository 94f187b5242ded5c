"""Backfill markers: for each backfill, the settings under which it was last done for all objects."""

from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.store.tables.operations import meta

_GET = select(meta.c.value).where(meta.c.name == bindparam("marker"))
_CLEAR = delete(meta).where(meta.c.name == bindparam("marker"))


class Marker(StrEnum):
    """The backfills, by the name of their marker in the table `meta`."""

    AUTHORITY = "authority"
    POSIX_NUMBERS = "posix_numbers"


def get(connection: Connection, name: Marker) -> str:
    """Return the fingerprint of the settings under which the backfill was done; "" when it is not done."""
    return connection.execute(_GET, {"marker": name.value}).scalar() or ""


def put(connection: Connection, name: Marker, value: str) -> None:
    """Note that the backfill is done under the settings with this fingerprint; "" is the same as `clear`."""
    clear(connection, name)
    if value:
        connection.execute(insert(meta), {"name": name.value, "value": value})


def clear(connection: Connection, name: Marker) -> None:
    """Note that the backfill is not done: some object may lack what it adds."""
    connection.execute(_CLEAR, {"marker": name.value})
