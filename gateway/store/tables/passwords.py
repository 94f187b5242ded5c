"""Passwords of users: hashes of local ones, and verifiers of those that a source accepted."""

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from gateway.store.tables.columns import Key, metadata

local_passwords = Table(
    "local_passwords",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
)

password_verifiers = Table(
    "password_verifiers",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Key, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
)
"""Hashes of passwords that a source accepted: a bind is compared with them while that source cannot be reached."""
