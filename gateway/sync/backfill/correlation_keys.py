"""Keys for the objects of before when rules name other attributes than they did: a thousand objects in a transaction, and all
of them before a source is read. Whoever is written meanwhile gets them in the door."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.objects import Attributes, DirectoryObject, Kind, Organization
from gateway.store.correlation import object_keys
from gateway.store.correlation.object_keys import Names, ObjectKey
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows
from gateway.sync.correlation import key_index
from gateway.sync.rules.correlation_keys import PATH
from gateway.sync.rules.object_attributes import name_of

AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """How far it has come: the next objects are those of `kind` behind `after_id`."""

    kind: Kind
    after_id: str = ""


def begin(connection: Connection, wanted: Names, *, beside_others: bool = False) -> Place | None:
    """See to it that keys are kept for these attributes from now on; where to begin with the objects of before, None when they
    have theirs. Keys that nobody wants any more go; not with `beside_others`, where somebody else may want them. A piece of
    work for `Database.write`, as `go_on`."""
    if is_done(connection, wanted):
        return None
    changes.lock(connection)
    kept = object_keys.names(connection) if beside_others else {}
    names = {kind: wanted.get(kind, frozenset()) | kept.get(kind, frozenset()) for kind in Kind}
    object_keys.remove_names(connection, names)
    object_keys.set_names(connection, names, filled=False)
    return _from(connection, names, list(Kind))


def is_done(connection: Connection, wanted: Names) -> bool:
    """Whether every object has keys for these attributes."""
    kept = object_keys.filled_for(connection)
    return kept is not None and all(of_kind <= kept.get(kind, frozenset()) for kind, of_kind in wanted.items())


def go_on(connection: Connection, place: Place) -> Place | None:
    """Give the next objects their keys; where to go on, None at the end."""
    changes.lock(connection)
    wanted = object_keys.names(connection)
    things = OBJECT_STORES[place.kind].iterate(connection, place.after_id, AT_ONCE)
    object_keys.add(connection, set(_keys(connection, wanted, place.kind, things)))
    if len(things) == AT_ONCE:
        return Place(place.kind, things[-1].id)
    rest = list(Kind)[list(Kind).index(place.kind) + 1 :]
    return _from(connection, wanted, rest)


def fill(
    write: Callable[[Callable[[Connection], Place | None]], Place | None], wanted: Names, *, beside_others: bool = False
) -> None:
    """All of it, each step a transaction of its own: `write` is `Database.write_blocking`."""
    place = write(lambda connection: begin(connection, wanted, beside_others=beside_others))
    while place is not None:
        place = write(step(place))


def step(place: Place) -> Callable[[Connection], Place | None]:
    """`go_on` from there, for `Database.write`."""
    return lambda connection: go_on(connection, place)


def _from(connection: Connection, wanted: Names, kinds: Sequence[Kind]) -> Place | None:
    """The first of the kinds for which there are keys; when there is none, all is done."""
    place = next((Place(kind) for kind in kinds if wanted.get(kind)), None)
    if place is None:
        object_keys.set_names(connection, wanted, filled=True)
    return place


def _keys(connection: Connection, wanted: Names, kind: Kind, things: Sequence[DirectoryObject]) -> Iterator[ObjectKey]:
    said: dict[str, list[tuple[str, Attributes]]] = {}
    for row in record_rows.linked_to(connection, [thing.id for thing in things]):
        external_id = "" if row.source_id == LOCAL else row.external_id
        said.setdefault(row.object_id or "", []).append((external_id, decode_attributes(row.attributes)))
    for thing in things:
        attributes = {**thing.attributes, NAMING_ATTRIBUTE[kind]: (name_of(thing),)}
        also = key_index.reported_keys(wanted.get(kind, ()), said.get(thing.id, ()))
        yield from key_index.keys_of_object(wanted, kind, thing.id, attributes, also)
    if kind is Kind.ORGANIZATION and PATH in wanted.get(kind, ()):
        yield from key_index.paths(thing for thing in things if isinstance(thing, Organization))
