"""PostgreSQL's planner statistics of tables that are being filled.

The server counts a table by itself a minute later; until then its planner reads whole tables for each lookup, and a first load
takes many times as long (measured). Nothing here does anything on SQLite."""

from typing import Final

from sqlalchemy import Connection, Table

GROWTH: Final = 8
"""A table is counted anew when it has become so many times as large as when it was counted last."""

_HAS_GROWN = (
    "SELECT pg_relation_size(oid) / current_setting('block_size')::bigint > {growth} * GREATEST(relpages, 1) "
    "FROM pg_class WHERE oid = '{table}'::regclass"
)
_ANALYZE_DIRECTORY = (
    "ANALYZE records, record_references, record_keys, object_keys, "
    "organizations, users, user_organizations, groups, memberships, posix_numbers"
)


def analyze_if_grown(connection: Connection, table: Table) -> None:
    """Refresh the statistics of a table if it has grown much. Costs one look into PostgreSQL's catalogue."""
    if connection.dialect.name != "postgresql":
        return
    if connection.exec_driver_sql(_HAS_GROWN.format(growth=GROWTH, table=table.name)).scalar():
        connection.exec_driver_sql(f"ANALYZE {table.name}")


def analyze_directory_if_grown(connection: Connection, first_id: int, last_id: int) -> None:
    """Refresh the statistics of the directory's tables each time the records have become GROWTH times as many.

    `first_id` and `last_id` are the ids of the records just stored; ids follow each other, so they count the records."""
    if connection.dialect.name == "postgresql" and (first_id - 1).bit_length() // 3 != last_id.bit_length() // 3:
        connection.exec_driver_sql(_ANALYZE_DIRECTORY)
