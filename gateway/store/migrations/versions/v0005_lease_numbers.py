"""Leases have a number that grows with each new holder, so that a holder of before can be told from the present one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("leases", sa.Column("number", sa.BigInteger(), nullable=False, server_default="1"))
