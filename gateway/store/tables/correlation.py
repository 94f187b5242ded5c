"""Correlation: decisions of persons, and the keys by which rules find objects for records."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from gateway.store.tables.columns import Key, metadata

link_decisions = Table(
    "link_decisions",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Key, primary_key=True),
    Column("object_id", Key, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Index("link_decisions_object", "object_id"),
)
"""Decisions of persons: this record belongs to that object ("link"), or never does ("never"). They outlive the record."""

object_keys = Table(
    "object_keys",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("object_id", Key, primary_key=True),
    Index("object_keys_object", "object_id"),
    sqlite_with_rowid=False,
)
"""Normalized values of the attributes by which rules find objects; written in the transaction of their object."""

record_keys = Table(
    "record_keys",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("links", Boolean, nullable=False),
    Index("record_keys_record", "record"),
    sqlite_with_rowid=False,
)
"""Keys that the rules of its source look for on behalf of a record, so that an object that comes later finds the records that
wait for it. `links`: the rules may link without a person."""

rechecks = Table(
    "second_looks",
    metadata,
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
)
"""Rechecks: records without an object for which something has changed, correlated again when their source next reports."""
