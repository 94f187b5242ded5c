"""Ties the records that the batch touched to objects: has correlator.py find them, resolves what all records of an object say
together, and settles who gets which login name. Writes nothing."""

from collections.abc import Iterable, Sequence

from gateway.model.connector import LOCAL
from gateway.model.objects import Kind, Value
from gateway.model.records import DECIDED_BY_ADDITION, Situation
from gateway.store.correlation import object_keys, record_keys
from gateway.store.engine.column_codecs import decode_attributes, encode_strings
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import users
from gateway.store.records import record_rows, records
from gateway.store.records.record_rows import RecordRow, Target
from gateway.sync.batch_state import Touched, Work
from gateway.sync.correlation import correlator, key_index
from gateway.sync.intake import record_changes
from gateway.sync.objects import leavers
from gateway.sync.rules import authority, contributing_records, correlation
from gateway.sync.rules.authority import Said
from gateway.sync.rules.correlation import Claim

LOOKS_AT_ONCE = 5_000
"""Records without an object that are looked at again in one transaction; the others are when the source is heard of next."""


def link(work: Work, *, look_again: bool) -> None:
    """Decide for every touched record; disputed ones whose name was freed are touched too, and with `look_again` all for which
    something may be otherwise now. Afterwards `created` and `resolved` tell what the objects are going to be."""
    work.key_names = object_keys.names(work.connection)
    _resolve(work, list(work.touched.values()))
    if look_again:
        _resolve(work, _second_looks(work))
    _note_freed_names(work)
    if look_again or work.freed_names:
        _resolve(work, _disputed_that_may_go(work))
    _settle_names(work)
    for record_id, touched in work.touched.items():
        work.targets[record_id] = Target(record_id, touched.row.kind, touched.row.object_id)


def _resolve(work: Work, batch: list[Touched]) -> None:
    """Find the object of each record, and what the records of each object say together."""
    if work.source_id == LOCAL:
        _name_objects(work, batch)
    else:
        leavers.recognize(work, batch)
        correlator.correlate(work, batch)
    active = [touched for touched in batch if touched.row.situation == Situation.LINKED.value]
    known = dict.fromkeys(touched.row.object_id for touched in active if touched.row.object_id is not None)
    known |= dict.fromkeys(work.to_resolve)
    for object_id, rows in _rows_by_object(work, known).items():
        heard, is_left = contributing_records.heard(rows)
        if is_left:
            work.recordless.add(object_id)
        elif work.recordless:
            work.recordless.discard(object_id)
        if any(row.decided_by != DECIDED_BY_ADDITION for row in heard):
            said = [Said(row.source_id, _attributes(work, row)) for row in heard]
            work.resolved[object_id] = authority.resolve(Kind(heard[0].kind), said, work.authority)
            _note_keys(work, object_id, heard)
    work.left |= work.to_resolve
    work.to_resolve.clear()
    user_ids = known.keys() - work.current_users.keys() - work.created.keys()
    work.current_users.update(users.get_many(work.connection, user_ids) if user_ids else {})
    _keep_names(work, active)


def _rows_by_object(work: Work, object_ids: Iterable[str]) -> dict[str, list[RecordRow]]:
    """The records of each object as they are going to be, in the order in which they were linked. The objects come as the batch
    names them, so that the earlier of two newcomers gets a name."""
    found: dict[str, list[RecordRow]] = {object_id: [] for object_id in object_ids}
    stored: set[int] = set()
    for row in record_rows.linked_to(work.connection, found.keys() - work.created.keys()):
        touched = work.touched.get(row.id)
        if touched is None or touched.row.object_id == row.object_id:
            stored.add(row.id)
            found[row.object_id or ""].append(row if touched is None else touched.row)
    for touched in work.touched.values():
        if touched.row.object_id in found and touched.row.id not in stored:
            found[touched.row.object_id].append(touched.row)
    return {object_id: sorted(rows, key=_linked_at) for object_id, rows in found.items() if rows}


def _linked_at(row: RecordRow) -> tuple[int, int]:
    """As the store orders them: the same order now and whenever they are read again."""
    return row.decided_at or 0, row.id


def _note_keys(work: Work, object_id: str, rows: Sequence[RecordRow]) -> None:
    """Under which keys the records of the object make it known, for later ones."""
    names = work.key_names.get(Kind(rows[0].kind))
    if names:
        said = [("" if row.source_id == LOCAL else row.external_id, _attributes(work, row)) for row in rows]
        work.also_said[object_id] = key_index.said_keys(names, said)


def _second_looks(work: Work) -> list[Touched]:
    """Records without an object for which something has changed since they were looked at."""
    due = record_keys.due(work.connection, work.source_id, LOOKS_AT_ONCE)
    work.looked_at += due
    rows = record_rows.by_id(work.connection, [record_id for record_id in due if record_id not in work.touched])
    again = {row.id: record_changes.again(row) for row in rows.values() if row.object_id is None}
    work.touched |= again
    return list(again.values())


def _name_objects(work: Work, batch: list[Touched]) -> None:
    """What is written here names its object itself. Those of additions exist: sync/local/source.py has looked, under the lock
    of the log; the others are made."""
    for touched in batch:
        row = touched.row
        if row.object_id is None and row.situation == Situation.LINKED.value:
            is_addition = correlation.is_addition(LOCAL, touched.kind, touched.attributes)
            decided_by = DECIDED_BY_ADDITION if is_addition else correlation.DECIDED_BY_CREATION
            touched.row = row._replace(object_id=row.external_id, decided_by=decided_by, decided_at=work.stamp)
            if not is_addition:
                work.created[row.external_id] = touched


def _keep_names(work: Work, active: list[Touched]) -> None:
    """An addition says nothing about names: should another record of the user be disputed over one, it remains so. A user whose
    records have no name (any more) keeps the one it has."""
    for touched in active:
        user = work.current_users.get(touched.row.object_id or "")
        if user is not None and touched.row.decided_by == DECIDED_BY_ADDITION and user.id in work.resolved:
            work.resolved[user.id]["username"] = (user.username,)
    for user in work.current_users.values():
        if user.id in work.resolved and not _wanted(work, user.id):
            work.resolved[user.id]["username"] = (user.username,)


def _attributes(work: Work, row: RecordRow) -> dict[str, tuple[Value, ...]]:
    touched = work.touched.get(row.id)
    return decode_attributes(row.attributes) if touched is None else touched.attributes


def _wanted(work: Work, object_id: str) -> str:
    return authority.name_of(Kind.USER, work.resolved[object_id])


def _note_freed_names(work: Work) -> None:
    for object_id, user in work.current_users.items():
        held = name_key(user.username)
        if object_id in work.resolved and name_key(_wanted(work, object_id)) != held:
            work.freed_names.add(held)


def _disputed_that_may_go(work: Work) -> list[Touched]:
    again = []
    for row in record_rows.disputed(work.connection, work.source_id, work.freed_names):
        if row.id not in work.touched:
            touched = record_changes.again(row)
            work.touched[row.id] = touched
            again.append(touched)
    return again


def _settle_names(work: Work) -> None:
    """Let every user that is new or changes its name have it, unless it is another one's."""
    claims = []
    for object_id in work.resolved:
        current = work.current_users.get(object_id)
        if current is not None or (object_id in work.created and work.created[object_id].kind is Kind.USER):
            held = None if current is None else name_key(current.username)
            wanted = name_key(_wanted(work, object_id))
            if wanted != held:
                claims.append(Claim(object_id, wanted, held))
    if not claims:
        return
    holders = users.name_holders(work.connection, {claim.key for claim in claims})
    lost = correlation.losers(claims, holders)
    if lost:
        _dispute(work, lost)


def _dispute(work: Work, lost: dict[str, str]) -> None:
    """The records of those who lost are disputed: a new object is not made, an old one keeps the name it has."""
    for touched in list(work.touched.values()):
        object_id = touched.row.object_id
        if object_id not in lost or touched.row.situation != Situation.LINKED.value:
            continue
        owner = _described(work, lost[object_id])
        reason = correlation.disputed_reason(_wanted(work, object_id), touched.row.dn, owner)
        candidates = () if lost[object_id] in work.created else (lost[object_id],)
        touched.row = touched.row._replace(
            situation=Situation.DISPUTED.value, reason=reason, candidates=encode_strings(candidates)
        )
        if object_id in work.created:
            touched.row = touched.row._replace(object_id=None, decided_by=None, decided_at=None)
    for object_id in lost:
        work.created.pop(object_id, None)
        if object_id in work.current_users:
            work.resolved[object_id]["username"] = (work.current_users[object_id].username,)
        else:
            del work.resolved[object_id]


def _described(work: Work, user_id: str) -> str:
    """A user by the name and source of its first record."""
    if user_id in work.created:
        return _place(work.created[user_id].row.dn, work.source_id)
    for account in records.accounts(work.connection, user_id):
        return _place(account.dn, account.source_id)
    return f"user {user_id}"


def _place(spelled: str, source_id: str) -> str:
    return f"{spelled or 'a user'} (source {source_id})"
