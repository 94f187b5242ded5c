"""The types of what goes into statements and comes out of them, as far as SQLAlchemy Core lets them be known.

A statement over a whole table has no static column types: `row.name` is checked when it is read, not when it is written."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Executable, Select

ColumnValue: TypeAlias = str | int | bytes | None
"""A value as the drivers of SQLite and PostgreSQL take it unchanged; a bool is an int."""

RowValues: TypeAlias = tuple[ColumnValue, ...]
"""The values of one row, in the order of the columns."""

Query: TypeAlias = Select[*tuple[Any, ...]]
"""A SELECT whose columns are not known statically."""


class TableRow(Protocol):
    """A row whose columns are its attributes: SQLAlchemy's `Row`, or a named tuple of `sqlite.inline_reads`."""

    def __getattr__(self, name: str) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class TableRows(Protocol):
    """The answer to a SELECT of few rows."""

    def __iter__(self) -> Iterator[TableRow]: ...

    def first(self) -> TableRow | None:
        """Return the first row, or None."""

    def one_or_none(self) -> TableRow | None:
        """Return the only row, or None when there is none."""


class SelectConnection(Protocol):
    """A connection as far as a SELECT of few rows needs it: SQLAlchemy's `Connection`, or that of `sqlite.inline_reads`."""

    def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None, /) -> TableRows:
        """Run the statement with these values of its parameters."""
