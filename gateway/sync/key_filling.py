"""Keys for the objects of before when rules name other attributes than they did: a thousand objects in a transaction, and all
of them before a source is read. Whoever is written meanwhile gets them in the door."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.objects import Attributes, Kind, Organization, User
from gateway.model.source import LOCAL
from gateway.store import changes, groups, object_keys, organizations, record_rows, users
from gateway.store.database import Connection
from gateway.store.object_keys import Names, ObjectKey
from gateway.store.values import decode_attributes
from gateway.sync import keying

AT_ONCE: Final = 1_000

_NOUNS: dict[Kind, Any] = {Kind.ORGANIZATION: organizations, Kind.USER: users, Kind.GROUP: groups}


@dataclass(frozen=True, slots=True)
class Place:
    """How far it has come: the next objects are those of `kind` behind `after_id`."""

    kind: Kind
    after_id: str = ""


def begin(connection: Connection, wanted: Names) -> Place | None:
    """See to it that keys are kept for these attributes from now on; where to begin with the objects of before, None when they
    have theirs. A piece of work for `Database.write`, as `go_on`."""
    if object_keys.filled_for(connection) == wanted:
        return None
    changes.lock(connection)
    object_keys.remove_names(connection, wanted)
    object_keys.note(connection, wanted, filled=False)
    return _first(wanted, list(Kind)) or _finish(connection, wanted)


def go_on(connection: Connection, place: Place) -> Place | None:
    """Give the next objects their keys; where to go on, None at the end."""
    changes.lock(connection)
    wanted = object_keys.names(connection)
    things = _NOUNS[place.kind].iterate(connection, place.after_id, AT_ONCE)
    object_keys.add(connection, set(_keys(connection, wanted, place.kind, things)))
    if len(things) == AT_ONCE:
        return Place(place.kind, things[-1].id)
    rest = list(Kind)[list(Kind).index(place.kind) + 1 :]
    return _first(wanted, rest) or _finish(connection, wanted)


def fill_blocking(connection: Connection, wanted: Names) -> None:
    """All in one transaction, where nobody waits."""
    place = begin(connection, wanted)
    while place is not None:
        place = go_on(connection, place)


def fill(write: Callable[[Callable[[Connection], Place | None]], Place | None], wanted: Names) -> None:
    """All of it, each step a transaction of its own: `write` is `Database.write_blocking`."""
    place = write(lambda connection: begin(connection, wanted))
    while place is not None:
        place = write(_step(place))


def _step(place: Place) -> Callable[[Connection], Place | None]:
    return lambda connection: go_on(connection, place)


def _first(wanted: Names, kinds: Sequence[Kind]) -> Place | None:
    return next((Place(kind) for kind in kinds if wanted.get(kind)), None)


def _finish(connection: Connection, wanted: Names) -> None:
    object_keys.note(connection, wanted, filled=True)


def _keys(
    connection: Connection, wanted: Names, kind: Kind, things: Sequence[User | Organization | Any]
) -> Iterator[ObjectKey]:
    said: dict[str, list[tuple[str, Attributes]]] = {}
    for row in record_rows.linked_to(connection, [thing.id for thing in things]):
        external_id = "" if row.source_id == LOCAL else row.external_id
        said.setdefault(row.object_id or "", []).append((external_id, decode_attributes(row.attributes)))
    for thing in things:
        name = thing.username if isinstance(thing, User) else thing.name
        attributes = {**thing.attributes, NAMING_ATTRIBUTE[kind]: (name,)}
        also = keying.said_keys(wanted.get(kind, ()), said.get(thing.id, ()))
        yield from keying.keys_of_object(wanted, kind, thing.id, attributes, also)
    if kind is Kind.ORGANIZATION and keying.PATH in wanted.get(kind, ()):
        yield from keying.paths(thing for thing in things if isinstance(thing, Organization))
