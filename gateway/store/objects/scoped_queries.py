"""Scoped queries: reads limited to given organizations, for applications that may see no more. Pages follow an id, so that no
object is left out because others come and go between two pages.

`organization_ids` is everywhere the whole set, everything below included (`organizations.subtree`)."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, literal_column, select

from gateway.model.changes import Change
from gateway.model.objects import Kind, User
from gateway.store.engine.any_of import any_of
from gateway.store.engine.normalized_keys import email_key, phone_key
from gateway.store.log import changes
from gateway.store.objects import users
from gateway.store.tables.change_log import changes as changes_table
from gateway.store.tables.objects import memberships, user_names, user_organizations
from gateway.store.tables.objects import users as users_table

MAX_SAME_KEY = 100
"""The most users read that share one mail address or telephone number: a family does, a hundred people do not."""


def _within(user_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists(
        select(literal_column("1")).where(
            user_organizations.c.user_id == user_id, any_of(user_organizations.c.organization_id, "organizations")
        )
    )


# Walks the users by id and checks for each where it belongs: the whole of a narrowed directory costs one pass over all users,
# whereas collecting and sorting the members of many organizations would cost that for each page.
_USERS = (
    select(users_table.c.id)
    .where(users_table.c.id > bindparam("after"), _within(users_table.c.id))
    .order_by(users_table.c.id)
    .limit(bindparam("most"))
)
_IS_USER_OF_GROUP = (memberships.c.group_id == bindparam("group")) & (memberships.c.member_kind == Kind.USER.value)
_GROUP_USERS = (
    select(memberships.c.member_id)
    .distinct()
    .where(_IS_USER_OF_GROUP, memberships.c.member_id > bindparam("after"))
    .order_by(memberships.c.member_id)
    .limit(bindparam("most"))
)
_NARROWED_GROUP_USERS = _GROUP_USERS.where(_within(memberships.c.member_id))
_COUNT_GROUP_USERS = select(func.count(memberships.c.member_id.distinct())).where(
    _IS_USER_OF_GROUP, _within(memberships.c.member_id)
)
_MOVES = (
    select(changes_table.c.number)
    .where(changes_table.c.number > bindparam("after"), changes_table.c.kind == literal_column("'organization'"))
    .order_by(changes_table.c.number)
    .limit(bindparam("most"))
)

_BY_OTHER_EMAIL = (
    select(user_names.c.user_id)
    .where(user_names.c.name == literal_column("'email'"), user_names.c.key == bindparam("key"))
    .limit(MAX_SAME_KEY)
)


def users_in(connection: Connection, organization_ids: Collection[str] | None, after_id: str, limit: int) -> list[User]:
    """Return at most `limit` users that belong to any of these organizations (None: all users) and whose ids follow `after_id`
    ("" to begin), in the order of their ids."""
    if organization_ids is None:
        return users.iterate(connection, after_id, limit)
    parameters = {"organizations": organization_ids, "after": after_id, "most": limit}
    ids = connection.execute(_USERS, parameters).scalars().all()
    found = users.get_many(connection, ids)
    return [found[user_id] for user_id in ids]


def group_users(
    connection: Connection, group_id: str, organization_ids: Collection[str] | None, after_id: str, limit: int
) -> list[str]:
    """Return the ids of users that are direct members of the group and belong to any of these organizations; as `users_in`."""
    parameters = {"group": group_id, "after": after_id, "most": limit}
    if organization_ids is None:
        return list(connection.execute(_GROUP_USERS, parameters).scalars())
    return list(connection.execute(_NARROWED_GROUP_USERS, {**parameters, "organizations": organization_ids}).scalars())


def count_group_users(connection: Connection, group_id: str, organization_ids: Collection[str]) -> int:
    """Return the total number of users that `group_users` selects from."""
    parameters = {"group": group_id, "organizations": organization_ids}
    return int(connection.execute(_COUNT_GROUP_USERS, parameters).scalar_one())


def ids_by_email(connection: Connection, address: str) -> list[str]:
    """Return the ids of the users with this mail address, whatever its case: those whose main one it is first."""
    key = email_key(address)
    others = connection.execute(_BY_OTHER_EMAIL, {"key": key}).scalars() if key else ()
    return list(dict.fromkeys((*_same_key(connection, "email_key", key), *others)))[:MAX_SAME_KEY]


def ids_by_phone_number(connection: Connection, number: str) -> list[str]:
    """Return the ids of the users whose main telephone number this is, however it is written."""
    return _same_key(connection, "phone_key", phone_key(number))


def organization_changes(connection: Connection, after: int, limit: int) -> list[Change]:
    """Return the changes of organizations that follow change `after`, in order, at most `limit`."""
    numbers = connection.execute(_MOVES, {"after": after, "most": limit}).scalars()
    return [change for number in numbers for change in changes.after(connection, number - 1, 1)]


def _same_key(connection: Connection, column: str, key: str) -> list[str]:
    if not key:
        return []
    statement = select(users_table.c.id).where(users_table.c[column] == bindparam("key")).limit(MAX_SAME_KEY)
    return list(connection.execute(statement, {"key": key}).scalars())
