"""Names of users beside the login name and the main addresses: other mail addresses, and userPrincipalName."""

import json

import sqlalchemy as sa
from alembic import op

from gateway.store.engine.normalized_keys import email_key, name_key

revision = "0015"
down_revision = "0014"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_USERS = sa.table("users", sa.column("id", sa.Text), sa.column("attributes", sa.Text), sa.column("email_key", sa.Text))
_PAGE = 10_000


def upgrade() -> None:
    op.create_table(
        "user_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", "key", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("user_names_user", "user_names", ["user_id"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    names = sa.table("user_names", sa.column("name"), sa.column("key"), sa.column("user_id"))
    having = _USERS.c.attributes.contains('"user_principal_name":') | _USERS.c.attributes.contains('"email":')
    last = ""
    while rows := connection.execute(
        sa.select(_USERS).where(_USERS.c.id > last, having).order_by(_USERS.c.id).limit(_PAGE)
    ).all():
        last = rows[-1].id
        found = {one for row in rows for one in _names(row.id, json.loads(row.attributes))}
        if found:
            connection.execute(sa.insert(names), [dict(zip(("name", "key", "user_id"), one, strict=True)) for one in found])
        spelled = [
            (row.id, email_key(json.loads(row.attributes)["email"][0])) for row in rows if "xn--" in (row.email_key or "")
        ]
        for user_id, key in spelled:
            connection.execute(sa.update(_USERS).where(_USERS.c.id == user_id).values(email_key=key))


def _names(user_id: str, attributes: dict[str, list[object]]) -> set[tuple[str, str, str]]:
    emails = [one for one in attributes.get("email", ())[1:] if isinstance(one, str)]
    principals = [one for one in attributes.get("user_principal_name", ())[:1] if isinstance(one, str)]
    found = {("email", email_key(one), user_id) for one in emails}
    found |= {("user_principal_name", name_key(one), user_id) for one in principals}
    return {one for one in found if one[1]}
