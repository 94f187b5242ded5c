"""From reports to records: what is new, what has changed, what is as it was, what is gone. Writes nothing."""

from gateway.model.deltas import Delta, DeltaType
from gateway.model.ldap import dn
from gateway.model.objects import Kind, Value
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes
from gateway.store.engine.normalized_keys import name_key
from gateway.store.records import record_rows
from gateway.store.records.record_rows import Head, RecordRow
from gateway.sync.batch_state import Touched, Work
from gateway.sync.intake import folded_deltas
from gateway.sync.intake.folded_deltas import Report, Reports
from gateway.sync.rules import authority, correlation

MAX_DN_KEY_BYTES = 2000
"""Longer ones cannot be index entries in PostgreSQL; no directory allows names a tenth of that."""


def receive(work: Work, said: Reports) -> list[int]:
    """Fill `work.touched` and `work.met` from the reports, and return the records that are reported as gone."""
    heads = {kind: _heads(work, said, kind) for kind in Kind}
    next_id = record_rows.next_id(work.connection)
    gone: list[int] = []
    known: dict[int, tuple[Report, bytes]] = {}
    unchanged: dict[int, Head] = {}
    for (kind, external_id), reported in said.items():
        head = heads[kind].get(external_id)
        if reported.delta.type is DeltaType.DELETE:
            if head is None or _is_gone(head):
                work.count(kind, Outcome.UNCHANGED)
            else:
                gone.append(head.id)
            continue
        report, digest = _digested(reported)
        if head is not None:
            known[head.id] = (report, digest)
            same = report.delta.type is DeltaType.PRESENT or (head.digest == digest and not report.names)
            if same and not _is_gone(head):
                unchanged[head.id] = head
            work.met[kind].append(head.id)
        elif _is_acceptable(work, report.delta):
            work.touched[next_id] = _new(work, next_id, report, digest)
            work.met[kind].append(next_id)
            next_id += 1
    _touch_known(work, known, unchanged)
    return gone


def _touch_known(work: Work, known: dict[int, tuple[Report, bytes]], unchanged: dict[int, Head]) -> None:
    """Touch the stored records that were reported otherwise than before; all reported ones when an entry was renamed among
    them, because the same report may then mean something else."""
    rows = record_rows.by_id(work.connection, known.keys() - unchanged.keys())
    if any(known[record_id][0].delta.dn not in ("", row.dn) for record_id, row in rows.items()):
        same = [record_id for record_id in unchanged if known[record_id][0].delta.type is DeltaType.UPSERT]
        rows |= record_rows.by_id(work.connection, same)
    for record_id, head in unchanged.items():
        if record_id not in rows:
            _count_unchanged(work, known[record_id][0].delta.kind, head)
    if rows:
        touched = work.touched | {record_id: _changed(work, row, *known[record_id]) for record_id, row in rows.items()}
        work.touched = dict(sorted(touched.items(), key=lambda item: item[1].place))


def again(row: RecordRow) -> Touched:
    """A record that is looked at again without a new report."""
    hopeful = _hopeful(row)
    return Touched(Kind(row.kind), hopeful, row, None, decode_attributes(row.attributes))


def _hopeful(row: RecordRow) -> RecordRow:
    """The row before anything is decided about it. A link that it has stays."""
    hopeful = row._replace(situation=Situation.LINKED.value, reason="", candidates="[]")
    return hopeful if row.object_id is not None else hopeful._replace(decided_by=None, decided_at=None)


def _digested(report: Report) -> tuple[Report, bytes]:
    if report.delta.type is not DeltaType.UPSERT:
        return report, b""
    try:
        return report, folded_deltas.digest(report.delta)
    except UnicodeEncodeError:
        report = report._replace(delta=folded_deltas.cleaned(report.delta))
        return report, folded_deltas.digest(report.delta)


def _is_gone(head: Head) -> bool:
    """Whether the record was reported as gone before, and its object has stayed."""
    return head.situation == Situation.DELETED.value


def _heads(work: Work, said: Reports, kind: Kind) -> dict[str, Head]:
    names = [external_id for of_kind, external_id in said if of_kind is kind]
    return record_rows.heads(work.connection, work.source_id, kind, names) if names else {}


def _is_acceptable(work: Work, delta: Delta) -> bool:
    """Whether a record that is not stored yet can be."""
    if delta.type is DeltaType.PRESENT:  # a source lists what it has, also what its own settings leave out
        return False
    if len(delta.external_id) <= folded_deltas.MAX_EXTERNAL_ID_CHARACTERS:
        return True
    work.problems.append(f"{delta.dn[:80]} has an id of {len(delta.external_id)} characters: choose another id attribute")
    work.count(delta.kind, Outcome.CREATED, Result.SKIPPED)
    return False


def _count_unchanged(work: Work, kind: Kind, head: Head) -> None:
    well = head.situation == Situation.LINKED.value
    work.count(kind, Outcome.UNCHANGED, Result.SUCCEEDED if well else Result.SKIPPED)


def _new(work: Work, record_id: int, report: Report, digest: bytes) -> Touched:
    delta, kind = report.delta, report.delta.kind
    attributes: dict[str, tuple[Value, ...]] = dict(delta.attributes)
    name = authority.name_of(kind, attributes)
    reason = delta.problem or correlation.flaw(name, delta.dn)
    row = RecordRow(
        record_id,
        work.source_id,
        kind.value,
        delta.external_id,
        delta.dn,
        _dn_key(work, delta.dn),
        _login_key(kind, name),
        encode_attributes(attributes),
        digest,
        Situation.UNMATCHED.value if reason else Situation.LINKED.value,
        reason,
        None,
        None,
        None,
    )
    return Touched(kind, row, None, delta, attributes, report.place, report.names, bool(reason))


def _changed(work: Work, old: RecordRow, report: Report, digest: bytes) -> Touched:
    delta, kind = report.delta, report.delta.kind
    attributes = folded_deltas.merged(decode_attributes(old.attributes), delta)
    name = authority.name_of(kind, attributes)
    spelled = delta.dn or old.dn
    reason = delta.problem or correlation.flaw(name, spelled)
    if not (reason or name or correlation.is_addition(work.source_id, kind, attributes)):
        reason = _lost_name(kind, old, spelled)
    row = _hopeful(old)._replace(
        dn=spelled,
        dn_key=old.dn_key if spelled == old.dn else _dn_key(work, spelled),
        login_key=_login_key(kind, name),
        attributes=encode_attributes(attributes),
        digest=digest or None,  # "present" is no report that could be recognized
        situation=Situation.UNMATCHED.value if reason else Situation.LINKED.value,
        reason=reason,
        gone_at=None,
    )
    return Touched(kind, row, old, delta, attributes, report.place, report.names, bool(reason))


def _lost_name(kind: Kind, old: RecordRow, spelled: str) -> str:
    """Why a record without a name cannot be the object that was made for it; one that was linked to its object adds to it
    without a name as well."""
    made_for_it = old.object_id is not None and old.decided_by == correlation.DECIDED_BY_CREATION
    return correlation.unmatched_reason(kind, "", spelled) if made_for_it else ""


def _login_key(kind: Kind, name: str) -> str | None:
    return name_key(name) or None if kind is Kind.USER and name else None


def _dn_key(work: Work, spelled: str) -> str:
    """The key of a DN, or "" (with a problem noted) for one that is none: the record then has no place in the source's tree."""
    try:
        key = dn.key(spelled)
    except dn.InvalidDN as error:
        work.problems.append(f"{error}; it is treated as if it had no place in the tree")
        return ""
    if "\0" in key or (len(key) > MAX_DN_KEY_BYTES // 4 and len(key.encode()) > MAX_DN_KEY_BYTES):
        work.problems.append(f"{spelled[:80]}… is too long a name; it is treated as if it had no place in the tree")
        return ""
    return key
