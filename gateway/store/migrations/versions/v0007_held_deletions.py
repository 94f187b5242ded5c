"""Deletions that the deletion guard refuses are kept until a person decides, with the reason why they were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("sources", sa.Column("held_reason", sa.Text()))
    op.create_table(
        "held_deletions",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id", "record"),
        sqlite_with_rowid=False,
    )
    op.create_index("held_deletions_record", "held_deletions", ["record"])
