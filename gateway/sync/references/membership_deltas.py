"""References that a report adds to what its record says, or takes from it, beside all others, which stay: a group of 100,000
that gains a member costs one row. Members only: what is said of organizations has an order, and is said as a whole."""

from gateway.model.deltas import MEMBERS
from gateway.model.records import Reference, ReferenceForm
from gateway.store.records import references
from gateway.store.records.references import Dangling, Pointer
from gateway.sync.batch_state import Work
from gateway.sync.references.references import ALLOWED, Difference, Names, comparable, store


def join(work: Work) -> None:
    """Store what the touched records say more and less. They must be stored already."""
    added, removed = _said(work, "added"), _said(work, "removed")
    if not added and not removed:
        return
    names = Names(work, (reference for _, reference in added + removed))
    difference = Difference()
    _add(work, names, added, difference)
    _remove(work, names, removed, difference)
    store(work, difference)


def _said(work: Work, which: str) -> list[tuple[int, tuple[ReferenceForm, str]]]:
    said: list[tuple[int, tuple[ReferenceForm, str]]] = []
    for record_id, touched in work.touched.items():
        if touched.delta is not None and not touched.is_frozen:
            wanted: tuple[Reference, ...] = getattr(touched.delta, which).get(MEMBERS, ())
            said += [(record_id, comparable(reference)) for reference in wanted]
    return said


def _add(work: Work, names: Names, added: list[tuple[int, tuple[ReferenceForm, str]]], difference: Difference) -> None:
    for owner, (form, value) in added:
        target = names.target(form, value, ALLOWED[MEMBERS])
        if target is None:
            difference.dangling.append(Dangling(work.source_id, form.value, value, owner, MEMBERS, 0))
        else:
            difference.added.append(Pointer(owner, MEMBERS, target.id, form.value, 0))


def _remove(work: Work, names: Names, removed: list[tuple[int, tuple[ReferenceForm, str]]], difference: Difference) -> None:
    gone = set()
    for owner, (form, value) in removed:
        target = names.target(form, value, ALLOWED[MEMBERS])
        if target is None:
            difference.settled.append(Dangling(work.source_id, form.value, value, owner, MEMBERS, 0))
        else:
            gone.add((owner, target.id))
    stored = references.leading_to(work.connection, {target for _, target in gone})
    difference.removed += [one for one in stored if one.name == MEMBERS and (one.owner, one.target) in gone]
