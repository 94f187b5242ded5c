"""Objects in words, for sentences to administrators: "user anna"."""

from collections.abc import Iterable

from gateway.model.objects import Kind
from gateway.store.engine.database import Connection
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.sync.rules.object_attributes import name_of


def describe(connection: Connection, kind: Kind, object_ids: Iterable[str]) -> dict[str, str]:
    """Return kind and name of the objects that exist, by id."""
    ids = set(object_ids)
    found = OBJECT_STORES[kind].get_many(connection, ids) if ids else {}
    return {identifier: f"{kind} {name_of(thing)}" for identifier, thing in found.items()}
