"""The change log, the lock under which it grows, and the positions of its readers."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from gateway.store.tables.columns import Key, Number, metadata, only_where

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
"""One row: the last change number. A transaction that writes to the directory holds its lock until the commit (law 3)."""

changes = Table(
    "changes",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Key, nullable=False),
    Column("type", Text, nullable=False),
    Column("source_id", Key, nullable=False),
    Column("document", Text, nullable=False),
)
Index("changes_deletions", changes.c.source_id, changes.c.time, **only_where("type = 'delete'"))
# A reader with a narrowed scope queries how the tree has moved since its position, however long the log is.
Index("changes_organizations", changes.c.number, **only_where("kind = 'organization'"))

positions = Table(
    "positions",
    metadata,
    Column("name", Key, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
