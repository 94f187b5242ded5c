"""Records: the last report of each source about each of its objects, and the references between records."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from gateway.store.tables.columns import Key, Number, metadata, only_where

records = Table(
    "records",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("source_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("dn", Text, nullable=False),
    Column("dn_key", Key, nullable=False),
    Column("login_key", Key),
    Column("attributes", Text, nullable=False),
    Column("digest", LargeBinary),
    Column("situation", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("object_id", Key),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("gone_at", BigInteger),
    Column("candidates", Text, nullable=False, server_default="[]"),
    UniqueConstraint("source_id", "kind", "external_id", name="records_name"),
    Index("records_dn", "source_id", "dn_key"),
    Index("records_object", "object_id"),
)
Index("records_login", records.c.source_id, records.c.login_key, **only_where("login_key IS NOT NULL"))
Index("records_problem", records.c.source_id, records.c.situation, **only_where("situation <> 'linked'"))
Index("records_gone_at", records.c.source_id, records.c.gone_at, **only_where("gone_at IS NOT NULL"))

record_references = Table(
    "record_references",
    metadata,
    Column("owner", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("target", BigInteger, primary_key=True),
    Column("form", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Index("record_references_target", "target"),
    sqlite_with_rowid=False,
)
"""References between records, by record id: a target that is renamed at its source stays the target."""

dangling_references = Table(
    "dangling_references",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("form", Text, primary_key=True),
    Column("value", Key, primary_key=True),
    Column("owner", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("dangling_references_owner", "owner"),
    sqlite_with_rowid=False,
)
"""References to records that no source has reported yet; each becomes a row of `record_references` when its target appears."""

reconciliation_marks = Table(
    "sightings",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
"""Marks of records that a reconciliation in progress has met; apart from `records`, so that a mark does not rewrite a
record."""

held_deletions = Table(
    "held_deletions",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Index("held_deletions_record", "record"),
    sqlite_with_rowid=False,
)
"""Records that their source reports as gone and the deletion guard keeps, until a person decides or they are reported again."""

left_out_values = Table(
    "left_out_values",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("sentences", Text, nullable=False),
    Index("left_out_values_record", "record"),
    sqlite_with_rowid=False,
)
"""Values that sources reported of records and that could not be kept: a JSON list of sentences."""
