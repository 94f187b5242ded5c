"""The stage of the door that ties records to objects: has correlator.py find them, resolves the attributes that all records of
an object give it together, and settles which user gets which login name. Writes nothing.

Correlation and resolution take turns: a resolved object may free a login name, and then the disputed records that wait for it
are correlated, and their objects resolved, in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.model.connector import LOCAL
from gateway.model.objects import Attributes, Kind, User, Value
from gateway.model.records import DECIDED_BY_ADDITION, DECIDED_BY_CREATION, Situation
from gateway.store.correlation import rechecks
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import disablements, users
from gateway.store.objects.disablements import Disablement
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.correlation import correlator, login_names, returning_leavers
from gateway.sync.correlation.key_index import reported_keys
from gateway.sync.intake.record_changes import reconsidered
from gateway.sync.rules import authority, contributing_records, correlation, disablement
from gateway.sync.rules.authority import ENABLED
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Intake, PendingRecord, Removal, Resolution

RECHECKS_AT_ONCE = 5_000
"""Records without an object that are rechecked in one transaction; the others when the source reports next."""


def resolve(transaction: SourceTransaction, intake: Intake, removal: Removal, *, recheck: bool) -> Resolution:
    """Decide about every record under work, and about disputed ones whose name was freed; with `recheck` about all for which
    something may be otherwise now."""
    return _Resolver(transaction, intake, removal).run(recheck=recheck)


class _Resolver:
    """The working value of one stage; `run` turns it into the result."""

    def __init__(self, transaction: SourceTransaction, intake: Intake, removal: Removal) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._reopened = removal.reopened
        self._deleted = removal.deleted
        self._leaving = removal.leaving
        self._freed_names = set(removal.freed_names)
        self._records: dict[int, PendingRecord] = dict(intake.records)
        self._created: dict[str, int] = {}
        self._displaced: dict[str, Kind] = {}
        self._own_objects: dict[str, str] = {}
        self._attributes: dict[str, dict[str, tuple[Value, ...]]] = {}
        self._users: dict[str, User] = {}
        self._recordless: set[str] = set()
        self._reported_keys: dict[str, dict[str, set[str]]] = {}
        self._rechecks: list[int] = []
        self._enabled_again: set[Disablement] = set()

    def run(self, *, recheck: bool) -> Resolution:
        self._resolve(list(self._records.values()), self._reopened)
        if recheck:
            self._resolve(self._take_rechecks())
        self._note_freed_names()
        if recheck or self._freed_names:
            self._resolve(self._take_disputed())
        given_up = self._settle_names()
        return Resolution(
            self._records,
            self._created,
            self._attributes,
            self._kinds(),
            self._users,
            self._recordless,
            self._reported_keys,
            self._displaced,
            self._own_objects,
            self._rechecks,
            given_up,
            self._enabled_again,
        )

    def _settle_names(self) -> dict[str, str]:
        return login_names.settle(
            self._transaction,
            self._records,
            self._created,
            self._attributes,
            self._users,
            self._leaving,
            self._recordless,
        )

    def _kinds(self) -> dict[str, Kind]:
        of_records = {one.row.object_id: one.kind for one in self._records.values() if one.row.object_id is not None}
        return {one: kind for one, kind in {**of_records, **self._reopened}.items() if one in self._attributes}

    def _resolve(self, batch: Sequence[PendingRecord], reopened: Iterable[str] = ()) -> None:
        """Find the object of each record, and the attributes that the records of each object give it together."""
        self._correlate(batch)
        active = [one for one in batch if one.row.situation == Situation.LINKED.value]
        known = dict.fromkeys(one.row.object_id for one in active if one.row.object_id is not None)
        known |= dict.fromkeys(reopened)
        by_object = self._rows_by_object(known)
        for object_id, rows in by_object.items():
            self._resolve_one(object_id, rows)
        self._keep_disabled(by_object)
        user_ids = known.keys() - self._users.keys() - self._created.keys()
        self._users.update(users.get_many(self._connection, user_ids) if user_ids else {})
        self._keep_names(active)

    def _correlate(self, batch: Sequence[PendingRecord]) -> None:
        if self._transaction.is_local:
            self._name_objects(batch)
            return
        returning_leavers.recognize(self._transaction, self._records, batch)
        correlated = correlator.correlate(self._transaction, self._records, batch, self._deleted)
        self._created |= correlated.created
        self._displaced |= correlated.linked
        self._own_objects |= correlated.own_objects

    def _name_objects(self, batch: Sequence[PendingRecord]) -> None:
        """Link local records to the objects that they name themselves. Those of additions exist: sync/local/source.py has
        looked, under the lock of the log; the others are made."""
        for one in batch:
            row = one.row
            if row.object_id is None and row.situation == Situation.LINKED.value:
                is_addition = correlation.is_addition(row.source_id, one.kind, one.attributes)
                decided_by = DECIDED_BY_ADDITION if is_addition else DECIDED_BY_CREATION
                one.row = row._replace(object_id=row.external_id, decided_by=decided_by, decided_at=self._transaction.stamp)
                if not is_addition:
                    self._created[row.external_id] = row.id

    def _rows_by_object(self, object_ids: Iterable[str]) -> dict[str, list[RecordRow]]:
        """Return the records of each object as they are going to be, in the order in which they were linked. The objects come
        as the batch names them, so that the earlier of two new ones gets a name."""
        found: dict[str, list[RecordRow]] = {object_id: [] for object_id in object_ids}
        stored: set[int] = set()
        for row in record_rows.linked_to(self._connection, found.keys() - self._created.keys()):
            record = self._records.get(row.id)
            if record is None or record.row.object_id == row.object_id:
                stored.add(row.id)
                found[row.object_id or ""].append(row if record is None else record.row)
        for record in self._records.values():
            if record.row.object_id in found and record.row.id not in stored:
                found[record.row.object_id].append(record.row)
        return {object_id: sorted(rows, key=_linked_at) for object_id, rows in found.items() if rows}

    def _resolve_one(self, object_id: str, rows: Sequence[RecordRow]) -> None:
        contributing, is_left = contributing_records.select(rows)
        if is_left:
            self._recordless.add(object_id)
        elif self._recordless:
            self._recordless.discard(object_id)
        if any(row.decided_by != DECIDED_BY_ADDITION for row in contributing):
            kind = Kind(contributing[0].kind)
            said = contributing_records.reports(rows, contributing, self._attributes_of)
            self._attributes[object_id] = authority.resolve(kind, said, self._transaction.authority)
            if names := self._transaction.key_names.get(kind):
                reports = [
                    ("" if row.source_id == LOCAL else row.external_id, self._attributes_of(row)) for row in contributing
                ]
                self._reported_keys[object_id] = reported_keys(names, reports, is_left=is_left)

    def _keep_disabled(self, by_object: Mapping[str, Sequence[RecordRow]]) -> None:
        """Disable the users whom a source that they have left, or a person, keeps disabled."""
        stored = self._attributes.keys() & by_object.keys() - self._created.keys()
        for one in disablements.of_users(self._connection, stored):
            rows = by_object[one.user_id]
            if disablement.is_over(one, rows, self._changed(rows), self._transaction.authority):
                self._enabled_again.add(one)
            else:
                self._attributes[one.user_id][ENABLED] = disablement.DISABLED

    def _changed(self, rows: Sequence[RecordRow]) -> dict[int, tuple[Attributes, Attributes]]:
        """Return the attributes before and after of those of the records that are under work and had their objects before."""
        under_work = [self._records[row.id] for row in rows if row.id in self._records]
        return {
            one.row.id: (decode_attributes(one.stored.attributes), one.attributes)
            for one in under_work
            if one.stored is not None and one.stored.object_id == one.row.object_id
        }

    def _attributes_of(self, row: RecordRow) -> dict[str, tuple[Value, ...]]:
        record = self._records.get(row.id)
        return decode_attributes(row.attributes) if record is None else record.attributes

    def _keep_names(self, active: Sequence[PendingRecord]) -> None:
        """Keep the login names that are not to change. An addition says nothing about names: when another record of the user
        is disputed over one, it remains so. A user whose records have no name (any more) keeps the one it has."""
        attributes = self._attributes
        for one in active:
            user = self._users.get(one.row.object_id or "")
            if user is not None and one.row.decided_by == DECIDED_BY_ADDITION and user.id in attributes:
                attributes[user.id]["username"] = (user.username,)
        for user in self._users.values():
            if user.id in attributes and not authority.name_of(Kind.USER, attributes[user.id]):
                attributes[user.id]["username"] = (user.username,)

    def _take_rechecks(self) -> list[PendingRecord]:
        """Take in records without an object for which something has changed since they were looked at."""
        due = rechecks.due(self._connection, self._transaction.source_id, RECHECKS_AT_ONCE)
        self._rechecks += due
        rows = record_rows.by_id(self._connection, [record_id for record_id in due if record_id not in self._records])
        return self._take(row for row in rows.values() if row.object_id is None)

    def _note_freed_names(self) -> None:
        for object_id, user in self._users.items():
            held = name_key(user.username)
            wanted = self._attributes.get(object_id)
            if wanted is not None and name_key(authority.name_of(Kind.USER, wanted)) != held:
                self._freed_names.add(held)

    def _take_disputed(self) -> list[PendingRecord]:
        """Take in the disputed records that wait for a name which was freed."""
        rows = record_rows.disputed(self._connection, self._transaction.source_id, self._freed_names)
        return self._take(row for row in rows if row.id not in self._records)

    def _take(self, rows: Iterable[RecordRow]) -> list[PendingRecord]:
        again = {row.id: reconsidered(row) for row in rows}
        self._records |= again
        return list(again.values())


def _external_id(row: RecordRow) -> str:
    """Return the id of the record at its source; "" for a local one, whose id is the object's."""
    return "" if row.source_id == LOCAL else row.external_id


def _linked_at(row: RecordRow) -> tuple[int, int]:
    """Sort as the store orders them: the same order now and when they are read again."""
    return row.decided_at or 0, row.id
