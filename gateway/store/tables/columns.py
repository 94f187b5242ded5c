"""The metadata that every table belongs to, and the column types and index options that tables share."""

from typing import TypedDict

from sqlalchemy import BigInteger, Integer, MetaData, Text, TextClause, text

metadata = MetaData()

# Keys are compared by range and sorted: that must be byte order, whatever the locale of the server.
Key = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite numbers its rows by itself only in a column that is called INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")


class _Where(TypedDict):
    sqlite_where: TextClause
    postgresql_where: TextClause


def only_where(condition: str) -> _Where:
    """Return the arguments that limit an index to the rows for which `condition` is true."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
