"""The store's own identity: given once by the first migration, and the same for every node that uses this store."""

from sqlalchemy import Connection, select

from gateway.store.tables.operations import meta

_ID = select(meta.c.value).where(meta.c.name == "instance_id")


def instance_id(connection: Connection) -> str:
    """The instance id: "idaas_" and 20 lower case letters and digits, safe in a URL."""
    return str(connection.execute(_ID).scalar_one())
