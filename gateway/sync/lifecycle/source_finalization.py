"""Finalization: the records of a source that is no more become local records. The objects keep their ids and values, and can be
edited now.

An object that another source has too follows that source alone; attributes that it does not report stay as an addition, as if
they had been edited here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.deltas import Batch, Delta, DeltaType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, DirectoryObject, Kind, Organization, User, Value
from gateway.model.records import DECIDED_BY_ADDITION, DECIDED_BY_CREATION, ReferenceForm, Situation
from gateway.store.correlation import record_keys
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import name_key
from gateway.store.log import changes
from gateway.store.objects import disablements
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows, references, source_retirement
from gateway.store.records.record_rows import RecordRow
from gateway.store.records.references import RecordReference
from gateway.sync.inbound import Inbound
from gateway.sync.references.reference_names import PLACE_REFERENCES
from gateway.sync.rules import disablement
from gateway.sync.rules.authority import ENABLED, Contribution, resolve
from gateway.sync.rules.object_attributes import all_attributes, name_of

AT_ONCE: Final = {Kind.USER: 1_000, Kind.ORGANIZATION: 1_000, Kind.GROUP: 50}
"""Records in a transaction: groups come with their members."""


def finalize_next(connection: Connection, own: Inbound, source_id: str, kind: Kind) -> int:
    """Take over the next records of a kind, through the local door; return their number. Users before organizations: the
    records of organizations say where users are. A piece of work for `Database.write`."""
    changes.lock(connection)
    rows = source_retirement.rows_of(connection, source_id, kind, AT_ONCE[kind])
    if rows:
        _remove_unlinked(connection, [row for row in rows if row.object_id is None])
        _Finalization(connection, own, source_id, kind, [row for row in rows if row.object_id is not None]).run()
    return len(rows)


def _remove_unlinked(connection: Connection, loose: Sequence[RecordRow]) -> None:
    """Remove records that never became objects."""
    ids = [row.id for row in loose]
    references.remove(connection, references.leading_to(connection, ids))
    record_rows.remove(connection, ids)


class _Finalization:
    """The finalization of one transaction's records of one kind."""

    def __init__(self, connection: Connection, own: Inbound, source_id: str, kind: Kind, rows: Sequence[RecordRow]) -> None:
        self._connection = connection
        self._own = own
        self._source_id = source_id
        self._kind = kind
        self._ids = list(dict.fromkeys(row.object_id or "" for row in rows))
        self._objects: Mapping[str, DirectoryObject] = OBJECT_STORES[kind].get_many(connection, self._ids)

    def run(self) -> None:
        if not self._ids:
            return
        places = self._records_of_places()
        by_object: defaultdict[str, list[RecordRow]] = defaultdict(list)
        for row in record_rows.linked_to(self._connection, self._ids):
            by_object[row.object_id or ""].append(row)
        for object_id, rows in by_object.items():
            self._finalize(self._objects[object_id], rows, places)
        if self._kind is Kind.GROUP:
            source_retirement.hand_over_memberships(self._connection, self._ids, self._source_id, LOCAL)
        self._own.resolve_anew(self._connection, dict.fromkeys(self._ids, self._kind))

    def _finalize(self, thing: DirectoryObject, rows: Sequence[RecordRow], places: Mapping[str, int]) -> None:
        mine = [row for row in rows if row.source_id == self._source_id]
        kept = next((row for row in rows if row.source_id == LOCAL), mine[0])
        others = [
            row
            for row in rows
            if row.source_id not in (LOCAL, self._source_id) and row.gone_at is None and row.decided_by != DECIDED_BY_ADDITION
        ]
        if others and self._kind is Kind.USER:
            self._keep_disabled(thing.id, rows)
        self._forget_waiting(mine)
        for row in mine:
            if row.id != kept.id:
                source_retirement.repoint(self._connection, row.id, kept.id)
                record_rows.remove(self._connection, (row.id,))
        local = decode_attributes(kept.attributes) if kept.source_id == LOCAL else {}
        if others:
            row = _local_row(kept, thing, {**_additions(self._kind, mine, others), **local}, DECIDED_BY_ADDITION)
        else:
            row = _local_row(kept, thing, {**local, **all_attributes(thing)}, DECIDED_BY_CREATION)
        source_retirement.move(self._connection, (row,))
        self._store_place(thing, row.id, {} if others else places)

    def _keep_disabled(self, user_id: str, rows: Sequence[RecordRow]) -> None:
        """Keep a user disabled whom this source has disabled: the sources that are left must not enable them."""
        if disablement.is_decided_by(rows, self._source_id, self._own.authority):
            disablements.add(self._connection, [disablements.left(user_id, self._source_id, self._own.now())])

    def _forget_waiting(self, rows: Sequence[RecordRow]) -> None:
        ids = [row.id for row in rows]
        record_keys.remove(self._connection, record_keys.of_records(self._connection, ids))
        references.remove(self._connection, (), references.owned(self._connection, ids)[1])

    def _store_place(self, thing: DirectoryObject, record_id: int, places: Mapping[str, int]) -> None:
        """Store the place of the object as references: a local record has no DN that gives it."""
        name = PLACE_REFERENCES.get(self._kind)
        if name is None:
            return
        said = [one for one in references.owned(self._connection, (record_id,))[0] if one.name == name]
        references.remove(self._connection, said)
        wanted = [places[one] for one in _organizations(thing) if one in places]
        form = ReferenceForm.ID.value
        pointers = [RecordReference(record_id, name, target, form, position) for position, target in enumerate(wanted)]
        references.add(self._connection, pointers)

    def _records_of_places(self) -> dict[str, int]:
        """Return a record for each organization in which the objects are; where there is none but other sources', one is made.
        An object that is in the root alone needs none."""
        wanted = {one for thing in self._objects.values() for one in _organizations(thing)}
        found: dict[str, int] = {}
        for row in record_rows.linked_to(self._connection, wanted):
            if row.source_id == LOCAL or (row.source_id == self._source_id and row.object_id not in found):
                found[row.object_id or ""] = row.id
        missing = sorted(wanted - found.keys())
        if missing:
            deltas = tuple(Delta(DeltaType.UPSERT, Kind.ORGANIZATION, one) for one in missing)
            self._own.apply(self._connection, Batch(deltas), allow_deletions=True)
            made = record_rows.heads(self._connection, LOCAL, Kind.ORGANIZATION, missing)
            found |= {object_id: head.id for object_id, head in made.items()}
        return found


def _local_row(kept: RecordRow, thing: DirectoryObject, attributes: Attributes, decided_by: str) -> RecordRow:
    """Return the record as a local one of the object; its login name counts unless it is an addition."""
    is_named = isinstance(thing, User) and decided_by != DECIDED_BY_ADDITION
    return kept._replace(
        source_id=LOCAL,
        external_id=thing.id,
        dn="",
        dn_key="",
        login_key=name_key(name_of(thing)) if is_named else None,
        attributes=encode_attributes(attributes),
        digest=None,
        situation=Situation.LINKED.value,
        reason="",
        decided_by=decided_by,
        gone_at=None,
        candidates="[]",
    )


def _organizations(thing: DirectoryObject) -> tuple[str, ...]:
    """Return the organizations of the object; none for the root alone, where all objects are that are in no other."""
    if isinstance(thing, Organization):
        said: tuple[str, ...] = () if thing.parent_id is None else (thing.parent_id,)
    else:
        said = thing.organization_ids if isinstance(thing, User) else ()
    return () if said == (ROOT_ORGANIZATION_ID,) else said


def _additions(kind: Kind, mine: Sequence[RecordRow], others: Sequence[RecordRow]) -> dict[str, tuple[Value, ...]]:
    """Return the attributes that no record of another source reports."""
    reported = {NAMING_ATTRIBUTE[kind], ENABLED}.union(*(decode_attributes(row.attributes) for row in others))
    said = resolve(kind, [Contribution(row.source_id, decode_attributes(row.attributes)) for row in mine])
    return {name: values for name, values in said.items() if name not in reported}
