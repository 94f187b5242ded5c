"""The correlation key backfill: keys for all objects when rules name other attributes than before, a thousand objects in a
transaction, and all of them before a source is read. Objects that are written meanwhile get theirs in the door."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.objects import Attributes, DirectoryObject, Kind, Organization, User
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
    """The progress of the backfill: the next objects are those of `kind` that follow `after_id`."""

    kind: Kind
    after_id: str = ""


def begin(connection: Connection, wanted: Names, *, beside_others: bool = False) -> Place | None:
    """Have keys kept for these attributes from now on; return the place to begin the backfill, None when none is needed. Keys
    of other attributes are removed, unless with `beside_others` another process may need them. Work for `Database.write`, as
    `go_on`."""
    if is_done(connection, wanted):
        return None
    changes.lock(connection)
    kept = object_keys.names(connection) if beside_others else {}
    names = {kind: wanted.get(kind, frozenset()) | kept.get(kind, frozenset()) for kind in Kind}
    object_keys.remove_names(connection, names)
    object_keys.set_names(connection, names, filled=False)
    return _from(connection, names, list(Kind))


def is_done(connection: Connection, wanted: Names) -> bool:
    """Return True when every object has keys for these attributes."""
    kept = object_keys.filled_for(connection)
    return kept is not None and all(of_kind <= kept.get(kind, frozenset()) for kind, of_kind in wanted.items())


def go_on(connection: Connection, place: Place) -> Place | None:
    """Give the next objects their keys; return the place to go on, None at the end."""
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
    """Run the whole backfill, each step a transaction of its own: `write` is `Database.write_blocking`."""
    place = write(lambda connection: begin(connection, wanted, beside_others=beside_others))
    while place is not None:
        place = write(step(place))


def step(place: Place) -> Callable[[Connection], Place | None]:
    """Return `go_on` from this place, as work for `Database.write`."""
    return lambda connection: go_on(connection, place)


def _from(connection: Connection, wanted: Names, kinds: Sequence[Kind]) -> Place | None:
    """Return the place of the first kind for which keys are wanted; when there is none, store that the backfill is done."""
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
        is_left = isinstance(thing, User) and thing.gone_at is not None
        also = key_index.reported_keys(wanted.get(kind, ()), said.get(thing.id, ()), is_left=is_left)
        yield from key_index.keys_of_object(wanted, kind, thing.id, attributes, also)
    if kind is Kind.ORGANIZATION and PATH in wanted.get(kind, ()):
        yield from key_index.paths(thing for thing in things if isinstance(thing, Organization))
