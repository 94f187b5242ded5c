"""The tables of the store, defined once: every statement of this floor is built on these objects, and a test proves that the
migrations make exactly them. Times are milliseconds since 1970; JSON is text; nothing here is known above this floor.

The directory itself: `organizations`, `users`, `groups`, `memberships`, and `changes`, its log. What the sources said:
`records` (with their link to an object), `record_references`, `dangling_references`; what persons said of records:
`link_decisions`. The rest is the gateway's bookkeeping.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# Keys are compared by range and sorted: that must be byte order, whatever the locale of the server.
Key = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite numbers its rows by itself only in a column that is called INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")

meta = Table("meta", metadata, Column("name", Key, primary_key=True), Column("value", Text, nullable=False))

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
"""One row: the last change number given. Whoever writes to the directory holds its lock until the commit (law 3)."""

changes = Table(
    "changes",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_id", Key, nullable=False),
    Column("type", Text, nullable=False),
    Column("source_id", Key, nullable=False),
    Column("document", Text, nullable=False),
)
Index(
    "changes_deletions",
    changes.c.source_id,
    changes.c.time,
    sqlite_where=text("type = 'delete'"),
    postgresql_where=text("type = 'delete'"),
)
# A reader with a narrowed scope asks how the tree has moved since its position, however long the log is.
Index(
    "changes_organizations",
    changes.c.number,
    sqlite_where=text("kind = 'organization'"),
    postgresql_where=text("kind = 'organization'"),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("parent_id", Key),
    Column("source_type", Text, nullable=False),
    Column("source_id", Key, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("organizations_below", "parent_id", "name_key", "id"),
    Index("organizations_origin", "external_id", "source_id"),
)

users = Table(
    "users",
    metadata,
    Column("id", Key, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Key, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source_id", Key, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("organization_ids", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("email_key", Key),
    Column("phone_key", Key),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("uid_number", BigInteger),
    Column("gid_number", BigInteger),
    Column("gone_at", BigInteger),
    Index("users_username", "username_key", unique=True),
    Index("users_origin", "external_id", "source_id"),
)
for _key in ("email_key", "phone_key", "uid_number", "gid_number", "gone_at"):
    Index(
        f"users_{_key}",
        users.c[_key],
        sqlite_where=text(f"{_key} IS NOT NULL"),
        postgresql_where=text(f"{_key} IS NOT NULL"),
    )

user_organizations = Table(
    "user_organizations",
    metadata,
    Column("organization_id", Key, primary_key=True),
    Column("user_id", Key, primary_key=True),
    Index("user_organizations_user", "user_id"),
    sqlite_with_rowid=False,
)
"""`users.organization_ids`, turned around; written together with it."""

groups = Table(
    "groups",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source_id", Key, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("gid_number", BigInteger),
    Index("groups_name", "name_key", "id"),
    Index("groups_origin", "external_id", "source_id"),
)
Index(
    "groups_gid_number",
    groups.c.gid_number,
    sqlite_where=text("gid_number IS NOT NULL"),
    postgresql_where=text("gid_number IS NOT NULL"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_id", Key, primary_key=True),
    Column("member_id", Key, primary_key=True),
    Column("source_id", Key, primary_key=True),
    Column("member_kind", Text, nullable=False),
    Index("memberships_member", "member_id", "group_id"),
    sqlite_with_rowid=False,
)

sources = Table(
    "sources",
    metadata,
    Column("id", Key, primary_key=True),
    Column("source_type", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("target_organization_id", Key, nullable=False),
    Column("watermark", LargeBinary),
    Column("comparing", Text, nullable=False),
    Column("caught_up_at", BigInteger),
    Column("heard_at", BigInteger),
    Column("deletions_allowed_at", BigInteger),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", BigInteger),
)

records = Table(
    "records",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("source_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("dn", Text, nullable=False),
    Column("dn_key", Key, nullable=False),
    Column("login_key", Key),
    Column("attributes", Text, nullable=False),
    Column("digest", LargeBinary),
    Column("situation", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("object_id", Key),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("gone_at", BigInteger),
    Column("candidates", Text, nullable=False, server_default="[]"),
    UniqueConstraint("source_id", "kind", "external_id", name="records_name"),
    Index("records_dn", "source_id", "dn_key"),
    Index("records_object", "object_id"),
)
Index(
    "records_login",
    records.c.source_id,
    records.c.login_key,
    sqlite_where=text("login_key IS NOT NULL"),
    postgresql_where=text("login_key IS NOT NULL"),
)
Index(
    "records_problem",
    records.c.source_id,
    records.c.situation,
    sqlite_where=text("situation <> 'linked'"),
    postgresql_where=text("situation <> 'linked'"),
)

Index(
    "records_gone_at",
    records.c.source_id,
    records.c.gone_at,
    sqlite_where=text("gone_at IS NOT NULL"),
    postgresql_where=text("gone_at IS NOT NULL"),
)

link_decisions = Table(
    "link_decisions",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Key, primary_key=True),
    Column("object_id", Key, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Index("link_decisions_object", "object_id"),
)
"""What a person has said: this record belongs to that object ("link"), or never does ("never"). It outlives the record."""

object_keys = Table(
    "object_keys",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("object_id", Key, primary_key=True),
    Index("object_keys_object", "object_id"),
    sqlite_with_rowid=False,
)
"""The normalised values of the attributes by which rules look for objects; written in the transaction of their object."""

record_keys = Table(
    "record_keys",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("links", Boolean, nullable=False),
    Index("record_keys_record", "record"),
    sqlite_with_rowid=False,
)
"""What the rules of its source look for on behalf of a record: an object with this key under this name. So that who comes later
finds who waits for it. `links`: whether the rules may link by themselves."""

second_looks = Table(
    "second_looks",
    metadata,
    Column("record", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
)
"""Records without an object for which something has changed: looked at again when their source is heard of next."""

record_references = Table(
    "record_references",
    metadata,
    Column("owner", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("target", BigInteger, primary_key=True),
    Column("form", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Index("record_references_target", "target"),
    sqlite_with_rowid=False,
)
"""What a record points at, by record: a target that is renamed at its source stays the target."""

dangling_references = Table(
    "dangling_references",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("form", Text, primary_key=True),
    Column("value", Key, primary_key=True),
    Column("owner", BigInteger, ForeignKey("records.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("dangling_references_owner", "owner"),
    sqlite_with_rowid=False,
)
"""What a record points at and nobody has reported yet; it becomes a reference when the target appears."""

sightings = Table(
    "sightings",
    metadata,
    Column("source_id", Key, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which records a full comparison that is under way has met. Apart from `records`, so that meeting one does not rewrite it."""

runs = Table(
    "runs",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", Key, nullable=False),
    Column("mode", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("statistics", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("runs_source", "source_id", "id"),
    sqlite_autoincrement=True,  # a run's number is never given twice, also when old runs are forgotten
)

requests = Table(
    "requests",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source_id", Key, nullable=False),
    Column("full", Boolean, nullable=False),
    Column("allow_deletions", Boolean, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("taken_by", Text),
    Column("run_id", BigInteger),
    Index("requests_source", "source_id", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", Key, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("name", Key, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

applications = Table(
    "applications",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("organization_ids", Text, nullable=False),
    Column("group_ids", Text),
    Column("views", Text, nullable=False),
    Column("attributes", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("grants", Text, nullable=False, server_default="[]"),
    Column("certificate_names", Text, nullable=False, server_default="[]"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("secret_version", Integer, nullable=False, server_default="1"),
    Index("applications_name", "name_key", unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("application_id", Key, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("tokens_application", "application_id"),
    Index("tokens_expiry", "expires_at"),
)

local_passwords = Table(
    "local_passwords",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
)

password_verifiers = Table(
    "password_verifiers",
    metadata,
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Key, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
)
"""What a password that a source accepted is compared with while that source cannot be reached."""

application_passwords = Table(
    "application_passwords",
    metadata,
    Column("id", Key, primary_key=True),
    Column("user_id", Key, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("application_id", Key, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "application_id", "name_key", name="application_passwords_name"),
    Index("application_passwords_application", "application_id"),
)

posix_numbers = Table(
    "posix_numbers",
    metadata,
    Column("space", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("object_id", Key, nullable=False),
    UniqueConstraint("space", "object_id", name="posix_numbers_object"),
)
"""Which uidNumber ("uid") or gidNumber ("gid") was given to which object. Rows outlive their objects: no number is given
twice."""
