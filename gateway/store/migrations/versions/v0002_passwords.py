"""Applications that do more than read; passwords that are kept here; POSIX numbers that are given out here, and those that
sources gave, where they can be looked up."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _applications()
    _passwords()
    _posix_numbers()
    _numbers_in_use("users", ("uid_number", "gid_number"))
    _numbers_in_use("groups", ("gid_number",))


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


MAX_NUMBER = 2**32 - 2
"""As in gateway/store/keys.py when this was written."""


def _numbers_in_use(table: str, names: tuple[str, ...]) -> None:
    """Columns for numbers that were among the attributes until now."""
    for name in names:
        op.add_column(table, sa.Column(name, sa.BigInteger()))
    columns: list[sa.ColumnClause[Any]] = [sa.column("id"), sa.column("attributes"), *map(sa.column, names)]
    rows = sa.table(table, *columns)
    found = op.get_bind().execute(sa.select(*columns[:2]).where(rows.c.attributes.like("%id_number%"))).all()
    numbers = [{"key": row.id, **{name: _number(row.attributes, name) for name in names}} for row in found]
    if numbers:
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
        op.get_bind().execute(sa.update(rows).where(rows.c.id == sa.bindparam("key")).values(values), numbers)
    for name in names:
        present = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"{table}_{name}", table, [name], sqlite_where=present, postgresql_where=present)


def _number(attributes: str, name: str) -> int | None:
    values = json.loads(attributes).get(name) or [""]
    text = values[0] if isinstance(values[0], str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MAX_NUMBER else None
