"""The store module of each kind of the directory's objects, for callers that treat all kinds alike.

Only what users, organizations and groups share is here; writing differs by kind and is called in their own modules."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from sqlalchemy import Connection

from gateway.model.objects import DirectoryObject, Kind, Origin
from gateway.store.objects import groups, organizations, users


class ObjectStore(Protocol):
    """Reading the objects of one kind; the modules `users`, `organizations` and `groups` implement it."""

    def get(self, connection: Connection, object_id: str, /) -> DirectoryObject | None:
        """Return the object, or None when there is none of this id."""

    def get_many(self, connection: Connection, object_ids: Collection[str], /) -> Mapping[str, DirectoryObject]:
        """Return those of the objects that exist, by id, in no particular order."""

    def id_by_origin(self, connection: Connection, origin: Origin, /) -> str | None:
        """Return the id of the object that was created for this record, or None."""

    def iterate(self, connection: Connection, after_id: str, limit: int, /) -> Sequence[DirectoryObject]:
        """Return at most `limit` objects whose ids follow `after_id` ("" to begin), ordered by id."""

    def count(self, connection: Connection, /) -> int:
        """Return the number of objects of this kind, the root organization included."""


OBJECT_STORES: Final[Mapping[Kind, ObjectStore]] = MappingProxyType(
    {Kind.ORGANIZATION: organizations, Kind.USER: users, Kind.GROUP: groups}
)
