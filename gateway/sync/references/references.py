"""References between the records of one source: what the reports say, compared with what is stored. What leads nowhere waits
in the store until its target appears (dangling_references.py)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind, Member
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.normalized_keys import name_key
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import Target
from gateway.store.records.references import Dangling, Pointer
from gateway.sync.batch_state import Work

ORGANIZATIONS = "organizations"
"""The key in `Delta.references` for the organizations of a user, the primary one first."""
PARENT = "parent"
"""The key in `Delta.references` for the organization above an organization."""

ALLOWED: Mapping[str, frozenset[str]] = {
    MEMBERS: frozenset({Kind.USER.value, Kind.GROUP.value}),
    ORGANIZATIONS: frozenset({Kind.ORGANIZATION.value}),
    PARENT: frozenset({Kind.ORGANIZATION.value}),
}
"""What each reference may lead to; a name that leads to something else leads nowhere."""

MAX_VALUE_BYTES = 2000
"""As for DN keys: longer names cannot be index entries in PostgreSQL."""


@dataclass(slots=True)
class _Said:
    """The references in one record's report under one name."""

    owner: int
    name: str
    references: list[tuple[ReferenceForm, str]]


@dataclass(slots=True)
class Difference:
    """What the stored references have more and less than they should: `dangling` lead nowhere, `settled` did."""

    added: list[Pointer] = field(default_factory=list)
    removed: list[Pointer] = field(default_factory=list)
    dangling: list[Dangling] = field(default_factory=list)
    settled: list[Dangling] = field(default_factory=list)


def point(work: Work) -> None:
    """Bring the stored references to what the touched records say. The records must be stored already."""
    said = _said(work)
    if said:
        _follow_renames(work, said)
        store(work, _compare(work, said))


def owners_that_differ(work: Work) -> set[int]:
    """Which touched records point at other records than the stored references do. Writes nothing."""
    difference = _compare(work, _said(work))
    return {pointer.owner for pointer in difference.added + difference.removed}


def _said(work: Work) -> list[_Said]:
    return [
        _Said(record_id, name, [comparable(reference) for reference in wanted])
        for record_id, touched in work.touched.items()
        if touched.delta is not None and touched.delta.references and not touched.is_frozen
        for name, wanted in touched.delta.references.items()
        if name in ALLOWED
    ]


def comparable(reference: Reference) -> tuple[ReferenceForm, str]:
    """Form and value as they are stored."""
    form, value = reference
    return form, name_key(value) if form is ReferenceForm.LOGIN else value.replace("\0", "\ufffd")


def _follow_renames(work: Work, said: list[_Said]) -> None:
    """What was said before an entry was renamed in the same batch means the entry all the same. A server that does not correct
    its groups (refint) will say the old name again, and then it leads nowhere: so that report must be looked at."""
    if not work.renames:
        return
    for one in said:
        later = [(old_key, new_key) for place, old_key, new_key in work.renames if place > work.touched[one.owner].place]
        followed = [(form, _followed(value, later) if form is ReferenceForm.DN else value) for form, value in one.references]
        if followed != one.references:
            one.references = followed
            record_rows.forget_digests(work.connection, (one.owner,))


def _followed(dn_key: str, renames: Iterable[tuple[str, str]]) -> str:
    for old_key, new_key in renames:
        if dn_key.startswith(old_key):
            dn_key = new_key + dn_key[len(old_key) :]
    return dn_key


def _compare(work: Work, said: list[_Said]) -> Difference:
    names = Names(work, (reference for one in said for reference in one.references))
    known = [one.owner for one in said if work.touched[one.owner].old is not None]
    stored_pointers, stored_dangling = references.owned(work.connection, known) if known else ([], [])
    pointers: defaultdict[tuple[int, str], dict[int, Pointer]] = defaultdict(dict)
    waiting: defaultdict[tuple[int, str], dict[tuple[str, str], Dangling]] = defaultdict(dict)
    for pointer in stored_pointers:
        pointers[pointer.owner, pointer.name][pointer.target] = pointer
    for dangling in stored_dangling:
        waiting[dangling.owner, dangling.name][dangling.form, dangling.value] = dangling
    difference = Difference()
    for one in said:
        _compare_one(work, one, names, pointers[one.owner, one.name], waiting[one.owner, one.name], difference)
    return difference


def _compare_one(
    work: Work,
    said: _Said,
    names: "Names",
    stored: dict[int, Pointer],
    waiting: dict[tuple[str, str], Dangling],
    difference: Difference,
) -> None:
    """`stored` and `waiting` are used up: what is left of them is no longer said."""
    allowed = ALLOWED[said.name]
    ordered = said.name != MEMBERS
    found: set[int] = set()
    for place, (form, value) in enumerate(said.references):
        position = place if ordered else 0
        target = names.target(form, value, allowed)
        if target is None:
            if (form.value, value) not in waiting and len(value) <= MAX_VALUE_BYTES // 4:
                difference.dangling.append(Dangling(work.source_id, form.value, value, said.owner, said.name, position))
            waiting.pop((form.value, value), None)
        elif target.id not in found:
            found.add(target.id)
            known = stored.pop(target.id, None)
            if known is None or known.position != position:
                difference.added.append(Pointer(said.owner, said.name, target.id, form.value, position))
            if known is not None and known.position != position:
                difference.removed.append(known)
    difference.removed += stored.values()
    difference.settled += waiting.values()


class Names:
    """The records behind the names in some references, looked up together."""

    def __init__(self, work: Work, wanted: Iterable[tuple[ReferenceForm, str]]) -> None:
        values: defaultdict[ReferenceForm, set[str]] = defaultdict(set)
        for form, value in wanted:
            values[form].add(value)
        self._found: dict[tuple[ReferenceForm, str, str], Target] = {}
        connection, source_id = work.connection, work.source_id
        if dns := values[ReferenceForm.DN]:
            self._note(ReferenceForm.DN, record_rows.at_dn(connection, source_id, dns))
        if ids := values[ReferenceForm.ID]:
            self._note(ReferenceForm.ID, record_rows.at_external_id(connection, source_id, tuple(Kind), ids))
        if logins := values[ReferenceForm.LOGIN]:
            self._note(ReferenceForm.LOGIN, record_rows.at_login(connection, source_id, logins))
        work.targets.update({target.id: target for target in self._found.values() if target.id not in work.targets})

    def _note(self, form: ReferenceForm, found: list[tuple[str, Target]]) -> None:
        for value, target in found:
            self._found[form, value, target.kind] = target

    def target(self, form: ReferenceForm, value: str, kinds: Collection[str]) -> Target | None:
        """The record of one of these kinds that has the name."""
        for kind in kinds:
            target = self._found.get((form, value, kind))
            if target is not None:
                return target
        return None


def store(work: Work, difference: Difference) -> None:
    """Write the difference, and note for whom it makes one."""
    references.remove(work.connection, difference.removed, difference.settled)
    references.add(work.connection, difference.added, difference.dangling)
    work.unmet += difference.dangling
    work.know(pointer.target for pointer in difference.removed)
    for pointer in difference.removed:
        note_lost(work, pointer)
    for pointer in difference.added:
        note_new(work, pointer)


def note_lost(work: Work, pointer: Pointer) -> None:
    """A reference is gone: its owner's object may have lost a member, or its place. Both records must be known."""
    owner, target = work.targets[pointer.owner], work.targets[pointer.target]
    if owner.object_id is None:
        return
    if pointer.name != MEMBERS:
        work.to_place[owner.object_id] = Kind(owner.kind)
    elif target.object_id is not None:
        work.lost_members.add((owner.object_id, Member(Kind(target.kind), target.object_id)))


def note_new(work: Work, pointer: Pointer) -> None:
    """A reference is there, or counts only now: its owner's object may have a new member, or another place."""
    if pointer.name == MEMBERS:
        work.new_members.add((pointer.owner, pointer.target))
        return
    work.know((pointer.owner,))
    owner = work.targets[pointer.owner]
    if owner.object_id is not None:
        work.to_place[owner.object_id] = Kind(owner.kind)
