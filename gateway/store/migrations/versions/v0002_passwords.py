"""Applications that do more than read; passwords that are kept here; POSIX numbers that are given out here."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _applications()
    _passwords()
    _posix_numbers()


def _applications() -> None:
    """Versions begin at 1 and tell open connections that what they were given has changed."""
    for name, kind, default in (
        ("grants", sa.Text(), "[]"),
        ("certificate_names", sa.Text(), "[]"),
        ("version", sa.Integer(), "1"),
        ("secret_version", sa.Integer(), "1"),
    ):
        op.add_column("applications", sa.Column(name, kind, nullable=False, server_default=default))


def _passwords() -> None:
    op.create_table(
        "local_passwords",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "password_verifiers",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "source_id"),
    )
    op.create_table(
        "application_passwords",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "application_id", "name_key", name="application_passwords_name"),
    )
    op.create_index("application_passwords_application", "application_passwords", ["application_id"])


def _posix_numbers() -> None:
    op.create_table(
        "posix_numbers",
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("object_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("space", "number"),
        sa.UniqueConstraint("space", "object_id", name="posix_numbers_object"),
    )
