"""Groups without their members, of which there may be very many (memberships.py). Only gateway/sync writes them (law 1)."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, func, select

from gateway.model.objects import Group, Origin
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes, milliseconds, time_of
from gateway.store.engine.normalized_keys import name_key, posix_number
from gateway.store.engine.sql_types import Query, RowValues, TableRow
from gateway.store.objects.origins import find_by_origin, select_by_origin
from gateway.store.tables.objects import groups

_BY_ID = select(groups).where(any_of(groups.c.id, "ids"))
_BY_ORIGIN = select_by_origin(groups)
_SAME_NAME = select(groups.c.id).where(groups.c.name_key == bindparam("key")).order_by(groups.c.created_at, groups.c.id)
_AFTER = groups.c.id > bindparam("after")
_FROM = select(groups).where(_AFTER).order_by(groups.c.id).limit(bindparam("most"))
_LAST_CHARACTER = "\U0010ffff"


def get(connection: Connection, group_id: str) -> Group | None:
    """Return the group, or None."""
    return get_many(connection, (group_id,)).get(group_id)


def get_many(connection: Connection, group_ids: Collection[str]) -> dict[str, Group]:
    """Return those of the groups that exist, by id, in no particular order."""
    return {row.id: _group(row) for row in connection.execute(_BY_ID, {"ids": group_ids})} if group_ids else {}


def id_by_origin(connection: Connection, origin: Origin) -> str | None:
    """Return the id of the group that was created for this record, or None."""
    return find_by_origin(connection, _BY_ORIGIN, origin)


def same_name(connection: Connection, name: str) -> list[str]:
    """Return the ids of the groups of this name, the oldest first."""
    return list(connection.execute(_SAME_NAME, {"key": name_key(name)}).scalars())


def page(connection: Connection, name_prefix: str, group_ids: Collection[str] | None, after_id: str, limit: int) -> list[Group]:
    """Return at most `limit` groups whose ids follow `after_id` ("" to begin), in the order of their ids: those whose names
    start with `name_prefix` ("" for all), of these `group_ids` (None for all)."""
    statement = _narrowed(_FROM, name_prefix, group_ids)
    rows = connection.execute(statement, {"after": after_id, "most": limit, **_parameters(name_prefix, group_ids)})
    return [_group(row) for row in rows]


def count(connection: Connection, name_prefix: str = "", group_ids: Collection[str] | None = None) -> int:
    """Return the total number of groups that `page` selects from."""
    statement = _narrowed(select(func.count()).select_from(groups), name_prefix, group_ids)
    return int(connection.execute(statement, _parameters(name_prefix, group_ids)).scalar_one())


def iterate(connection: Connection, after_id: str, limit: int) -> list[Group]:
    """Return at most `limit` groups whose ids follow `after_id` ("" to begin), in the order of their ids."""
    return page(connection, "", None, after_id, limit)


# ---- writing: for gateway/sync, under the lock of the change log


def insert(connection: Connection, new: Sequence[Group]) -> None:
    """Store new groups."""
    bulk.insert(connection, groups, [(group.id, *_values(group)) for group in new])


_MUTABLE = tuple(column.name for column in groups.columns if column.name != "id")


def update(connection: Connection, changed: Sequence[Group]) -> None:
    """Store the new state of groups."""
    bulk.update(connection, groups, _MUTABLE, [(*_values(group), group.id) for group in changed])


def delete(connection: Connection, group_ids: Collection[str]) -> None:
    """Remove groups; their memberships are removed by `memberships.remove_objects`."""
    bulk.delete(connection, groups, ("id",), [(group_id,) for group_id in group_ids])


def _narrowed(statement: Query, name_prefix: str, group_ids: Collection[str] | None) -> Query:
    if name_prefix:
        statement = statement.where(groups.c.name_key >= bindparam("first"), groups.c.name_key < bindparam("beyond"))
    return statement if group_ids is None else statement.where(any_of(groups.c.id, "ids"))


def _parameters(name_prefix: str, group_ids: Collection[str] | None) -> dict[str, str | Collection[str]]:
    key = name_key(name_prefix)
    return {
        **({"first": key, "beyond": key + _LAST_CHARACTER} if name_prefix else {}),
        **({} if group_ids is None else {"ids": group_ids}),
    }


def _values(group: Group) -> RowValues:
    origin = group.origin
    return (
        group.name,
        name_key(group.name),
        origin.source_type,
        origin.source_id,
        origin.external_id,
        encode_attributes(group.attributes),
        milliseconds(group.created_at),
        milliseconds(group.updated_at),
        posix_number(group.first("gid_number")),
    )


def _group(row: TableRow) -> Group:
    return Group(
        row.id,
        row.name,
        Origin(row.source_type, row.source_id, row.external_id),
        time_of(row.created_at),
        time_of(row.updated_at),
        decode_attributes(row.attributes),
    )
