"""Keeps the key index as the objects and records of a batch are, in the same transaction: the keys by which rules find objects,
and those that records look for. Records that wait for a key which an object gained or lost are noted for a recheck."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.model.objects import Attributes, Kind, Organization
from gateway.store.correlation import link_decisions, object_keys, rechecks, record_keys
from gateway.store.correlation.object_keys import ObjectKey
from gateway.store.correlation.record_keys import RecordKey
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations
from gateway.sync.correlation.record_keys import RecordKeys
from gateway.sync.rules.correlation import NO_RULES, Reaction
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH, keys_of, path_key
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import (
    Displacement,
    NumberedAttributes,
    PendingRecord,
    PendingRecords,
    Removal,
    RenamedRecords,
    Resolution,
)


def keep_record_keys(transaction: SourceTransaction, resolution: Resolution, renamed: RenamedRecords) -> None:
    """Note the keys that the records under work look for. They must be stored."""
    connection, records = transaction.connection, renamed.records
    rechecks.clear(connection, resolution.rechecks)
    for old_id, new_id in resolution.own_objects.items():
        link_decisions.move_own(connection, old_id, new_id)
    if transaction.is_local:  # what is written here looks for no object
        return
    reported = [record for record in records.values() if record.delta is not None]
    wanted: set[RecordKey] = set()
    for kind in Kind:
        if transaction.rules.get(kind, NO_RULES).rules:
            wanted |= _looked_for(transaction, records, kind, [record for record in reported if record.kind is kind])
    stored = record_keys.of_records(connection, [record.row.id for record in reported if record.stored is not None])
    record_keys.remove(connection, stored - wanted)
    record_keys.add(connection, wanted - stored)


def _looked_for(
    transaction: SourceTransaction, records: PendingRecords, kind: Kind, batch: Sequence[PendingRecord]
) -> set[RecordKey]:
    rules = transaction.rules[kind]
    keys = RecordKeys(transaction, records, kind, batch)
    links = rules.unlinked is Reaction.LINK
    return {
        RecordKey(kind.value, rule.left, key, record.row.id, links)
        for record in batch
        if not record.is_invalid
        for rule in rules.rules
        for key in keys.by_rule(record, rule)
    }


def keep_object_keys(
    transaction: SourceTransaction,
    removal: Removal,
    resolution: Resolution,
    numbered: NumberedAttributes,
    renamed: RenamedRecords,
    displacement: Displacement,
) -> None:
    """Bring the keys of every object that may have changed to those that it has now. The objects must be stored."""
    connection, names, deleted = transaction.connection, transaction.key_names, removal.deleted
    if not names:
        return
    wanted: set[ObjectKey] = set()
    for object_id, attributes in numbered.attributes.items():
        reported = resolution.reported_keys.get(object_id, {})
        wanted.update(keys_of_object(names, resolution.kinds[object_id], object_id, attributes, reported))
    former = {*numbered.attributes, *deleted, *removal.reopened, *resolution.given_up} - resolution.created.keys()
    held = object_keys.of_objects(connection, former)
    _note_rechecks(connection, {key for key in held if key.object_id in removal.reopened})
    over = {key for key in held if key.object_id in deleted or _is_replaced(key, numbered) or _is_given_up(key, resolution)}
    _replace(connection, over, wanted)
    if PATH in names.get(Kind.ORGANIZATION, ()):
        _keep_paths(connection, _organizations(renamed.records, displacement))


def _is_replaced(key: ObjectKey, numbered: NumberedAttributes) -> bool:
    return key.name != PATH and key.object_id in numbered.attributes


def _is_given_up(key: ObjectKey, resolution: Resolution) -> bool:
    """Return whether this is a leaver's login name that another user has now."""
    return key.name == "username" and key.object_id in resolution.given_up


def _organizations(records: PendingRecords, displacement: Displacement) -> list[str]:
    """Return the organizations that may have another path."""
    ids = [one.row.object_id for one in records.values() if one.kind is Kind.ORGANIZATION and one.row.object_id is not None]
    return list(dict.fromkeys([*ids, *(one for one, kind in displacement.objects.items() if kind is Kind.ORGANIZATION)]))


def _keep_paths(connection: Connection, organization_ids: Collection[str]) -> None:
    found = organizations.get_many(connection, organization_ids) if organization_ids else {}
    held = {key for key in object_keys.of_objects(connection, found) if key.name == PATH}
    _replace(connection, held, set(paths(found.values())))


def add_attributes(connection: Connection, kind: Kind, objects: Mapping[str, Attributes]) -> None:
    """Add the keys of attributes that objects got outside of a batch (sync/backfill/posix_numbers.py)."""
    names = object_keys.names(connection)
    if names.get(kind):
        wanted = {key for key_id, attributes in objects.items() for key in keys_of_object(names, kind, key_id, attributes, {})}
        _replace(connection, object_keys.of_objects(connection, objects) & wanted, wanted)


def paths(found: Iterable[Organization]) -> Iterable[ObjectKey]:
    """Yield the keys of organizations by their place."""
    for one in found:
        key = path_key(one.parent_id or "", one.name)
        if key and one.parent_id is not None:
            yield ObjectKey(Kind.ORGANIZATION.value, PATH, key, one.id)


def keys_of_object(
    names: object_keys.Names, kind: Kind, object_id: str, attributes: Attributes, reported: Mapping[str, Collection[str]]
) -> Iterable[ObjectKey]:
    """Yield the keys of the object's own attributes, and those that its records report, whichever source decides: a user that
    is known by a number at one source is known by it."""
    for name in names.get(kind, frozenset()) - {PATH}:
        own = keys_of(attributes.get(name, ())) if name != EXTERNAL_ID else frozenset()
        for key in own | set(reported.get(name, ())):
            yield ObjectKey(kind.value, name, key, object_id)


def _replace(connection: Connection, held: set[ObjectKey], wanted: set[ObjectKey]) -> None:
    object_keys.remove(connection, held - wanted)
    object_keys.add(connection, wanted - held)
    _note_rechecks(connection, held ^ wanted)


def _note_rechecks(connection: Connection, of_keys: Iterable[ObjectKey]) -> None:
    changed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key in of_keys:
        changed[key.kind, key.name].add(key.key)
    for (kind, name), keys in changed.items():
        rechecks.schedule_searching(connection, Kind(kind), name, keys)


def reported_keys(names: Collection[str], reports: Sequence[tuple[str, Attributes]], *, is_left: bool) -> dict[str, set[str]]:
    """Return the keys that records report, under each name; `reports`: external id ("" for what is written here) and
    attributes. `is_left`: of a leaver, whose login name may be another one's now."""
    found: dict[str, set[str]] = {}
    for name in names:
        if name != PATH and not (is_left and name == "username"):
            found[name] = set()
            for external_id, attributes in reports:
                found[name] |= keys_of((external_id,) if name == EXTERNAL_ID else attributes.get(name, ()))
    return found
