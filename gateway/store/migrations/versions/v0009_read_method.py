"""The way in which changes and deletions of each source are read is kept for `gateway status`."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("sources", sa.Column("reading", sa.Text()))
