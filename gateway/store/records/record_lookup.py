"""Finding records by their names at a source, as far as a reference to them needs them: kind, number and linked object.

For gateway/sync, under the lock of the change log."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from gateway.model.objects import Kind
from gateway.store.engine.any_of import any_of
from gateway.store.tables.objects import organizations, users
from gateway.store.tables.records import records


class Target(NamedTuple):
    """A record as the target of a reference."""

    id: int
    kind: str
    object_id: str | None


class PlacedRecord(NamedTuple):
    """A record with its place in the tree: enough to refer to it and to place its object. `placed` is the JSON of a user's
    organizations now, or an organization's parent."""

    id: int
    kind: str
    dn: str
    dn_key: str
    object_id: str | None
    placed: str | None


_OF_SOURCE = records.c.source_id == bindparam("source")
_TARGET = (records.c.id, records.c.kind, records.c.object_id)
_THERE = records.c.gone_at.is_(None)
_AT_DN = select(records.c.dn_key, *_TARGET).where(_OF_SOURCE, any_of(records.c.dn_key, "values"), _THERE).order_by(records.c.id)
_AT_LOGIN = (
    select(records.c.login_key, *_TARGET)
    .where(_OF_SOURCE, any_of(records.c.login_key, "values"), _THERE)
    .order_by(records.c.id)
)
_AT_ID = (
    select(records.c.external_id, *_TARGET)
    .where(_OF_SOURCE, any_of(records.c.kind, "kinds"), any_of(records.c.external_id, "values"), _THERE)
    .order_by(records.c.id)
)
_TARGETS = select(*_TARGET).where(any_of(records.c.id, "ids", numbers=True))
_BELOW = (
    select(
        records.c.id,
        records.c.kind,
        records.c.dn,
        records.c.dn_key,
        records.c.object_id,
        func.coalesce(users.c.organization_ids, organizations.c.parent_id).label("placed"),
    )
    .outerjoin(users, users.c.id == records.c.object_id)
    .outerjoin(organizations, organizations.c.id == records.c.object_id)
    .where(
        _OF_SOURCE,
        records.c.dn_key >= bindparam("after"),
        records.c.dn_key < bindparam("beyond"),
        (records.c.dn_key > bindparam("after")) | (records.c.id > bindparam("after_id")),
    )
    .order_by(records.c.dn_key, records.c.id)
    .limit(bindparam("most"))
)
_BEYOND_EVERY_ID = 2**62


def at_dn(connection: Connection, source_id: str, dn_keys: Collection[str]) -> list[tuple[str, Target]]:
    """Return the records at these DNs, by DN key; of several at one DN the youngest comes last. Leavers are at none."""
    rows = connection.execute(_AT_DN, {"source": source_id, "values": dn_keys})
    return [(key, Target(*rest)) for key, *rest in rows]


def at_login(connection: Connection, source_id: str, login_keys: Collection[str]) -> list[tuple[str, Target]]:
    """Return the records with these login names, by name key; as `at_dn`."""
    rows = connection.execute(_AT_LOGIN, {"source": source_id, "values": login_keys})
    return [(key, Target(*rest)) for key, *rest in rows]


def at_external_id(
    connection: Connection, source_id: str, kinds: Collection[Kind], external_ids: Collection[str]
) -> list[tuple[str, Target]]:
    """Return the records of these kinds with these external ids; as `at_dn`."""
    parameters = {"source": source_id, "kinds": [kind.value for kind in kinds], "values": external_ids}
    return [(key, Target(*rest)) for key, *rest in connection.execute(_AT_ID, parameters)]


def targets(connection: Connection, record_ids: Collection[int]) -> dict[int, Target]:
    """Return the kinds of these records and the objects they are linked to, by record id."""
    return {row.id: Target(*row) for row in connection.execute(_TARGETS, {"ids": record_ids})} if record_ids else {}


def below(
    connection: Connection, source_id: str, dn_key: str, dn_end: str, at_once: int = 1000
) -> Iterator[list[PlacedRecord]]:
    """Yield the records whose DN keys lie strictly between `dn_key` and `dn_end`, in chunks, in the order of their keys. The
    caller may move the records of a chunk out of the range, but not further up in it."""
    after, after_id = dn_key, _BEYOND_EVERY_ID
    while True:
        parameters = {"source": source_id, "after": after, "after_id": after_id, "beyond": dn_end, "most": at_once}
        found = [PlacedRecord(*row) for row in connection.execute(_BELOW, parameters)]
        if found:
            yield found
        if len(found) < at_once:
            return
        after, after_id = found[-1].dn_key, found[-1].id
