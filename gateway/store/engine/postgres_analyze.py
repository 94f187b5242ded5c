"""What PostgreSQL's planner knows of a table that is being filled: it counts by itself a minute later, and until then reads the
whole table for every look-up, which makes a first load many times as long (measured)."""

from sqlalchemy import Connection, Table

TIMES = 8
"""A table is counted anew when it has become so many times as large as when it was counted last."""

_GROWN = (
    "SELECT pg_relation_size(oid) / current_setting('block_size')::bigint > {times} * GREATEST(relpages, 1) "
    "FROM pg_class WHERE oid = '{table}'::regclass"
)


def count_anew(connection: Connection, table: Table) -> None:
    """Let PostgreSQL count the table if it has grown much. Costs one look into its catalogue; nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    if connection.exec_driver_sql(_GROWN.format(times=TIMES, table=table.name)).scalar():
        connection.exec_driver_sql(f"ANALYZE {table.name}")
