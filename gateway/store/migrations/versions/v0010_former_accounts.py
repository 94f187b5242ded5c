"""Accounts that users had at sources which have them no more: who checked a password is missed when it goes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "former_accounts",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("dn", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "source_id"),
        sqlite_with_rowid=False,
    )
