"""The members that groups would name without a record of that name, foreseen by a dry run. Reads only."""

from collections.abc import Collection, Iterator
from itertools import chain

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow
from gateway.sync.references.dangling_references import missing_sentence
from gateway.sync.references.record_names import RecordNames, comparable
from gateway.sync.references.reference_names import ALLOWED
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords

AT_ONCE = 100

_Missing = tuple[str, str, str]
"""The place of a group, and form and value of the name of a member."""


class ForeseenMembers:
    """The members that the groups of one read name, compared with the names of its records and of the stored ones."""

    def __init__(self) -> None:
        self._names: set[int] = set()  # hashes: a million users have three million names
        self._reported: set[int] = set()
        self._open: list[_Missing] = []
        self._led: dict[int, list[_Missing]] = {}

    def observe(self, transaction: SourceTransaction, records: PendingRecords) -> None:
        """Take in the records of a batch that are new or changed."""
        members = {kind.value for kind in Kind}.intersection(ALLOWED[MEMBERS])
        for record in records.values():
            if record.kind.value in members:
                self._names.update(map(hash, _names(record.row)))
        groups = [one for one in records.values() if _reports_members(one)]
        wanted = {one.row.id: [*dict.fromkeys(map(comparable, _members(one)))] for one in groups}
        found = RecordNames(transaction, chain.from_iterable(wanted.values()))
        for group in groups:
            self._reported.add(group.row.id)
            place = group.row.dn or group.row.external_id
            for form, value in wanted[group.row.id]:
                target = found.target(form, value, ALLOWED[MEMBERS])
                if target is None:
                    self._open.append((place, form.value, value))
                else:
                    self._led.setdefault(target.id, []).append((place, form.value, value))

    def sentence(self, connection: Connection, source_id: str, gone: Collection[int], *, compared: bool) -> tuple[str, ...]:
        """Return the sentence that the run would log, or nothing. `gone`: the records that go with the run; `compared`: the
        groups are compared, so that those count as well that say what they said."""
        said = [*self._open, *chain.from_iterable(self._led[one] for one in self._led.keys() & set(gone))]
        if compared:
            said += self._stored(connection, source_id, gone)
        missing = sorted(one for one in set(said) if hash(one[1:]) not in self._names)
        return (missing_sentence(len(missing), len({one[0] for one in missing}), *missing[0]),) if missing else ()

    def _stored(self, connection: Connection, source_id: str, gone: Collection[int]) -> Iterator[_Missing]:
        """Yield the missing members of groups of which nothing new is reported."""
        after, others = 0, {*self._reported, *gone}
        while found := references.dangling_owners(connection, source_id, MEMBERS, after, AT_ONCE):
            places = {row.id: row.dn or row.external_id for row, _, _ in found if row.id not in others}
            for one in references.owned(connection, places)[1] if places else ():
                if one.name == MEMBERS:
                    yield places[one.owner], one.form, one.value
            after = found[-1][0].id
        leading = [one for one in references.leading_to(connection, gone) if one.name == MEMBERS and one.owner not in others]
        rows = record_rows.by_id(connection, {one.owner for one in leading} | {one.target for one in leading})
        for pointer in leading:
            target, owner = rows[pointer.target], rows[pointer.owner]
            value = {ReferenceForm.LOGIN.value: target.login_key, ReferenceForm.ID.value: target.external_id}.get(pointer.form)
            if value:  # a name that is a DN goes from the groups with its entry
                yield owner.dn or owner.external_id, pointer.form, value


def _reports_members(record: PendingRecord) -> bool:
    delta = record.delta
    return delta is not None and not record.freezes_object and (MEMBERS in delta.references or MEMBERS in delta.added)


def _members(record: PendingRecord) -> Iterator[Reference]:
    if record.delta is not None:
        yield from record.delta.references.get(MEMBERS, ())
        yield from record.delta.added.get(MEMBERS, ())


def _names(row: RecordRow) -> Iterator[tuple[str, str]]:
    yield ReferenceForm.DN.value, row.dn_key
    yield ReferenceForm.ID.value, row.external_id
    if row.login_key:
        yield ReferenceForm.LOGIN.value, row.login_key
