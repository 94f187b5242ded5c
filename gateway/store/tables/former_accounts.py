"""Former accounts: records that users had at sources which have them no more."""

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from gateway.store.tables.columns import Key, metadata

former_accounts = Table(
    "former_accounts",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Key, primary_key=True),
    Column("external_id", Key, nullable=False),
    Column("dn", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("left_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The last record of each source that went from a user who stayed. Rows stay when the source has the user again: its present
record counts then."""
