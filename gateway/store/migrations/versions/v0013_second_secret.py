"""Two secrets of an application while its programs are given the new one; tokens belong to the secret they were got by."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("applications", sa.Column("secret_number", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("applications", sa.Column("old_secret_number", sa.Integer()))
    op.add_column("applications", sa.Column("old_secret_hash", sa.LargeBinary()))
    op.add_column("applications", sa.Column("old_secret_until", sa.BigInteger()))
    op.add_column("tokens", sa.Column("secret_number", sa.Integer(), nullable=False, server_default="1"))
