"""Keeps the keys by which rules find objects, and those that records look for, as the objects and records of a batch are: in
the same transaction. Whoever waits for a key that somebody gained or lost is noted for a second look."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from gateway.model.objects import Attributes, Kind, Organization
from gateway.store.correlation import link_decisions, object_keys, record_keys
from gateway.store.correlation.object_keys import ObjectKey
from gateway.store.correlation.record_keys import RecordKey
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations
from gateway.sync.batch_state import Touched, Work
from gateway.sync.correlation.lookup import Asked
from gateway.sync.rules.correlation import NO_RULES, Reaction
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH, keys_of, path_key


def keep_record_keys(work: Work) -> None:
    """Note what is looked for on behalf of the touched records. They must be stored, and linked."""
    record_keys.looked_at(work.connection, work.looked_at)
    for old_id, new_id in work.own_objects.items():
        link_decisions.move_own(work.connection, old_id, new_id)
    reported = [touched for touched in work.touched.values() if touched.delta is not None]
    wanted: set[RecordKey] = set()
    for kind in Kind:
        if work.rules.get(kind, NO_RULES).rules:
            wanted |= _looked_for(work, kind, [touched for touched in reported if touched.kind is kind])
    stored = record_keys.of_records(work.connection, [touched.row.id for touched in reported if touched.old is not None])
    record_keys.remove(work.connection, stored - wanted)
    record_keys.add(work.connection, wanted - stored)


def _looked_for(work: Work, kind: Kind, batch: list[Touched]) -> set[RecordKey]:
    rules = work.rules[kind]
    asked = Asked(work, kind, batch)
    links = rules.unlinked is Reaction.LINK
    return {
        RecordKey(kind.value, rule.left, key, touched.row.id, links)
        for touched in batch
        if not touched.is_flawed
        for rule in rules.rules
        for key in asked.by_rule(touched, rule)
    }


def keep_object_keys(work: Work) -> None:
    """Bring the keys of every object that may have changed to what it has now. The objects must be stored."""
    if not work.key_names:
        return
    kinds = {touched.row.object_id: touched.kind for touched in work.touched.values() if touched.row.object_id is not None}
    kinds |= work.to_place
    wanted: set[ObjectKey] = set()
    for object_id, attributes in work.resolved.items():
        said = work.also_said.get(object_id, {})
        wanted.update(keys_of_object(work.key_names, kinds[object_id], object_id, attributes, said))
    held = object_keys.of_objects(work.connection, {*work.resolved, *work.deleted, *work.left} - work.created.keys())
    _note_second_looks(work.connection, {key for key in held if key.object_id in work.left})
    held = {key for key in held if key.object_id in work.deleted or (key.name != PATH and key.object_id in work.resolved)}
    _bring(work.connection, held, wanted)
    if PATH in work.key_names.get(Kind.ORGANIZATION, ()):
        _keep_paths(work, [object_id for object_id, kind in kinds.items() if kind is Kind.ORGANIZATION])


def _keep_paths(work: Work, organization_ids: Collection[str]) -> None:
    found = organizations.get_many(work.connection, organization_ids) if organization_ids else {}
    held = {key for key in object_keys.of_objects(work.connection, found) if key.name == PATH}
    _bring(work.connection, held, set(paths(found.values())))


def add_attributes(connection: Connection, kind: Kind, objects: Mapping[str, Attributes]) -> None:
    """Objects have got these attributes beside what they have, past the steps of a batch (sync/backfill/posix_numbers.py)."""
    names = object_keys.names(connection)
    if names.get(kind):
        wanted = {key for key_id, attributes in objects.items() for key in keys_of_object(names, kind, key_id, attributes, {})}
        _bring(connection, object_keys.of_objects(connection, objects) & wanted, wanted)


def paths(found: Iterable[Organization]) -> Iterable[ObjectKey]:
    """The keys of organizations by their place."""
    for one in found:
        key = path_key(one.parent_id or "", one.name)
        if key and one.parent_id is not None:
            yield ObjectKey(Kind.ORGANIZATION.value, PATH, key, one.id)


def keys_of_object(
    names: object_keys.Names, kind: Kind, object_id: str, attributes: Attributes, said: Mapping[str, Collection[str]]
) -> Iterable[ObjectKey]:
    """Those of the object's own attributes, and of what its records say, whoever decides: who is known by a number at one
    source is known by it."""
    for name in names.get(kind, frozenset()) - {PATH}:
        own = keys_of(attributes.get(name, ())) if name != EXTERNAL_ID else frozenset()
        for key in own | set(said.get(name, ())):
            yield ObjectKey(kind.value, name, key, object_id)


def _bring(connection: Connection, held: set[ObjectKey], wanted: set[ObjectKey]) -> None:
    object_keys.remove(connection, held - wanted)
    object_keys.add(connection, wanted - held)
    _note_second_looks(connection, held ^ wanted)


def _note_second_looks(connection: Connection, of_keys: Iterable[ObjectKey]) -> None:
    changed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key in of_keys:
        changed[key.kind, key.name].add(key.key)
    for (kind, name), keys in changed.items():
        record_keys.note_second_looks(connection, Kind(kind), name, keys)


def said_keys(names: Collection[str], said: Iterable[tuple[str, Attributes]]) -> dict[str, set[str]]:
    """The keys that records say, under each name; `said`: external id ("" for what is written here) and attributes."""
    found: dict[str, set[str]] = {}
    for name in names:
        if name != PATH:
            found[name] = set()
            for external_id, attributes in said:
                found[name] |= keys_of((external_id,) if name == EXTERNAL_ID else attributes.get(name, ()))
    return found
