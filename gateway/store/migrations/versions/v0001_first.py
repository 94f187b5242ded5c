"""The first schema: the directory with its root, the log with its first change, what sources say, applications."""

import secrets
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ROOT_ID = "00000000-0000-4000-8000-000000000001"
ROOT_NAME = "Root"
INSTANCE_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def upgrade() -> None:
    _directory()
    _sources()
    _applications()
    _first_rows()


def _only(condition: str) -> dict[str, Any]:
    """The arguments that make an index hold only the rows for which `condition` is true."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _first_rows() -> None:
    """The store's own id, and the root organization as change 1, so that folding the log gives the whole directory."""
    instance_id = "idaas_" + "".join(secrets.choice(INSTANCE_ID_ALPHABET) for _ in range(20))
    now = int(time.time() * 1000)
    execute = op.get_bind().execute
    execute(sa.text("INSERT INTO meta (name, value) VALUES ('instance_id', :id)"), {"id": instance_id})
    execute(sa.text("INSERT INTO log_head (id, number) VALUES (1, 1)"))
    execute(
        sa.text(
            "INSERT INTO organizations (id, name, name_key, parent_id, source_type, source_id, external_id, attributes,"
            " created_at, updated_at) VALUES (:id, :name, :key, NULL, 'build_in', :instance, '', '{}', :now, :now)"
        ),
        {"id": ROOT_ID, "name": ROOT_NAME, "key": ROOT_NAME.lower(), "instance": instance_id, "now": now},
    )
    document = (
        f'{{"state":{{"name":"{ROOT_NAME}","origin":["build_in","{instance_id}",""],"created_at":{now},"updated_at":{now}}}}}'
    )
    execute(
        sa.text(
            "INSERT INTO changes (number, time, kind, object_id, type, source_id, document)"
            " VALUES (1, :now, 'organization', :id, 'create', :instance, :document)"
        ),
        {"now": now, "id": ROOT_ID, "instance": instance_id, "document": document},
    )


def _directory() -> None:
    op.create_table(
        "meta",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "changes",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", KEY, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("changes_deletions", "changes", ["source_id", "time"], **_only("type = 'delete'"))
    op.create_index("changes_organizations", "changes", ["number"], **_only("kind = 'organization'"))
    op.create_table(
        "organizations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("organizations_below", "organizations", ["parent_id", "name_key", "id"])
    op.create_index("organizations_origin", "organizations", ["external_id", "source_id"])
    op.create_table(
        "users",
        sa.Column("id", KEY, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", KEY, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("organization_ids", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("email_key", KEY, nullable=True),
        sa.Column("phone_key", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("users_email_key", "users", ["email_key"], **_only("email_key IS NOT NULL"))
    op.create_index("users_origin", "users", ["external_id", "source_id"])
    op.create_index("users_phone_key", "users", ["phone_key"], **_only("phone_key IS NOT NULL"))
    op.create_index("users_username", "users", ["username_key"], unique=True)
    op.create_table(
        "user_organizations",
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("user_organizations_user", "user_organizations", ["user_id"])
    op.create_table(
        "groups",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("groups_name", "groups", ["name_key", "id"])
    op.create_index("groups_origin", "groups", ["external_id", "source_id"])
    op.create_table(
        "memberships",
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("member_id", KEY, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("member_kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "member_id", "source_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("memberships_member", "memberships", ["member_id", "group_id"])


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("target_organization_id", KEY, nullable=False),
        sa.Column("watermark", sa.LargeBinary(), nullable=True),
        sa.Column("comparing", sa.Text(), nullable=False),
        sa.Column("caught_up_at", sa.BigInteger(), nullable=True),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("deletions_allowed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "records",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("dn", sa.Text(), nullable=False),
        sa.Column("dn_key", KEY, nullable=False),
        sa.Column("login_key", KEY, nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("situation", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("object_id", KEY, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "kind", "external_id", name="records_name"),
    )
    op.create_index("records_dn", "records", ["source_id", "dn_key"])
    op.create_index("records_login", "records", ["source_id", "login_key"], **_only("login_key IS NOT NULL"))
    op.create_index("records_object", "records", ["object_id"])
    op.create_index("records_problem", "records", ["source_id", "situation"], **_only("situation <> 'linked'"))
    op.create_table(
        "record_references",
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", "name", "target"),
        sqlite_with_rowid=False,
    )
    op.create_index("record_references_target", "record_references", ["target"])
    op.create_table(
        "dangling_references",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("value", KEY, nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["records.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id", "form", "value", "owner", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("dangling_references_owner", "dangling_references", ["owner"])
    op.create_table(
        "sightings",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "kind", "record"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("statistics", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("runs_source", "runs", ["source_id", "id"])
    op.create_table(
        "requests",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("allow_deletions", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("requests_source", "requests", ["source_id", "id"])
    op.create_table(
        "leases",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "positions",
        sa.Column("name", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _applications() -> None:
    op.create_table(
        "applications",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("organization_ids", sa.Text(), nullable=False),
        sa.Column("group_ids", sa.Text(), nullable=True),
        sa.Column("views", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("applications_name", "applications", ["name_key"], unique=True)
    op.create_table(
        "tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("application_id", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("tokens_application", "tokens", ["application_id"])
    op.create_index("tokens_expiry", "tokens", ["expires_at"])
