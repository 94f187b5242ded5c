"""Object keys: the values by which rules find objects, for the attributes that some rule names; written in the transaction of
the object.

The store itself has the list of those attributes, so that every writer keeps the same ones, whatever its configuration."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.model.objects import Kind
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.postgres import analyze
from gateway.store.tables.correlation import object_keys
from gateway.store.tables.operations import meta

Names: TypeAlias = Mapping[Kind, frozenset[str]]
"""The attributes for which keys are kept, by kind; a kind without any is left out."""


class ObjectKey(NamedTuple):
    """A row: this object has the key under this name."""

    kind: str
    name: str
    key: str
    object_id: str


class _Kept(msgspec.Struct):
    """The row of `meta`. `filled`: every object has its keys, not only those written since."""

    names: dict[str, list[str]]
    filled: bool


_ROW = "object_keys"
_decoder = msgspec.json.Decoder(_Kept)
_META = select(meta.c.value).where(meta.c.name == _ROW)
_OF_KIND = object_keys.c.kind == bindparam("kind")
_OF_NAME = object_keys.c.name == bindparam("name")
_HOLDERS = select(object_keys.c.key, object_keys.c.object_id).where(_OF_KIND, _OF_NAME, any_of(object_keys.c.key, "keys"))
_OF_OBJECTS = select(object_keys).where(any_of(object_keys.c.object_id, "objects"))


def names(connection: Connection) -> Names:
    """Return the attributes for which keys are kept."""
    kept = _kept(connection)
    return {Kind(kind): frozenset(of_kind) for kind, of_kind in kept.names.items() if of_kind}


def filled_for(connection: Connection) -> Names | None:
    """Return `names` when every object has its keys; else None."""
    return names(connection) if _kept(connection).filled else None


def set_names(connection: Connection, kept: Names, *, filled: bool) -> None:
    """Store the attributes for which keys are kept from now on."""
    plain = {kind.value: sorted(of_kind) for kind, of_kind in kept.items() if of_kind}
    connection.execute(delete(meta).where(meta.c.name == _ROW))
    value = msgspec.json.encode(_Kept(plain, filled)).decode()
    connection.execute(insert(meta), {"name": _ROW, "value": value})


def holders(connection: Connection, kind: Kind, name: str, keys: Collection[str]) -> list[tuple[str, str]]:
    """Return the `(key, object id)` pairs of the objects that have one of the keys under this name."""
    if not keys:
        return []
    rows = connection.execute(_HOLDERS, {"kind": kind.value, "name": name, "keys": keys})
    return [(key, object_id) for key, object_id in rows]


def of_objects(connection: Connection, object_ids: Collection[str]) -> set[ObjectKey]:
    """Return all keys of these objects."""
    return {ObjectKey(*row) for row in connection.execute(_OF_OBJECTS, {"objects": object_ids})} if object_ids else set()


def add(connection: Connection, keys: Collection[ObjectKey]) -> None:
    """Store keys; those that exist stay as they are."""
    bulk.insert(connection, object_keys, list(keys), ignore_known=True)
    if keys:
        analyze.analyze_if_grown(connection, object_keys)


def remove(connection: Connection, keys: Collection[ObjectKey]) -> None:
    """Remove keys."""
    bulk.delete(connection, object_keys, ObjectKey._fields, list(keys))


def remove_names(connection: Connection, kept: Names) -> None:
    """Remove the keys of all attributes but these."""
    for kind in Kind:
        parameters = {"kind": kind.value, "names": kept.get(kind, frozenset())}
        connection.execute(delete(object_keys).where(_OF_KIND, ~any_of(object_keys.c.name, "names")), parameters)


def _kept(connection: Connection) -> _Kept:
    value = connection.execute(_META).scalar()
    return _Kept({}, filled=True) if value is None else _decoder.decode(value)
