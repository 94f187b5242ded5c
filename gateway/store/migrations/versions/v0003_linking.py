"""Several sources: the keys that objects have and those that records look for, what persons have decided about records, between
which objects a record is disputed, and since when a record, and a user, is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _object_keys()
    _record_keys()
    _link_decisions()
    op.add_column("records", sa.Column("gone_at", sa.BigInteger()))
    op.add_column("records", sa.Column("candidates", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("users", sa.Column("gone_at", sa.BigInteger()))
    for table, columns in (("records", ["source_id", "gone_at"]), ("users", ["gone_at"])):
        present = sa.text("gone_at IS NOT NULL")
        op.create_index(f"{table}_gone_at", table, columns, sqlite_where=present, postgresql_where=present)


def _object_keys() -> None:
    op.create_table(
        "object_keys",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("object_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "key", "object_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("object_keys_object", "object_keys", ["object_id"])


def _record_keys() -> None:
    op.create_table(
        "record_keys",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("links", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "name", "key", "record"),
        sqlite_with_rowid=False,
    )
    op.create_index("record_keys_record", "record_keys", ["record"])
    op.create_table(
        "second_looks",
        sa.Column("record", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["record"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record"),
    )


def _link_decisions() -> None:
    op.create_table(
        "link_decisions",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("object_id", KEY, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "kind", "external_id", "object_id"),
    )
    op.create_index("link_decisions_object", "link_decisions", ["object_id"])
