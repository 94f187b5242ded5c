"""Organizations: a tree below the one root. Only gateway/sync writes them (law 1)."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, func, select

from gateway.model.objects import Organization, Origin
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes, milliseconds, time_of
from gateway.store.engine.normalized_keys import name_key
from gateway.store.engine.sql_types import RowValues, TableRow
from gateway.store.objects.origins import find_by_origin, select_by_origin
from gateway.store.tables.objects import organizations

_BY_ID = select(organizations).where(any_of(organizations.c.id, "ids"))
_BY_ORIGIN = select_by_origin(organizations)
_IS_CHILD = organizations.c.parent_id == bindparam("parent")
_CHILDREN = (
    select(organizations)
    .where(_IS_CHILD)
    .order_by(organizations.c.name_key, organizations.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("offset"))
)
_COUNT_CHILDREN = select(func.count()).select_from(organizations).where(_IS_CHILD)
_CHILD_IDS = select(organizations.c.id).where(any_of(organizations.c.parent_id, "parents"))
_SAME_NAME = (
    select(organizations.c.id)
    .where(organizations.c.parent_id == bindparam("parent"), organizations.c.name_key == bindparam("key"))
    .order_by(organizations.c.created_at, organizations.c.id)
)
_ALL = select(organizations).order_by(organizations.c.id)
_FROM = _ALL.where(organizations.c.id > bindparam("after")).limit(bindparam("most"))
_COUNT = select(func.count()).select_from(organizations)

# UNION, not UNION ALL: should a tree ever hold a cycle, the walk still ends.
_below = select(organizations.c.id).where(any_of(organizations.c.id, "ids")).cte("below", recursive=True)
_SUBTREE = select(_below.union(select(organizations.c.id).join(_below, organizations.c.parent_id == _below.c.id)).c.id)
MAX_DEPTH = 200
"""A walk upwards stops here; no tree of people is deeper, and a cycle would be endless."""

_PARENT = select(organizations.c.parent_id).where(organizations.c.id == bindparam("id"))


def get(connection: Connection, organization_id: str) -> Organization | None:
    """Return the organization, or None."""
    return get_many(connection, (organization_id,)).get(organization_id)


def get_many(connection: Connection, organization_ids: Collection[str]) -> dict[str, Organization]:
    """Return those of the organizations that exist, by id, in no particular order."""
    if not organization_ids:
        return {}
    return {row.id: _organization(row) for row in connection.execute(_BY_ID, {"ids": organization_ids})}


def id_by_origin(connection: Connection, origin: Origin) -> str | None:
    """Return the id of the organization that was created for this record, or None."""
    return find_by_origin(connection, _BY_ORIGIN, origin)


def children(connection: Connection, parent_id: str, offset: int, limit: int) -> tuple[list[Organization], int]:
    """Return a page of the organizations directly below `parent_id`, by name, and their total number."""
    rows = connection.execute(_CHILDREN, {"parent": parent_id, "most": limit, "offset": offset})
    total = int(connection.execute(_COUNT_CHILDREN, {"parent": parent_id}).scalar_one())
    return [_organization(row) for row in rows], total


def ancestors(connection: Connection, organization_id: str) -> tuple[str, ...]:
    """Return the ids of the organizations above, nearest first, the root last; empty for the root and for an unknown one."""
    above: list[str] = []
    current: str | None = organization_id
    while len(above) < MAX_DEPTH:
        current = connection.execute(_PARENT, {"id": current}).scalar()
        if current is None or current in above:
            break
        above.append(current)
    return tuple(above)


def subtree(connection: Connection, organization_ids: Collection[str]) -> frozenset[str]:
    """Return the ids of these organizations and of everything below them; unknown ids are left out."""
    return frozenset(connection.execute(_SUBTREE, {"ids": organization_ids}).scalars())


def same_name(connection: Connection, parent_id: str, name: str) -> list[str]:
    """Return the ids of the organizations of this name directly below `parent_id`, the oldest first."""
    return list(connection.execute(_SAME_NAME, {"parent": parent_id, "key": name_key(name)}).scalars())


def page(connection: Connection, offset: int, limit: int) -> tuple[list[Organization], int]:
    """Return a page of organizations in the order of their ids, and their total number."""
    rows = connection.execute(_ALL.limit(limit).offset(offset))
    return [_organization(row) for row in rows], count(connection)


def iterate(connection: Connection, after_id: str, limit: int) -> list[Organization]:
    """Return at most `limit` organizations whose ids follow `after_id` ("" to begin), in the order of their ids."""
    return [_organization(row) for row in connection.execute(_FROM, {"after": after_id, "most": limit})]


def count(connection: Connection) -> int:
    """Return the number of organizations, the root included."""
    return int(connection.execute(_COUNT).scalar_one())


# ---- writing: for gateway/sync, under the lock of the change log


def child_ids(connection: Connection, parent_ids: Collection[str]) -> list[str]:
    """Return the ids of all organizations directly below any of these."""
    return list(connection.execute(_CHILD_IDS, {"parents": parent_ids}).scalars())


def insert(connection: Connection, new: Sequence[Organization]) -> None:
    """Store new organizations."""
    bulk.insert(connection, organizations, [(organization.id, *_values(organization)) for organization in new])


_MUTABLE = tuple(column.name for column in organizations.columns if column.name != "id")


def update(connection: Connection, changed: Sequence[Organization]) -> None:
    """Store the new state of organizations."""
    bulk.update(connection, organizations, _MUTABLE, [(*_values(organization), organization.id) for organization in changed])


def delete(connection: Connection, organization_ids: Collection[str]) -> None:
    """Remove organizations that nothing belongs to any more."""
    bulk.delete(connection, organizations, ("id",), [(organization_id,) for organization_id in organization_ids])


def _values(organization: Organization) -> RowValues:
    origin = organization.origin
    return (
        organization.name,
        name_key(organization.name),
        organization.parent_id,
        origin.source_type,
        origin.source_id,
        origin.external_id,
        encode_attributes(organization.attributes),
        milliseconds(organization.created_at),
        milliseconds(organization.updated_at),
    )


def _organization(row: TableRow) -> Organization:
    return Organization(
        row.id,
        row.name,
        row.parent_id,
        Origin(row.source_type, row.source_id, row.external_id),
        time_of(row.created_at),
        time_of(row.updated_at),
        decode_attributes(row.attributes),
    )
