"""Origins: the record for which an object was created, by which users, organizations and groups are found alike."""

from typing import TypeAlias

from sqlalchemy import Connection, Select, Table, bindparam, select

from gateway.model.objects import Origin

ByOrigin: TypeAlias = Select[str]
"""The SELECT of the ids of a table's objects by their origin."""


def select_by_origin(table: Table) -> ByOrigin:
    """Return the statement for `find_by_origin`."""
    return select(table.c.id).where(
        table.c.external_id == bindparam("external_id"),
        table.c.source_id == bindparam("source_id"),
        table.c.source_type == bindparam("source_type"),
    )


def find_by_origin(connection: Connection, statement: ByOrigin, origin: Origin) -> str | None:
    """Return the id of the object that was created for this record, or None."""
    parameters = {"external_id": origin.external_id, "source_id": origin.source_id, "source_type": origin.source_type}
    return connection.execute(statement, parameters).scalar()
