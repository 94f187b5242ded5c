"""Bulk statements: many rows at once, as tuples, past SQLAlchemy's work per row. A first load writes a dozen rows per user.

Only statements whose every value is a plain string, number, boolean, bytes or None."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection, Table

from gateway.store.engine.sql_types import ColumnValue, RowValues

COPY_FROM_ROWS = 50
"""From so many rows on PostgreSQL's COPY is faster than its INSERT."""


def insert(connection: Connection, table: Table, rows: Sequence[RowValues], *, ignore_known: bool = False) -> None:
    """Insert rows given in the order of the table's columns. With `ignore_known`, rows whose key exists stay as they are."""
    if len(rows) >= COPY_FROM_ROWS and connection.dialect.name == "postgresql" and not ignore_known:
        _copy(connection, table, rows)
    elif rows:
        connection.exec_driver_sql(_insert(table, connection.dialect.name, ignore_known), list(rows))


def _copy(connection: Connection, table: Table, rows: Sequence[RowValues]) -> None:
    driver = connection.connection.driver_connection
    columns = ", ".join(column.name for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:  # type: ignore[union-attr]
        for row in rows:
            copy.write_row(row)


def update(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[RowValues]) -> None:
    """Set `columns` of the rows whose primary key stands behind the new values in each tuple."""
    if rows:
        connection.exec_driver_sql(_update(table, connection.dialect.name, columns), list(rows))


def update_differing(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[RowValues, RowValues | None, ColumnValue]],
) -> None:
    """Set of these columns those that differ from what is stored: an index of a column that is not set costs nothing. Each row:
    the new values, the stored ones (None: set all), the primary key."""
    groups: defaultdict[tuple[str, ...], list[RowValues]] = defaultdict(list)
    for new, stored, key in rows:
        if stored is None:
            groups[columns].append((*new, key))
            continue
        differing = [place for place, value in enumerate(new) if value != stored[place]]
        if differing:
            groups[tuple([columns[place] for place in differing])].append((*[new[place] for place in differing], key))
    for names, values in groups.items():
        update(connection, table, names, values)


def delete(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[RowValues]) -> None:
    """Delete the rows that have these values in these columns."""
    if rows:
        connection.exec_driver_sql(_delete(table, connection.dialect.name, columns), list(rows))


def _mark(dialect: str) -> str:
    return "?" if dialect == "sqlite" else "%s"


@lru_cache(maxsize=256)
def _insert(table: Table, dialect: str, ignore_known: bool) -> str:
    columns = [column.name for column in table.columns]
    marks = ", ".join(_mark(dialect) for _ in columns)
    conflict = " ON CONFLICT DO NOTHING" if ignore_known else ""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}){conflict}"  # noqa: S608


@lru_cache(maxsize=256)
def _update(table: Table, dialect: str, columns: tuple[str, ...]) -> str:
    key = [column.name for column in table.primary_key]
    return f"UPDATE {table.name} SET {_equal(columns, dialect, ', ')} WHERE {_equal(key, dialect, ' AND ')}"  # noqa: S608


@lru_cache(maxsize=256)
def _delete(table: Table, dialect: str, columns: tuple[str, ...]) -> str:
    return f"DELETE FROM {table.name} WHERE {_equal(columns, dialect, ' AND ')}"  # noqa: S608


def _equal(columns: Sequence[str], dialect: str, separator: str) -> str:
    return separator.join(f"{column} = {_mark(dialect)}" for column in columns)
