"""The source `local`: edits of objects that are made through the gateway. They go through the same door as all other writes.

An object that was made here has a record of `local`. To one that other sources have, a record of `local` adds attributes that
none of them reports; an edit of those that they do report is refused, with the source's name, unless a rule says that they
yield. Every method is a piece of work for `Database.write`, and raises errors before anything is written or with everything
given up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from gateway.model.connector import LOCAL, LOCAL_TYPE
from gateway.model.deltas import Batch, Delta, DeltaType
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Kind, Origin
from gateway.model.runs import Outcome, Result
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects import disablements
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.operations import instance
from gateway.store.records import former_accounts
from gateway.sync.inbound import NO_IDS, Applied, Inbound
from gateway.sync.local import edit_checks, edit_deltas
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.sync.rules.authority import ENABLED, NO_RULES, Authority
from gateway.sync.rules.object_ids import new_id


class LogMoved(Conflict):
    """The change log goes on behind the position at which a write was to happen: it ends at `change_number` now."""

    def __init__(self, change_number: int) -> None:
        super().__init__(f"the directory has changed meanwhile (change {change_number})")
        self.change_number = change_number


class ObjectEdit(NamedTuple):
    """An edit that depends on the object as it is: `edit` is given the object, under the lock of the change log."""

    kind: Kind
    object_id: str
    edit: Callable[[Connection, DirectoryObject], Edit]


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write. `change_number`: a reader of the log at this position sees the write (read-your-writes).
    `problems`: sentences for the administrator though the write is done. `found`: nothing was written, because an earlier
    write has done it."""

    kind: Kind
    object_id: str
    change_number: int
    problems: tuple[str, ...] = ()
    found: bool = False


LocalWrite: TypeAlias = ObjectEdit | Callable[[Connection], Written]
"""A write: an edit of one object, or any other piece of work for `Database.write` that goes through the door."""


class LocalDoor:
    """The door for edits. `now` gives aware UTC times."""

    def __init__(self, now: Callable[[], datetime], posix: PosixNumbers | None = None, authority: Authority = NO_RULES) -> None:
        self._now = now
        self._inbound = Inbound(LOCAL, LOCAL_TYPE, now=now, posix=posix, authority=authority)

    @property
    def gives_numbers(self) -> bool:
        """True when users that are made here get POSIX numbers."""
        return self._inbound.posix is not None and self._inbound.posix.allocate

    @property
    def authority(self) -> Authority:
        """The rules by which sources decide attributes."""
        return self._inbound.authority

    def carry_out(self, connection: Connection, write: "LocalWrite") -> Written:
        """Carry out a write. Raises whatever it does."""
        return self.change_present(connection, write) if isinstance(write, ObjectEdit) else write(connection)

    def write_at(self, connection: Connection, position: int, write: "LocalWrite") -> Written:
        """Run a write of this door only if the change log still ends at `position` (optimistic concurrency): nothing is
        written between the check and the end of the transaction. Raises LogMoved, and whatever `write` raises."""
        last = changes.lock(connection)
        if last != position:
            raise LogMoved(last)
        return self.carry_out(connection, write)

    def lock(self, connection: Connection) -> int:
        """Lock the change log until this transaction ends: what is read after it is what is written to. Return its last
        number."""
        return changes.lock(connection)

    def check_made_here(self, connection: Connection, kind: Kind, object_id: str, what: str) -> None:
        """Raise MasteredElsewhere for an object that another source has; `what` is the attribute that was to be written."""
        edit_checks.check_made_here(connection, kind, object_id, what)

    def get(self, connection: Connection, kind: Kind, object_id: str) -> DirectoryObject:
        """Return the object, under the lock of the change log until this transaction ends. Raises NotFound, and InvalidInput
        for the root organization, which never changes."""
        changes.lock(connection)
        return self.checked(kind, OBJECT_STORES[kind].get(connection, object_id))

    @staticmethod
    def checked(kind: Kind, found: DirectoryObject | None) -> DirectoryObject:
        """Return the object that was found. Raises as `get` does."""
        if found is None:
            raise NotFound(f"this {kind} does not exist any more")
        if found.id == ROOT_ORGANIZATION_ID:
            raise InvalidInput("the root organization stays as it is")
        return found

    def create(self, connection: Connection, kind: Kind, edit: Edit, external_id: str = "") -> Written:
        """Make an object. `external_id`: the caller's own id of it, which no other object of the kind that was made here has.
        Raises InvalidInput for a name that cannot be one, NameTaken, NotFound for organizations or members that are not
        there, Conflict for an external id that is taken."""
        changes.lock(connection)
        if self.made_here(connection, kind, external_id):
            raise Conflict(f"another {kind} was made here under this external id")
        edit_checks.check_new(connection, kind, edit)
        object_id = new_id(milliseconds(self._now()))
        given_ids = {object_id: external_id} if external_id else NO_IDS
        return self._apply(connection, edit_deltas.of_edit(kind, object_id, edit), edit, given_ids)

    def made_here(self, connection: Connection, kind: Kind, external_id: str) -> str | None:
        """Return the id of the object that was made here under the caller's external id, under the lock of the change log;
        None for none, and for no external id."""
        changes.lock(connection)
        origin = Origin(LOCAL_TYPE, instance.instance_id(connection), external_id)
        return OBJECT_STORES[kind].id_by_origin(connection, origin) if external_id else None

    def change(self, connection: Connection, kind: Kind, object_id: str, edit: Edit) -> Written:
        """Change an object. Raises NotFound, MasteredElsewhere, NameTaken, InvalidInput."""
        return self._change(connection, kind, self.get(connection, kind, object_id), edit)

    def change_present(self, connection: Connection, wanted: ObjectEdit) -> Written:
        """Change an object from the state that it has now. Raises as `change` does, and as the edit does."""
        thing = self.get(connection, wanted.kind, wanted.object_id)
        return self._change(connection, wanted.kind, thing, wanted.edit(connection, thing))

    def disable(self, connection: Connection, user_id: str, by: str, reason: str = "") -> Written:
        """Keep a user disabled, whatever sources and edits say, until `enable`. `by`: the administrator; `reason`: in their
        words. Raises NotFound."""
        self.get(connection, Kind.USER, user_id)
        disablements.add(connection, [disablements.by_person(user_id, by, reason, self._now())])
        return self._resolved_anew(connection, user_id)

    def enable(self, connection: Connection, user_id: str) -> Written:
        """End all that keeps a user disabled, or without a password that counts, beside what present sources say; a user whom
        one of them disables stays so. Raises NotFound."""
        self.get(connection, Kind.USER, user_id)
        former_accounts.forget(connection, user_id)
        self._end_disablements(connection, user_id, by_person=True)
        resolved = self._resolved_anew(connection, user_id)
        try:  # what was written here may say it too
            return self.change(connection, Kind.USER, user_id, Edit({ENABLED: ("true",)}))
        except edit_checks.MasteredElsewhere:
            return resolved

    def _end_disablements(self, connection: Connection, user_id: str, *, by_person: bool) -> None:
        """End the disablements by sources that the user has left, and with `by_person` those by people."""
        standing = disablements.of_users(connection, (user_id,))
        disablements.remove(connection, [one for one in standing if by_person or not one.is_by_person])

    def _resolved_anew(self, connection: Connection, user_id: str) -> Written:
        applied = self._inbound.resolve_anew(connection, {user_id: Kind.USER})
        return Written(Kind.USER, user_id, changes.last(connection), applied.problems)

    def delete(self, connection: Connection, kind: Kind, object_id: str) -> Written:
        """Delete an object that was made here. Raises NotFound, MasteredElsewhere, NotEmpty, Conflict for a user whom an
        administrator has disabled."""
        self.get(connection, kind, object_id)
        edit_checks.check_made_here(connection, kind, object_id)
        edit_checks.check_not_disabled(connection, kind, object_id)
        if kind is Kind.ORGANIZATION:
            edit_checks.check_empty(connection, object_id)
        return self._apply(connection, Delta(DeltaType.DELETE, kind, object_id), Edit())

    def apply(self, connection: Connection, deltas: Sequence[Delta], given_ids: Mapping[str, str] = NO_IDS) -> tuple[str, ...]:
        """Apply edits that have been checked; return sentences for the administrator. `given_ids`: the external ids that
        callers gave to what is made, by object id. Raises InvalidInput when one is left out, with everything given up."""
        # One person's deletion of one object is no wiped upstream: the guard has nothing to say here.
        applied = self._inbound.apply(connection, Batch(tuple(deltas)), allow_deletions=True, given_ids=given_ids)
        if _was_left_out(applied):
            raise InvalidInput("; ".join(applied.problems))
        return applied.problems

    def _change(self, connection: Connection, kind: Kind, thing: DirectoryObject, edit: Edit) -> Written:
        edit = edit_checks.difference(thing, edit)
        if edit == Edit():
            return Written(kind, thing.id, changes.last(connection))
        edit_checks.check_change(connection, kind, thing, edit, self.authority)
        if edit_checks.enables(kind, edit):
            self._end_disablements(connection, thing.id, by_person=False)
            self._resolved_anew(connection, thing.id)  # the edit may be the same as an earlier one, which changes nothing
        return self._apply(connection, edit_deltas.of_edit(kind, thing.id, edit), edit)

    def _apply(self, connection: Connection, delta: Delta, edit: Edit, given_ids: Mapping[str, str] = NO_IDS) -> Written:
        problems = self.apply(connection, (*edit_deltas.of_mentioned(connection, edit), delta), given_ids)
        return Written(delta.kind, delta.external_id, changes.last(connection), problems)


def _was_left_out(applied: Applied) -> bool:
    return any(applied.statistics.total(outcome, Result.SKIPPED) for outcome in Outcome)
