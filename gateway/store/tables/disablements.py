"""Disablements: the users who stay disabled whatever their present records say, and who decided it."""

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from gateway.store.tables.columns import Key, metadata

disablements = Table(
    "disablements",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Key, primary_key=True),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`source_id` is the source that a user left while it had them disabled, or `local` for a decision of an administrator."""
