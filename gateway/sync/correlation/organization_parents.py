"""The organization above each organization record of a batch, before any of them is stored: for rules by path, which compare an
organization's name and what is above it."""

from collections.abc import Iterator, Sequence

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.records import record_lookup, references
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.references.record_names import RecordNames, comparable
from gateway.sync.references.reference_names import PARENT
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords


class OrganizationParents:
    """Answers for the organization records of a `batch` while they are being linked: a record that has no object yet counts as
    none. `records`: all that are under work."""

    def __init__(self, transaction: SourceTransaction, records: PendingRecords, batch: Sequence[PendingRecord]) -> None:
        self._transaction = transaction
        self._records = records
        self._places = OrganizationPlaces(transaction.connection)
        pending = [one for one in records.values() if one.kind is Kind.ORGANIZATION]
        self._at_dn = {one.row.dn_key: one.row.id for one in pending if one.row.dn_key}
        self._at_id = {one.row.external_id: one.row.id for one in pending}
        self._stored: dict[str, str | None] = {}
        self._reported: dict[int, list[tuple[int, str | None]]] = {}
        self._note_stored(batch)
        self._note_reported(batch)

    def of(self, one: PendingRecord) -> str:
        """Return the id of the organization above."""
        for record_id, object_id in self._above(one):
            record = self._records.get(record_id)
            found = object_id if record is None else record.row.object_id
            if found is not None:
                return found
        return self._places.target(self._transaction.source_id)

    def waits_for(self, one: PendingRecord) -> set[int]:
        """Return the records of the batch that decide where this one is."""
        return {record_id for record_id, _ in self._above(one) if record_id in self._records}

    def _above(self, one: PendingRecord) -> Iterator[tuple[int, str | None]]:
        """Yield records, nearest first, each with its stored object. Those of the batch itself count as they are there."""
        yield from self._reported.get(one.row.id, ())
        key = dn.parent_key(one.row.dn_key)
        while key:
            if key in self._at_dn:
                yield self._at_dn[key], None
            elif self._stored.get(key) is not None:
                yield 0, self._stored[key]
            key = dn.parent_key(key)

    def _note_stored(self, batch: Sequence[PendingRecord]) -> None:
        keys = set()
        for one in batch:
            key = dn.parent_key(one.row.dn_key)
            while key and key not in keys:
                keys.add(key)
                key = dn.parent_key(key)
        transaction = self._transaction
        for key, target in record_lookup.at_dn(transaction.connection, transaction.source_id, keys) if keys else ():
            if target.kind == Kind.ORGANIZATION.value:
                self._stored[key] = target.object_id

    def _note_reported(self, batch: Sequence[PendingRecord]) -> None:
        """Note the parents that the records name: in this report, else in an earlier one."""
        reported = {
            one.row.id: [comparable(reference) for reference in one.delta.references[PARENT]]
            for one in batch
            if one.delta is not None and PARENT in one.delta.references
        }
        names = RecordNames(self._transaction, (reference for wanted in reported.values() for reference in wanted))
        for record_id, wanted in reported.items():
            for form, value in wanted:
                own = self._at_dn.get(value, self._at_id.get(value))
                target = names.target(form, value, (Kind.ORGANIZATION.value,))
                if own is not None:
                    self._reported.setdefault(record_id, []).append((own, None))
                elif target is not None:
                    self._reported.setdefault(record_id, []).append((target.id, target.object_id))
        self._note_stored_parents([one.row.id for one in batch if one.row.id not in reported and one.stored is not None])

    def _note_stored_parents(self, silent: Sequence[int]) -> None:
        connection = self._transaction.connection
        pointers = references.named(connection, silent, PARENT) if silent else []
        targets = record_lookup.targets(connection, {pointer.target for pointer in pointers})
        for pointer in pointers:
            self._reported.setdefault(pointer.owner, []).append((pointer.target, targets[pointer.target].object_id))
