"""The directory itself: organizations, users, groups, memberships, and the POSIX numbers that were allocated."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, UniqueConstraint

from gateway.store.tables.columns import Key, metadata, only_where

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
        **only_where(f"{_key} IS NOT NULL"),
    )

user_organizations = Table(
    "user_organizations",
    metadata,
    Column("organization_id", Key, primary_key=True),
    Column("user_id", Key, primary_key=True),
    Index("user_organizations_user", "user_id"),
    sqlite_with_rowid=False,
)
"""The inverse of `users.organization_ids`; written together with it."""

user_names = Table(
    "user_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("user_id", Key, primary_key=True),
    Index("user_names_user", "user_id"),
    sqlite_with_rowid=False,
)
"""The values beside the login name and the main addresses by which users are found: the attribute's name, the
value's key."""

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
Index("groups_gid_number", groups.c.gid_number, **only_where("gid_number IS NOT NULL"))

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

posix_numbers = Table(
    "posix_numbers",
    metadata,
    Column("space", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("object_id", Key, nullable=False),
    UniqueConstraint("space", "object_id", name="posix_numbers_object"),
)
"""Allocated uidNumbers ("uid") and gidNumbers ("gid"). Rows outlive their objects: no number is allocated twice."""
