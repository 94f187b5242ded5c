"""Renames the records below an entry that was renamed or moved: its source reports that entry alone, and everything below has a
new DN (RFC 4511 §4.9; syncrepl does not send the entries below). Swaps the suffix, keeps the spelling of the RDNs before it."""

import contextlib
import re
from dataclasses import dataclass, replace

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.model.records import ReferenceForm
from gateway.store.records import record_lookup, record_rows, references
from gateway.sync.references.relinked_references import objects_directly_in
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords, RenamedRecords, Resolution

_RDN = re.compile(r'(?:[^,;\\"]|\\.|"(?:[^"\\]|\\.)*")*', re.DOTALL)


def first_rdns(spelled: str, count: int) -> str:
    """Return the first `count` RDNs of a DN, as they are spelled."""
    end = 0
    for index in range(count):
        matched = _RDN.match(spelled, end + (index > 0))
        end = matched.end() if matched else len(spelled)
    return spelled[:end]


def renamed(spelled: str, key: str, old_key: str, new_spelled: str, new_key: str) -> tuple[str, str]:
    """Return the DN and key of an entry below the one that was `old_key` and now is `new_key`."""
    rest = key[len(old_key) :]
    return f"{first_rdns(spelled, rest.count(','))},{new_spelled}", new_key + rest


@dataclass(frozen=True, slots=True)
class _Mention:
    """At this index the batch says that the record has this name."""

    batch_index: int
    record_id: int
    spelled: str
    key: str


def rename(transaction: SourceTransaction, resolution: Resolution) -> RenamedRecords:
    """Give the records below each record that gets a new DN their new DNs too. Must run before the records under work are
    written: a report of an entry after its parent's rename counts, one before it is renamed with it."""
    if not any(record.earlier_dns or _has_new_name(record) for record in resolution.records.values()):
        return RenamedRecords(resolution.records, resolution.created)
    renamer = _Renamer(transaction, resolution.records)
    renamer.run()
    return RenamedRecords(renamer.records, resolution.created, renamer.renames, renamer.moved, renamer.displaced)


def _has_new_name(record: PendingRecord) -> bool:
    return record.stored is not None and record.stored.dn_key != record.row.dn_key


def _mentions(records: PendingRecords) -> list[_Mention]:
    """Return every naming of a record under work, in the order of the batch."""
    mentions = []
    for record in records.values():
        for batch_index, spelled in record.earlier_dns:
            with contextlib.suppress(dn.InvalidDN):
                mentions.append(_Mention(batch_index, record.row.id, spelled, dn.key(spelled)))
        if record.delta is not None and record.delta.dn:
            mentions.append(_Mention(record.batch_index, record.row.id, record.row.dn, record.row.dn_key))
    return sorted(mentions, key=lambda mention: mention.batch_index)


class _Renamer:
    """One batch. `current_keys`: the DN key of each stored record, by its id, after the renames of the batch that were
    followed so far."""

    def __init__(self, transaction: SourceTransaction, records: PendingRecords) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self.records = dict(records)
        self.renames: list[tuple[int, str, str]] = []
        self.moved: set[int] = set()
        self.displaced: dict[str, Kind] = {}
        self._current_keys = {record_id: one.stored.dn_key for record_id, one in records.items() if one.stored is not None}

    def run(self) -> None:
        for mention in _mentions(self.records):
            old_key = self._current_keys.get(mention.record_id, "")
            self._current_keys[mention.record_id] = mention.key
            if old_key and old_key != mention.key:
                self._rename(mention, old_key)

    def _rename(self, new: _Mention, old_key: str) -> None:
        record = self.records[new.record_id]
        if new.key and not new.key.startswith(old_key):
            self.renames.append((new.batch_index, old_key, new.key))
            self._rename_stored(new, old_key)
            self._rename_pending(new, old_key)
        elif record.row.object_id is not None and record.kind is Kind.ORGANIZATION:
            # The entry has no usable name any more: objects that were in its organization by position look for another.
            self.displaced.update(objects_directly_in(self._connection, (record.row.object_id,)))
        self._forget_reports_about({new.record_id})

    def _rename_stored(self, new: _Mention, old_key: str) -> None:
        connection, source_id = self._connection, self._transaction.source_id
        for chunk in record_lookup.below(connection, source_id, old_key, dn.subtree_end(old_key)):
            spots = [spot for spot in chunk if spot.id != new.record_id]
            names = [(*renamed(spot.dn, spot.dn_key, old_key, new.spelled, new.key), spot.id) for spot in spots]
            record_rows.rename(connection, names)
            moved = {spot.id for spot in spots}
            self.moved |= moved
            self._forget_reports_about(moved)

    def _rename_pending(self, new: _Mention, old_key: str) -> None:
        """Rename the records under work that are below: `stored` follows the store, `row` unless a later report gives its
        DN."""
        for record_id, record in self.records.items():
            if record_id == new.record_id:
                continue
            if record_id in self._current_keys and self._current_keys[record_id].startswith(old_key):
                self._current_keys[record_id] = new.key + self._current_keys[record_id][len(old_key) :]
            stored, row = record.stored, record.row
            if stored is not None and stored.dn_key.startswith(old_key):
                spelled, key = renamed(stored.dn, stored.dn_key, old_key, new.spelled, new.key)
                stored = stored._replace(dn=spelled, dn_key=key)
            reported_later = record.delta is not None and record.delta.dn != "" and record.batch_index > new.batch_index
            if row.dn_key.startswith(old_key) and not reported_later:
                spelled, key = renamed(row.dn, row.dn_key, old_key, new.spelled, new.key)
                row = row._replace(dn=spelled, dn_key=key)
            if stored is not record.stored or row is not record.row:
                self.records[record_id] = replace(record, stored=stored, row=row)

    def _forget_reports_about(self, record_ids: set[int]) -> None:
        """Forget the digests of groups that name these by DN: they have other names in them now, and must be looked at when
        they are reported."""
        pointing = references.leading_to(self._connection, record_ids)
        owners = {pointer.owner for pointer in pointing if pointer.form == ReferenceForm.DN.value}
        record_rows.forget_digests(self._connection, owners)
