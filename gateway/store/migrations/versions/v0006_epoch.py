"""The epoch of the change log, by which its readers notice that the store went back in time."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.get_bind().execute(sa.text("INSERT INTO meta (name, value) VALUES ('epoch', :epoch)"), {"epoch": secrets.token_hex(8)})
