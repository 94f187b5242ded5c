"""Operation of the gateway: sources and how far each has been read, runs, requests for runs, leases, soft locks, facts by
name."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from gateway.store.tables.columns import Key, Number, metadata

meta = Table("meta", metadata, Column("name", Key, primary_key=True), Column("value", Text, nullable=False))

sources = Table(
    "sources",
    metadata,
    Column("id", Key, primary_key=True),
    Column("source_type", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("target_organization_id", Key, nullable=False),
    Column("watermark", LargeBinary),
    Column("comparing", Text, nullable=False),
    Column("caught_up_at", BigInteger),
    Column("heard_at", BigInteger),
    Column("deletions_allowed_at", BigInteger),
    Column("held_reason", Text),
    Column("reading", Text),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", BigInteger),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", Key, nullable=False),
    Column("mode", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("statistics", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("runs_source", "source_id", "id"),
    sqlite_autoincrement=True,  # a run's number is never given twice, also when old runs are forgotten
)

requests = Table(
    "requests",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", Key, nullable=False),
    Column("full", Boolean, nullable=False),
    Column("allow_deletions", Boolean, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("taken_by", Text),
    Column("run_id", BigInteger),
    Index("requests_source", "source_id", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", Key, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False, server_default="1"),
)

soft_locks = Table(
    "soft_locks",
    metadata,
    Column("key", Key, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("soft_locks_ends_at", "ends_at"),
)
