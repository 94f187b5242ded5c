"""The source `local`: edits of objects that are made through the gateway. They go through the same door as all other writes.

An object that was made here has a record of `local`. To one that other sources have, a record of `local` adds attributes that
none of them reports; an edit of those that they do report is refused, with the source's name, unless a rule says that they
yield. Every method is a piece of work for `Database.write`, and raises errors before anything is written or with everything
given up."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL, LOCAL_TYPE
from gateway.model.deltas import Batch, Delta, DeltaType
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, GatewayError, InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, DirectoryObject, Kind, Organization, User, first_text
from gateway.model.runs import Outcome, Result
from gateway.store.engine.column_codecs import decode_attributes, milliseconds
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import name_key
from gateway.store.log import changes
from gateway.store.objects import groups, organizations, users
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import record_rows
from gateway.sync.inbound import Applied, Inbound
from gateway.sync.local import edit_deltas
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.authority import NO_RULES, Authority, Contribution
from gateway.sync.rules.object_ids import new_id


class MasteredElsewhere(GatewayError):
    """The attribute or object that is to be written comes from a source; the message names both. `attribute`: our name of it,
    "" for the object as a whole."""

    def __init__(self, source_id: str, kind: Kind, attribute: str = "") -> None:
        what = f"the {attribute.replace('_', ' ')} of this {kind}" if attribute else f"this {kind}"
        super().__init__(f"{what} comes from the source {source_id}; change it there and it follows by itself")
        self.source_id, self.kind, self.attribute = source_id, kind, attribute


class NameTaken(Conflict):
    """Another object has the name."""


class NotEmpty(Conflict):
    """The organization is not empty."""


class LogMoved(Conflict):
    """The change log goes on behind the position at which a write was to happen: it ends at `change_number` now."""

    def __init__(self, change_number: int) -> None:
        super().__init__(f"the directory has changed meanwhile (change {change_number})")
        self.change_number = change_number


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write. `change_number`: a reader of the log at this position sees the write (read-your-writes).
    `problems`: sentences for the administrator though the write is done."""

    kind: Kind
    object_id: str
    change_number: int
    problems: tuple[str, ...] = ()


class LocalDoor:
    """The door for edits. `now` gives aware UTC times."""

    def __init__(self, now: Callable[[], datetime], posix: PosixNumbers | None = None, authority: Authority = NO_RULES) -> None:
        self._now = now
        self._inbound = Inbound(LOCAL, LOCAL_TYPE, now=now, posix=posix, authority=authority)

    @property
    def gives_numbers(self) -> bool:
        """True when users that are made here get POSIX numbers."""
        return self._inbound.posix is not None and self._inbound.posix.allocate

    def write_at(self, connection: Connection, position: int, write: Callable[[Connection], Written]) -> Written:
        """Run a write of this door only if the change log still ends at `position` (optimistic concurrency): nothing is
        written between the check and the end of the transaction. Raises LogMoved, and whatever `write` raises."""
        last = changes.lock(connection)
        if last != position:
            raise LogMoved(last)
        return write(connection)

    def check_made_here(self, connection: Connection, kind: Kind, object_id: str, what: str) -> None:
        """Raise MasteredElsewhere for an object that another source has; `what` is the attribute that was to be written."""
        for source_id, _ in _others(connection, object_id):
            raise MasteredElsewhere(source_id, kind, what)

    def get(self, connection: Connection, kind: Kind, object_id: str) -> DirectoryObject:
        """Return the object, under the lock of the change log until this transaction ends. Raises NotFound, and InvalidInput
        for the root organization, which never changes."""
        changes.lock(connection)
        if object_id == ROOT_ORGANIZATION_ID:
            raise InvalidInput("the root organization stays as it is")
        found = OBJECT_STORES[kind].get(connection, object_id)
        if found is None:
            raise NotFound(f"this {kind} does not exist any more")
        return found

    def create(self, connection: Connection, kind: Kind, edit: Edit) -> Written:
        """Make an object. Raises InvalidInput for a name that cannot be one, NameTaken, NotFound for organizations or members
        that are not there."""
        changes.lock(connection)
        name = first_text(edit.attributes, NAMING_ATTRIBUTE[kind]).strip()
        _check_is_name(kind, name)
        _check_values(kind, edit)
        _check_name(connection, kind, name, _parent(edit, None) or ROOT_ORGANIZATION_ID)
        object_id = new_id(milliseconds(self._now()))
        return self._apply(connection, edit_deltas.of_edit(kind, object_id, edit), edit)

    def change(self, connection: Connection, kind: Kind, object_id: str, edit: Edit) -> Written:
        """Change an object. Raises NotFound, MasteredElsewhere, NameTaken, InvalidInput."""
        thing = self.get(connection, kind, object_id)
        edit = _difference(thing, edit)
        if edit == Edit():
            return Written(kind, object_id, changes.last(connection))
        _check_values(kind, edit)
        _check_mastery(connection, kind, thing, edit, self._inbound.authority)
        naming = NAMING_ATTRIBUTE[kind]
        if naming in edit.attributes or edit.organizations is not None:
            name = first_text(edit.attributes, naming).strip() if naming in edit.attributes else name_of(thing)
            _check_is_name(kind, name)
            _check_name(connection, kind, name, _parent(edit, thing), object_id)
            _check_circle(connection, thing, edit)
        return self._apply(connection, edit_deltas.of_edit(kind, object_id, edit), edit)

    def delete(self, connection: Connection, kind: Kind, object_id: str) -> Written:
        """Delete an object that was made here. Raises NotFound, MasteredElsewhere, NotEmpty."""
        self.get(connection, kind, object_id)
        self.check_made_here(connection, kind, object_id, "")
        if kind is Kind.ORGANIZATION and _has_content(connection, object_id):
            raise NotEmpty("there still is something in this organization: delete or move that first")
        return self._apply(connection, Delta(DeltaType.DELETE, kind, object_id), Edit())

    def _apply(self, connection: Connection, delta: Delta, edit: Edit) -> Written:
        deltas = (*edit_deltas.of_mentioned(connection, edit), delta)
        # One person's deletion of one object is no wiped upstream: the guard has nothing to say here.
        applied = self._inbound.apply(connection, Batch(deltas), allow_deletions=True)
        if _was_left_out(applied):
            raise InvalidInput("; ".join(applied.problems))
        return Written(delta.kind, delta.external_id, changes.last(connection), applied.problems)


def name_of(thing: DirectoryObject) -> str:
    """Return the name by which an object differs from others of its kind."""
    return thing.username if isinstance(thing, User) else thing.name


def all_attributes(thing: DirectoryObject) -> Attributes:
    """Return an object's attributes with those that are fields of it: its name, whether a user is enabled."""
    naming = {"username" if isinstance(thing, User) else "name": (name_of(thing),)}
    enabled = {authority.ENABLED: ("true" if thing.enabled else "false",)} if isinstance(thing, User) else {}
    return {**thing.attributes, **naming, **enabled}


def _contributions(connection: Connection, object_id: str) -> Iterator[Contribution]:
    """Yield the contributions to this object: each source with the attributes that it has seen."""
    for row in record_rows.linked_to(connection, (object_id,)):
        yield Contribution(row.source_id, decode_attributes(row.attributes))


def _others(connection: Connection, object_id: str) -> list[Contribution]:
    """Return the contributions of other sources than `local`."""
    return [said for said in _contributions(connection, object_id) if said.source_id != LOCAL]


def _check_mastery(connection: Connection, kind: Kind, thing: DirectoryObject, edit: Edit, rules: Authority) -> None:
    """Raise MasteredElsewhere for an edit of what other sources report, an object's name and place included."""
    said = list(_contributions(connection, thing.id))
    own = next((one.attributes for one in said if one.source_id == LOCAL), {})
    for source_id, seen in said:
        if source_id == LOCAL:
            continue
        for name, values in edit.attributes.items():
            if name == NAMING_ATTRIBUTE[kind] or (name in seen and not _may_be_edited(kind, name, source_id, rules)):
                raise MasteredElsewhere(source_id, kind, name)
            if seen.get(name) and rules.decides(kind, name, source_id) and not values and not own.get(name):
                raise MasteredElsewhere(source_id, kind, name)  # without an edit to take back, nothing would change
        if edit.organizations is not None:
            raise MasteredElsewhere(source_id, kind, "place")
        if edit.added_members or edit.removed_members:
            raise MasteredElsewhere(source_id, kind, "membership")


def _may_be_edited(kind: Kind, name: str, source_id: str, rules: Authority) -> bool:
    """Return whether an edit goes over what the source says."""
    return rules.yields(kind, name) or not rules.decides(kind, name, source_id)


def _check_is_name(kind: Kind, name: str) -> None:
    if not name:
        raise InvalidInput(f"a {kind} needs a {'login name' if kind is Kind.USER else 'name'}, and none is given")
    if correlation.unmatched_reason(kind, name, ""):
        most = correlation.MAX_NAME_CHARACTERS
        raise InvalidInput(f"this cannot be the name of a {kind}: it has at most {most} characters, and none of them is NUL")


def _check_values(kind: Kind, edit: Edit) -> None:
    for name, values in edit.attributes.items():
        definition = ATTRIBUTES[kind].get(name)
        if definition is not None and definition.single and len(values) > 1:
            raise InvalidInput(f"a {kind} has one {name.replace('_', ' ')}, and {len(values)} are given")


def _difference(thing: DirectoryObject, edit: Edit) -> Edit:
    """Return the part of the edit that makes a difference: a value that the object has already may be given by any client."""
    present = all_attributes(thing)
    attributes = {name: values for name, values in edit.attributes.items() if present.get(name, ()) != values}
    places = edit.organizations
    if isinstance(thing, User) and places == thing.organization_ids:
        places = None
    if isinstance(thing, Organization) and places == (thing.parent_id,):
        places = None
    return Edit(attributes, places, edit.added_members, edit.removed_members)


def _parent(edit: Edit, thing: DirectoryObject | None) -> str | None:
    """Return the organization above an organization, as it is going to be; None for other kinds."""
    if edit.organizations:
        return edit.organizations[0]
    return thing.parent_id if isinstance(thing, Organization) else None


def _check_name(connection: Connection, kind: Kind, name: str, parent_id: str | None, own_id: str = "") -> None:
    key = name_key(name)
    if kind is Kind.USER:
        holders: Collection[str] = users.ids_by_username_key(connection, (key,)).values()
    elif kind is Kind.GROUP:
        holders = groups.same_name(connection, name)
    else:
        holders = organizations.same_name(connection, parent_id, name) if parent_id else ()
    if set(holders) - {own_id}:
        raise NameTaken(f"there is another {kind} named {name!r} already")


def _check_circle(connection: Connection, thing: DirectoryObject, edit: Edit) -> None:
    if isinstance(thing, Organization) and edit.organizations:
        [above] = edit.organizations
        if above == thing.id or thing.id in organizations.ancestors(connection, above):
            raise InvalidInput("an organization cannot lie below itself")


def _has_content(connection: Connection, organization_id: str) -> bool:
    below = organizations.child_ids(connection, (organization_id,))
    return bool(below or users.ids_directly_in(connection, (organization_id,)))


def _was_left_out(applied: Applied) -> bool:
    return any(applied.statistics.total(outcome, Result.SKIPPED) for outcome in Outcome)
