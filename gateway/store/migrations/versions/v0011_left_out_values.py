"""Values that could not be kept are listed for the administrator until the source corrects them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "left_out_values",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("sentences", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id", "record"),
        sqlite_with_rowid=False,
    )
    op.create_index("left_out_values_record", "left_out_values", ["record"])
