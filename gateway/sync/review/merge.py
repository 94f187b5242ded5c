"""Merging two objects: all that belongs to the lost one beside its records goes over to the kept one. A password or number that
both have stays as the kept one has it."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.deltas import MEMBERS, Batch, Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.clients import application_passwords, applications
from gateway.store.correlation import link_decisions
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.engine.database import Connection
from gateway.store.objects import disablements, passwords, posix_numbers, users
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow
from gateway.store.records.references import RecordReference
from gateway.sync.inbound import Inbound
from gateway.sync.rules import authority


def prepare(connection: Connection, kind: Kind, kept_id: str, lost_id: str) -> None:
    """Hand over all that must go before the records do: numbers that they would be given anew, the login name that one of
    them may bring along, and what keeps a user disabled."""
    posix_numbers.hand_over(connection, lost_id, kept_id)
    if kind is Kind.USER:
        users.release_username(connection, lost_id)
        disablements.hand_over(connection, lost_id, kept_id)


def finish(connection: Connection, own: Inbound, kind: Kind, kept_id: str, lost_id: str) -> tuple[str, ...]:
    """Hand over what was written here, and delete the lost object. Its records of sources must be gone from it. Returns
    sentences for the administrator."""
    if kind is Kind.USER:
        passwords.hand_over(connection, lost_id, kept_id)
        application_passwords.hand_over(connection, lost_id, kept_id)
    link_decisions.hand_over(connection, lost_id, kept_id)
    deltas = tuple(_local_deltas(connection, kind, kept_id, lost_id))
    problems = own.apply(connection, Batch(deltas), allow_deletions=True).problems if deltas else ()
    own.erase(connection, {lost_id: kind})
    return (*problems, *_scopes(connection, kind, kept_id, lost_id))


def _scopes(connection: Connection, kind: Kind, kept_id: str, lost_id: str) -> Iterator[str]:
    """Let applications that may see the lost organization or group see the kept one, and say so: that may be more."""
    for application in applications.hand_over_scope(connection, lost_id, kept_id) if kind is not Kind.USER else ():
        yield f"the application {application.name} may see the merged {kind} now: `gateway application show` has its scope"


def _local_deltas(connection: Connection, kind: Kind, kept_id: str, lost_id: str) -> Iterator[Delta]:
    """Yield the local records of and about the lost object as deltas about the kept one."""
    row = _local_record(connection, kind, lost_id)
    if row is None:
        return
    pointers = references.leading_to(connection, (row.id,))
    outgoing, _ = references.owned(connection, (row.id,))
    yield _own_delta(connection, kind, kept_id, row, [one for one in outgoing if one.name == MEMBERS])
    owners = record_rows.by_id(connection, {pointer.owner for pointer in pointers})
    for pointer in pointers:
        owner = owners[pointer.owner]
        if owner.external_id != kept_id:
            yield _referring_delta(connection, owner, pointer, kept_id)


def _local_record(connection: Connection, kind: Kind, object_id: str) -> RecordRow | None:
    heads = record_rows.heads(connection, LOCAL, kind, (object_id,))
    return next(iter(record_rows.by_id(connection, [head.id for head in heads.values()]).values()), None)


def _own_delta(connection: Connection, kind: Kind, kept_id: str, row: RecordRow, members: list[RecordReference]) -> Delta:
    """Return the attributes that the kept object has not been given here, and the members, as a delta."""
    kept = _local_record(connection, kind, kept_id)
    given = {NAMING_ATTRIBUTE[kind], authority.ENABLED} | (set() if kept is None else set(decode_attributes(kept.attributes)))
    attributes = {name: values for name, values in decode_attributes(row.attributes).items() if name not in given}
    targets = record_rows.by_id(connection, {pointer.target for pointer in members})
    joining = tuple(_reference_to(target.external_id) for target in targets.values() if target.external_id != kept_id)
    return Delta(DeltaType.UPSERT, kind, kept_id, attributes=attributes, added={MEMBERS: joining} if joining else {})


def _referring_delta(connection: Connection, owner: RecordRow, pointer: RecordReference, kept_id: str) -> Delta:
    """Return the delta of another object that refers to the lost one: a member, or a place among several in their order."""
    delta = Delta(DeltaType.UPSERT, Kind(owner.kind), owner.external_id)
    if pointer.name == MEMBERS:
        return replace(delta, added={MEMBERS: (_reference_to(kept_id),)})
    said = references.named(connection, (owner.id,), pointer.name)
    targets = record_rows.by_id(connection, {one.target for one in said})
    places = dict.fromkeys(kept_id if one.target == pointer.target else targets[one.target].external_id for one in said)
    return replace(delta, references={pointer.name: tuple(_reference_to(place) for place in places)})


def _reference_to(object_id: str) -> Reference:
    return Reference(ReferenceForm.ID, object_id)
