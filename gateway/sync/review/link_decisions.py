"""Decisions of an administrator about records and objects: each is kept, and carried out through the same door as every other
write, in one transaction. Every method is a piece of work for `Database.write`; what it raises leaves nothing behind.

No user gets another id: a record that moves takes along what it says, and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.model.connector import LOCAL
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.records import DECIDED_BY_ADDITION, DECIDED_BY_CREATION, DECIDED_BY_PERSON
from gateway.store.correlation import link_decisions
from gateway.store.correlation.link_decisions import LinkDecision, Verdict
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects import organizations
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.operations import source_state
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.inbound import Inbound
from gateway.sync.review import merge
from gateway.sync.rules.object_ids import new_id


@dataclass(frozen=True, slots=True)
class RecordName:
    """A record, by what it is called at its source."""

    source_id: str
    kind: Kind
    external_id: str

    def __str__(self) -> str:
        return f"{self.kind} record {self.external_id} of source {self.source_id}"


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of a decision. `object_id`: the object of the record, or of the merge; None: the record has none.
    `change_number`: a reader of the log at this position sees the outcome. `problems`: sentences for the administrator."""

    object_id: str | None
    change_number: int
    problems: tuple[str, ...] = ()


class Decisions:
    """`doors`: of the sources that are configured; records of others are decided about too. `own`: the local door. `by` is the
    administrator's name, as it is kept and shown."""

    def __init__(self, doors: Mapping[str, Inbound], own: Inbound, now: Callable[[], datetime]) -> None:
        self._doors = doors
        self._own = own
        self._now = now

    def link(self, connection: Connection, name: RecordName, object_id: str, by: str) -> Decided:
        """Link the record to this object. Where it leaves an object to which nothing else belongs, the two were one: that
        one is merged into the new one. Raises NotFound, InvalidInput."""
        row = self._record(connection, name)
        self._check_exists(connection, name.kind, object_id)
        self._decide(connection, name, object_id, Verdict.LINK, by)
        if row.object_id == object_id:
            record_rows.replace(connection, [row._replace(decided_by=_person(by))])
            return Decided(object_id, changes.last(connection))
        if row.object_id is not None and not self._has_others(connection, row):
            return self.merge(connection, name.kind, object_id, row.object_id, by)
        return self._relinked(connection, row, lambda found: found == object_id)

    def unlink(self, connection: Connection, name: RecordName, by: str) -> Decided:
        """Unlink the record from the object that it has; rules do not bring it back, nor to any other: it waits for an
        administrator. A user that has no other record is disabled, and deleted when the grace period is over, unless it is
        linked again; an organization or a group is deleted. Raises NotFound, and Conflict when the record has no object."""
        row = self._record(connection, name)
        if row.object_id is None:
            raise Conflict(f"the {name} is linked to nothing")
        left_alone = not self._has_others(connection, row)
        link_decisions.forget(connection, name.source_id, name.kind, name.external_id, Verdict.LINK, Verdict.OWN)
        self._decide(connection, name, row.object_id, Verdict.NEVER, by)
        decided = self._relinked(connection, row, lambda object_id: object_id is None, leaves=left_alone)
        if left_alone and name.kind is not Kind.USER:
            self._own.erase(connection, {row.object_id: name.kind})
        return replace(decided, change_number=changes.last(connection))

    def split(self, connection: Connection, name: RecordName, by: str) -> Decided:
        """Give the record an object of its own. Raises NotFound, and Conflict when it cannot be one as it is."""
        row = self._record(connection, name)
        if row.object_id is not None and not self._has_others(connection, row):
            self._decide(connection, name, row.object_id, Verdict.OWN, by)
            record_rows.replace(connection, [row._replace(decided_by=_person(by))])
            return Decided(row.object_id, changes.last(connection))
        if row.object_id is not None:
            self._decide(connection, name, row.object_id, Verdict.NEVER, by)
        # An object of this id does not exist: it is made, and the decision says then which it is.
        self._decide(connection, name, new_id(milliseconds(self._now())), Verdict.OWN, by)
        return self._relinked(connection, row, lambda object_id: object_id is not None)

    def withdraw(self, connection: Connection, name: RecordName) -> Decided:
        """Take back all that was decided about the record: the rules find its object anew. An object to which nothing else
        belongs stays the record's. Raises NotFound, and Conflict when nothing was decided."""
        row = self._record(connection, name)
        decisions = link_decisions.of_records(connection, name.source_id, name.kind, (name.external_id,))
        if not decisions:
            raise Conflict(f"nothing was decided about the {name}")
        if row.object_id is not None and self._has_others(connection, row):
            self.unlink(connection, name, "")  # else it would be found by the values that it has brought there itself
            row = self._record(connection, name)
        link_decisions.forget(connection, name.source_id, name.kind, name.external_id, *Verdict)
        if row.object_id is not None:
            record_rows.replace(connection, [row._replace(decided_by=DECIDED_BY_CREATION)])
            return Decided(row.object_id, changes.last(connection))
        return self._relinked(connection, row, lambda _: True)

    def merge(self, connection: Connection, kind: Kind, kept_id: str, lost_id: str, by: str) -> Decided:
        """Merge two objects: `kept_id` stays, and all that belonged to `lost_id` belongs to it. Raises NotFound,
        InvalidInput."""
        changes.lock(connection)
        for object_id in (kept_id, lost_id):
            self._check_exists(connection, kind, object_id)
        if kept_id == lost_id:
            raise InvalidInput(f"this is one {kind}: name two")
        if kind is Kind.ORGANIZATION and kept_id in organizations.subtree(connection, (lost_id,)):
            raise InvalidInput("an organization cannot be merged into one that lies below it")
        merge.prepare(connection, kind, kept_id, lost_id)
        problems: list[str] = []
        rows = moving(connection, lost_id)
        for source_id in dict.fromkeys(row.source_id for row in rows):
            of_source = [row for row in rows if row.source_id == source_id]
            for row in of_source:
                self._decide(connection, _name_of(row), kept_id, Verdict.LINK, by)
            problems += self._door(connection, source_id).relink(connection, of_source, former_goes=True).problems
        problems += merge.finish(connection, self._own, kind, kept_id, lost_id)
        return Decided(kept_id, changes.last(connection), tuple(problems))

    def _record(self, connection: Connection, name: RecordName) -> RecordRow:
        """Return the record, under the lock of the change log until this transaction ends."""
        changes.lock(connection)
        if name.source_id == LOCAL:
            raise InvalidInput("what is written here belongs to the object that it was written for")
        found = record_rows.heads(connection, name.source_id, name.kind, (name.external_id,))
        rows = record_rows.by_id(connection, [head.id for head in found.values()])
        if not rows:
            raise NotFound(f"there is no {name}")
        row = next(iter(rows.values()))
        if row.gone_at is not None:
            raise Conflict(f"the {name} is gone from its source: there is nothing to decide until it is back")
        return row

    def _check_exists(self, connection: Connection, kind: Kind, object_id: str) -> None:
        if object_id == ROOT_ORGANIZATION_ID:
            raise InvalidInput("the root organization stays as it is")
        if OBJECT_STORES[kind].get(connection, object_id) is None:
            raise NotFound(f"there is no {kind} {object_id}")

    def _decide(self, connection: Connection, name: RecordName, object_id: str, verdict: Verdict, by: str) -> None:
        source_id, kind, external_id = name.source_id, name.kind, name.external_id
        decision = LinkDecision(source_id, kind, external_id, object_id, verdict, _person(by), self._now())
        link_decisions.record(connection, decision)

    def _has_others(self, connection: Connection, row: RecordRow) -> bool:
        """Return whether another present record contributes to the record's object."""
        others = [other for other in record_rows.linked_to(connection, (row.object_id or "",)) if other.id != row.id]
        return any(other.decided_by != DECIDED_BY_ADDITION and other.gone_at is None for other in others)

    def _relinked(
        self, connection: Connection, row: RecordRow, is_right: Callable[[str | None], bool], *, leaves: bool = False
    ) -> Decided:
        """Let correlation link the record anew. Raises Conflict when the link is not the right one. `leaves`: its user has no
        other record."""
        leaving = (row.object_id,) if leaves and row.object_id is not None else ()
        applied = self._door(connection, row.source_id).relink(connection, [row], leaving=leaving)
        now = record_rows.by_id(connection, (row.id,))[row.id]
        if not is_right(now.object_id):
            raise Conflict(now.reason or f"the {_name_of(row)} cannot be where it is to be: correct it at its source")
        return Decided(now.object_id, changes.last(connection), applied.problems)

    def _door(self, connection: Connection, source_id: str) -> Inbound:
        return self._doors.get(source_id) or self._door_of_unknown(connection, source_id)

    def _door_of_unknown(self, connection: Connection, source_id: str) -> Inbound:
        """Return the door of a source that is not configured (any more), and has left records."""
        state = source_state.get(connection, source_id)
        return Inbound(
            source_id, state.source_type if state else "", now=self._now, posix=self._own.posix, authority=self._own.authority
        )


def moving(connection: Connection, lost_id: str) -> list[RecordRow]:
    """Return the records that a merge takes from the object that is lost to the one that is kept."""
    return [row for row in record_rows.linked_to(connection, (lost_id,)) if row.source_id != LOCAL and row.gone_at is None]


def _person(by: str) -> str:
    return f"{DECIDED_BY_PERSON}{by}"


def _name_of(row: RecordRow) -> RecordName:
    return RecordName(row.source_id, Kind(row.kind), row.external_id)
