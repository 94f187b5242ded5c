"""Applications, their access tokens, application passwords and idempotency keys."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from gateway.store.tables.columns import Key, metadata

applications = Table(
    "applications",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("organization_ids", Text, nullable=False),
    Column("group_ids", Text),
    Column("views", Text, nullable=False),
    Column("attributes", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("grants", Text, nullable=False, server_default="[]"),
    Column("certificate_names", Text, nullable=False, server_default="[]"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("secret_version", Integer, nullable=False, server_default="1"),
    Column("secret_number", Integer, nullable=False, server_default="1"),
    Column("old_secret_number", Integer),
    Column("old_secret_hash", LargeBinary),
    Column("old_secret_until", BigInteger),
    Index("applications_name", "name_key", unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("application_id", Key, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("secret_number", Integer, nullable=False, server_default="1"),
    Index("tokens_application", "application_id"),
    Index("tokens_expiry", "expires_at"),
)

application_passwords = Table(
    "application_passwords",
    metadata,
    Column("id", Key, primary_key=True),
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("application_id", Key, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "application_id", "name_key", name="application_passwords_name"),
    Index("application_passwords_application", "application_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("application_id", Key, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Key, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Key, nullable=False),
    Column("change_number", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("idempotency_keys_age", "created_at"),
    sqlite_with_rowid=False,
)
"""Requests that applications may repeat: a digest of each, and the object that it was about."""
