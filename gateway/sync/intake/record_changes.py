"""The first stage of the door: reports compared with the stored records. New, changed, unchanged, gone. Writes nothing."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.model.deltas import Delta, DeltaType
from gateway.model.ldap import dn
from gateway.model.objects import Kind, Value
from gateway.model.records import DECIDED_BY_CREATION, Situation
from gateway.model.runs import Outcome, Result, RunStatistics
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes
from gateway.store.engine.normalized_keys import name_key
from gateway.store.records import record_rows
from gateway.store.records.record_rows import Head, RecordRow
from gateway.sync.intake import folded_deltas
from gateway.sync.intake.folded_deltas import Report, Reports
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.authority import ENABLED
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Intake, PendingRecord

MAX_DN_KEY_BYTES = 2000
"""Longer ones cannot be index entries in PostgreSQL; no directory allows names a tenth of that."""


def receive(transaction: SourceTransaction, reports: Reports) -> Intake:
    """Return the records that the reports make new or change, in the order of the batch."""
    return _Receiver(transaction, reports).run()


def receive_last_status(transaction: SourceTransaction, reports: Reports) -> Intake:
    """Return the records of users that the batch says to be enabled or disabled before it says that they are gone, with this
    and nothing else: their source's last word on it counts when they have left it (rules/disablement.py)."""
    said = {
        key: Report(Delta(DeltaType.UPSERT, Kind.USER, one.delta.external_id, "", {ENABLED: status}), one.batch_index)
        for key, one in reports.items()
        if one.delta.type is DeltaType.DELETE and key[0] is Kind.USER and (status := one.delta.attributes.get(ENABLED))
    }
    intake = receive(transaction, said) if said else Intake()
    linked = {i: one for i, one in intake.records.items() if one.stored and one.stored.situation == Situation.LINKED.value}
    return Intake(linked)


@dataclass(slots=True)
class _Receiver:
    """One batch. `reported`: the reports of stored records, each with its digest; `unchanged`: those that say what was said
    before."""

    transaction: SourceTransaction
    reports: Reports
    records: dict[int, PendingRecord] = field(default_factory=dict)
    present: dict[Kind, list[int]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    gone: list[int] = field(default_factory=list)
    reported: dict[int, tuple[Report, bytes]] = field(default_factory=dict)
    unchanged: dict[int, Head] = field(default_factory=dict)
    counts: Counter[tuple[Kind, Outcome, Result]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def run(self) -> Intake:
        heads = {kind: self._heads(kind) for kind in Kind}
        next_id = 0
        present, known, unchanged = self.present, self.reported, self.unchanged  # a repeated read spends its time in this loop
        for (kind, external_id), reported in self.reports.items():
            head = heads[kind].get(external_id)
            if reported.delta.type is DeltaType.DELETE:
                self._receive_deletion(kind, head)
                continue
            report, digest = _digested(reported)
            if head is not None:
                known[head.id] = (report, digest)
                same = report.delta.type is DeltaType.PRESENT or (head.digest == digest and not report.earlier_dns)
                if same and not _is_gone(head):
                    unchanged[head.id] = head
                present[kind].append(head.id)
            elif self._is_acceptable(report.delta):
                next_id = next_id or record_rows.next_id(self.transaction.connection)
                self.records[next_id] = self._new(next_id, report, digest)
                present[kind].append(next_id)
                next_id += 1
        self._add_changed()
        return Intake(self.records, present, self.gone, RunStatistics(dict(self.counts)), tuple(self.problems))

    def _heads(self, kind: Kind) -> dict[str, Head]:
        names = [external_id for of_kind, external_id in self.reports if of_kind is kind]
        return record_rows.heads(self.transaction.connection, self.transaction.source_id, kind, names) if names else {}

    def _receive_deletion(self, kind: Kind, head: Head | None) -> None:
        if head is None or _is_gone(head):
            self.counts[kind, Outcome.UNCHANGED, Result.SUCCEEDED] += 1
        else:
            self.gone.append(head.id)

    def _add_changed(self) -> None:
        """Add the stored records that were reported otherwise than before; all reported ones when an entry was renamed among
        them, because the same report may then mean something else."""
        connection, reported, unchanged = self.transaction.connection, self.reported, self.unchanged
        rows = record_rows.by_id(connection, reported.keys() - unchanged.keys())
        if any(reported[record_id][0].delta.dn not in ("", row.dn) for record_id, row in rows.items()):
            same = [record_id for record_id in unchanged if reported[record_id][0].delta.type is DeltaType.UPSERT]
            rows |= record_rows.by_id(connection, same)
        for record_id, head in unchanged.items():
            if record_id not in rows:
                self._count_unchanged(reported[record_id][0].delta.kind, head)
        if rows:
            changed = {record_id: self._changed(row, *reported[record_id]) for record_id, row in rows.items()}
            self.records = dict(sorted((self.records | changed).items(), key=lambda item: item[1].batch_index))

    def _count_unchanged(self, kind: Kind, head: Head) -> None:
        well = head.situation == Situation.LINKED.value
        self.counts[kind, Outcome.UNCHANGED, Result.SUCCEEDED if well else Result.SKIPPED] += 1

    def _is_acceptable(self, delta: Delta) -> bool:
        """Return whether a record that is not stored yet can be; note a problem when its id is too long."""
        if delta.type is DeltaType.PRESENT:  # a source lists what it has, also what its own settings leave out
            return False
        if len(delta.external_id) <= folded_deltas.MAX_EXTERNAL_ID_CHARACTERS:
            return True
        self.problems.append(f"{delta.dn[:80]} has an id of {len(delta.external_id)} characters: choose another id attribute")
        self.counts[delta.kind, Outcome.CREATED, Result.SKIPPED] += 1
        return False

    def _new(self, record_id: int, report: Report, digest: bytes) -> PendingRecord:
        delta, kind = report.delta, report.delta.kind
        attributes: dict[str, tuple[Value, ...]] = dict(delta.attributes)
        name = authority.name_of(kind, attributes)
        reason = delta.problem or correlation.flaw(name, delta.dn)
        row = RecordRow(
            record_id,
            self.transaction.source_id,
            kind.value,
            delta.external_id,
            delta.dn,
            self._dn_key(delta.dn),
            _login_key(kind, name),
            encode_attributes(attributes),
            digest,
            Situation.UNMATCHED.value if reason else Situation.LINKED.value,
            reason,
            None,
            None,
            None,
        )
        return PendingRecord(kind, row, None, delta, attributes, report.batch_index, report.earlier_dns, bool(reason))

    def _changed(self, stored: RecordRow, report: Report, digest: bytes) -> PendingRecord:
        delta, kind = report.delta, report.delta.kind
        attributes = folded_deltas.merged(decode_attributes(stored.attributes), delta)
        name = authority.name_of(kind, attributes)
        spelled = delta.dn or stored.dn
        reason = delta.problem or correlation.flaw(name, spelled)
        if not (reason or name or correlation.is_addition(self.transaction.source_id, kind, attributes)):
            reason = _lost_name(kind, stored, spelled)
        row = _undecided(stored)._replace(
            dn=spelled,
            dn_key=stored.dn_key if spelled == stored.dn else self._dn_key(spelled),
            login_key=_login_key(kind, name),
            attributes=encode_attributes(attributes),
            digest=digest or None,  # "present" is no report that could be recognized
            situation=Situation.UNMATCHED.value if reason else Situation.LINKED.value,
            reason=reason,
            gone_at=None,
        )
        return PendingRecord(kind, row, stored, delta, attributes, report.batch_index, report.earlier_dns, bool(reason))

    def _dn_key(self, spelled: str) -> str:
        """Return the key of a DN, or "" (and note a problem) for one that is none: the record then has no place in the source's
        tree."""
        try:
            key = dn.key(spelled)
        except dn.InvalidDN as error:
            self.problems.append(f"{error}; it is treated as if it had no place in the tree")
            return ""
        if "\0" in key or (len(key) > MAX_DN_KEY_BYTES // 4 and len(key.encode()) > MAX_DN_KEY_BYTES):
            self.problems.append(f"{spelled[:80]}… is too long a name; it is treated as if it had no place in the tree")
            return ""
        return key


def reconsidered(row: RecordRow, stored: RecordRow | None = None, reason: str = "") -> PendingRecord:
    """Return the record to be rechecked without a new report. `stored`: as the store has it, when `row` is not; `reason`: for
    which it is."""
    undecided = _undecided(row)._replace(reason=reason)
    return PendingRecord(Kind(row.kind), undecided, stored or row, None, decode_attributes(row.attributes))


def _undecided(row: RecordRow) -> RecordRow:
    """Return the row before anything is decided about it. A link that it has stays."""
    undecided = row._replace(situation=Situation.LINKED.value, reason="", candidates="[]")
    return undecided if row.object_id is not None else undecided._replace(decided_by=None, decided_at=None)


def _digested(report: Report) -> tuple[Report, bytes]:
    if report.delta.type is not DeltaType.UPSERT:
        return report, b""
    try:
        return report, folded_deltas.digest(report.delta)
    except UnicodeEncodeError:
        report = report._replace(delta=folded_deltas.cleaned(report.delta))
        return report, folded_deltas.digest(report.delta)


def _is_gone(head: Head) -> bool:
    """Return whether the record was reported as gone before, and its object has stayed."""
    return head.situation == Situation.DELETED.value


def _lost_name(kind: Kind, stored: RecordRow, spelled: str) -> str:
    """Return the reason why a record without a name cannot be the object that was made for it; "" for one that was linked to
    its object: that adds to it without a name as well."""
    made_for_it = stored.object_id is not None and stored.decided_by == DECIDED_BY_CREATION
    return correlation.unmatched_reason(kind, "", spelled) if made_for_it else ""


def _login_key(kind: Kind, name: str) -> str | None:
    return name_key(name) or None if kind is Kind.USER and name else None
