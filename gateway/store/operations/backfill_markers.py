"""What the gateway has noted about its own work, by name: under which settings something was done for all objects."""

from sqlalchemy import Connection, delete, insert, select

from gateway.store.tables.operations import meta


def get(connection: Connection, name: str) -> str:
    """The note of this name; "" when there is none."""
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar() or ""


def put(connection: Connection, name: str, value: str) -> None:
    """Note it, in the place of what was noted before; "" notes nothing."""
    connection.execute(delete(meta).where(meta.c.name == name))
    if value:
        connection.execute(insert(meta), {"name": name, "value": value})
