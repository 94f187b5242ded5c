"""The secret of the instance by which it knows the tokens that it gave to clients."""

import json
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    keys = json.dumps([secrets.token_hex(32)])
    op.get_bind().execute(sa.text("INSERT INTO meta (name, value) VALUES ('token_keys', :keys)"), {"keys": keys})
