"""Users and their organizations. Only gateway/sync writes them (law 1)."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, distinct, func, select

from gateway.model.attributes import USER_PRINCIPAL_NAME
from gateway.model.objects import Origin, User
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import (
    decode_attributes,
    decode_strings,
    encode_attributes,
    encode_strings,
    milliseconds,
    optional_time_of,
    time_of,
)
from gateway.store.engine.normalized_keys import email_key, name_key, phone_key, posix_number
from gateway.store.engine.sql_types import RowValues, TableRow
from gateway.store.objects.origins import find_by_origin, select_by_origin
from gateway.store.tables.objects import user_names, user_organizations, users

_BY_ID = select(users).where(any_of(users.c.id, "ids"))
_ENABLED_BY_ID = select(users.c.id, users.c.enabled).where(any_of(users.c.id, "ids"))
_GONE = select(users.c.id).where(any_of(users.c.id, "ids"), users.c.gone_at.is_not(None))
_BY_ORIGIN = select_by_origin(users)
_NAME_HOLDERS = select(users.c.username_key, users.c.id).where(any_of(users.c.username_key, "keys"))
_NAMED = select(user_names.c.user_id).where(user_names.c.name == bindparam("name"), user_names.c.key == bindparam("key"))
_ALL = select(users).order_by(users.c.id)
_FROM = _ALL.where(users.c.id > bindparam("after")).limit(bindparam("most"))
_IN = user_organizations.c.organization_id
_IDS_IN = (
    select(user_organizations.c.user_id)
    .distinct()
    .where(any_of(_IN, "organizations"))
    .order_by(user_organizations.c.user_id)
    .limit(bindparam("most"))
    .offset(bindparam("offset"))
)
_COUNT_IN = select(func.count(distinct(user_organizations.c.user_id))).where(any_of(_IN, "organizations"))
_COUNT = select(func.count()).select_from(users)


def get(connection: Connection, user_id: str) -> User | None:
    """Return the user, or None."""
    return get_many(connection, (user_id,)).get(user_id)


def get_many(connection: Connection, user_ids: Collection[str]) -> dict[str, User]:
    """Return those of the users that exist, by id, in no particular order."""
    return {row.id: _user(row) for row in connection.execute(_BY_ID, {"ids": user_ids})} if user_ids else {}


def id_by_username(connection: Connection, username: str) -> str | None:
    """Return the id of the user with this login name, whatever its case, or None."""
    return ids_by_username_key(connection, (name_key(username),)).get(name_key(username))


def ids_by_username_key(connection: Connection, username_keys: Collection[str]) -> dict[str, str]:
    """Return the ids of the users with these login names, by name key."""
    return dict(connection.execute(_NAME_HOLDERS, {"keys": username_keys}).all())


def ids_by_principal(connection: Connection, principal: str) -> list[str]:
    """Return the ids of the users with this userPrincipalName, whatever its case."""
    return list(connection.execute(_NAMED, {"name": USER_PRINCIPAL_NAME, "key": name_key(principal)}).scalars())


def id_by_origin(connection: Connection, origin: Origin) -> str | None:
    """Return the id of the user that was created for this record, or None."""
    return find_by_origin(connection, _BY_ORIGIN, origin)


def enabled_by_id(connection: Connection, user_ids: Collection[str]) -> dict[str, bool]:
    """Return, for each of the users that exist, True when it may log in."""
    return dict(connection.execute(_ENABLED_BY_ID, {"ids": user_ids}).all())


def leavers_among(connection: Connection, user_ids: Collection[str]) -> frozenset[str]:
    """Return the ids of those of the users that are leavers."""
    return frozenset(connection.execute(_GONE, {"ids": user_ids}).scalars()) if user_ids else frozenset()


def page(connection: Connection, organization_ids: Collection[str] | None, offset: int, limit: int) -> tuple[list[User], int]:
    """Return a page of the users that belong directly to any of these organizations (None: all), in the order of their ids, and
    their total number. Give the whole subtree (`organizations.subtree`) to include what is below."""
    if organization_ids is None:
        rows = connection.execute(_ALL.limit(limit).offset(offset))
        return [_user(row) for row in rows], int(connection.execute(_COUNT).scalar_one())
    ids = connection.execute(_IDS_IN, {"organizations": organization_ids, "most": limit, "offset": offset}).scalars().all()
    total = int(connection.execute(_COUNT_IN, {"organizations": organization_ids}).scalar_one())
    found = get_many(connection, ids)
    return [found[user_id] for user_id in ids], total


def iterate(connection: Connection, after_id: str, limit: int) -> list[User]:
    """Return at most `limit` users whose ids follow `after_id` ("" to begin), in the order of their ids."""
    return [_user(row) for row in connection.execute(_FROM, {"after": after_id, "most": limit})]


def count(connection: Connection) -> int:
    """Return the number of users."""
    return int(connection.execute(_COUNT).scalar_one())


# ---- writing: for gateway/sync, under the lock of the change log


def insert(connection: Connection, new: Sequence[User]) -> None:
    """Store new users. Their login names must be free."""
    bulk.insert(connection, users, [(user.id, *_values(user)) for user in new])
    bulk.insert(connection, user_organizations, _places(new))
    bulk.insert(connection, user_names, sorted({name for user in new for name in _names(user)}))


_MUTABLE = tuple(column.name for column in users.columns if column.name != "id")


def update(
    connection: Connection, changed: Sequence[User], moved: Collection[str], stored: Mapping[str, User] | None = None
) -> None:
    """Store the new state of users; `moved` has the ids of those whose organizations have changed. `stored`: their present
    state by id, as far as the caller has read it.

    Login names may be exchanged among them: a name that another one of them gets is released first.
    """
    displaced = _displaced(connection, changed)
    bulk.update(connection, users, ("username_key",), [(f"\x7f{user_id}", user_id) for user_id in displaced])
    before = {one.id: _values(one) for one in (stored or {}).values() if one.id not in displaced}
    bulk.update_differing(connection, users, _MUTABLE, [(_values(user), before.get(user.id), user.id) for user in changed])
    movers = [user for user in changed if user.id in moved]
    bulk.delete(connection, user_organizations, ("user_id",), [(user.id,) for user in movers])
    bulk.insert(connection, user_organizations, _places(movers))
    known = stored or {}
    renamed = [user for user in changed if user.id not in known or _names(user) != _names(known[user.id])]
    bulk.delete(connection, user_names, ("user_id",), [(user.id,) for user in renamed])
    bulk.insert(connection, user_names, sorted({name for user in renamed for name in _names(user)}))


def release_username(connection: Connection, user_id: str) -> None:
    """Free the login name of a user that is deleted later in this transaction."""
    bulk.update(connection, users, ("username_key",), [(f"\x7f{user_id}", user_id)])


def delete(connection: Connection, user_ids: Collection[str]) -> None:
    """Remove the users; their memberships are removed by `memberships.remove_objects`."""
    rows = [(user_id,) for user_id in user_ids]
    bulk.delete(connection, user_organizations, ("user_id",), rows)
    bulk.delete(connection, user_names, ("user_id",), rows)
    bulk.delete(connection, users, ("id",), rows)


def ids_directly_in(connection: Connection, organization_ids: Collection[str]) -> list[str]:
    """Return the ids of the users that belong directly to any of these organizations."""
    statement = select(user_organizations.c.user_id).distinct().where(any_of(_IN, "organizations"))
    return list(connection.execute(statement, {"organizations": organization_ids}).scalars())


def _displaced(connection: Connection, changed: Sequence[User]) -> list[str]:
    """Return the users whose present name another one of `changed` gets. They are parked under \\x7f, with which no name
    begins."""
    if len(changed) < 2:
        return []
    takers = {name_key(user.username): user.id for user in changed}
    changing = set(takers.values())
    holders = ids_by_username_key(connection, takers)
    return [holder for key, holder in holders.items() if holder != takers[key] and holder in changing]


def _places(placed: Sequence[User]) -> list[tuple[str, str]]:
    return [(organization, user.id) for user in placed for organization in dict.fromkeys(user.organization_ids)]


def _names(user: User) -> set[tuple[str, str, str]]:
    """Return the rows of `user_names`."""
    found = {("email", email_key(one), user.id) for one in user.attributes.get("email", ())[1:] if isinstance(one, str)}
    principal = user.first(USER_PRINCIPAL_NAME)
    if principal:
        found.add((USER_PRINCIPAL_NAME, name_key(principal), user.id))
    return {one for one in found if one[1]}


def _values(user: User) -> RowValues:
    origin = user.origin
    email, phone = user.first("email"), user.first("phone_number")
    return (
        user.username,
        name_key(user.username),
        user.enabled,
        origin.source_type,
        origin.source_id,
        origin.external_id,
        encode_strings(user.organization_ids),
        encode_attributes(user.attributes),
        email_key(email) or None if email else None,
        phone_key(phone) or None if phone else None,
        milliseconds(user.created_at),
        milliseconds(user.updated_at),
        posix_number(user.first("uid_number")),
        posix_number(user.first("gid_number")),
        None if user.gone_at is None else milliseconds(user.gone_at),
    )


def _user(row: TableRow) -> User:
    return User(
        row.id,
        row.username,
        Origin(row.source_type, row.source_id, row.external_id),
        time_of(row.created_at),
        time_of(row.updated_at),
        row.enabled,
        decode_attributes(row.attributes),
        decode_strings(row.organization_ids),
        optional_time_of(row.gone_at),
    )
