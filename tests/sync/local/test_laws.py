"""The laws, with a client that edits while a source reports: whatever both do, in whatever order."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.deltas import MEMBERS, Delta
from gateway.model.edits import Edit
from gateway.model.errors import GatewayError
from gateway.model.ldap import dn
from gateway.model.objects import DirectoryObject, Group, Kind, Member, Organization, User
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, organizations, users
from gateway.sync.local.source import LocalDoor
from gateway.sync.objects.posix_allocation import PosixNumbers, Range
from gateway.sync.rules.object_attributes import name_of
from tests.sync.objects.test_posix_allocation import Numbered
from tests.sync.synced_store import BASE, Store, fresh_store, gone, group, person, renamed, unit

_KINDS: dict[type[DirectoryObject], Kind] = {User: Kind.USER, Group: Kind.GROUP, Organization: Kind.ORGANIZATION}
_NAMES = st.sampled_from(["a", "b", "c"])
_TITLES = st.sampled_from([(), ("x",), ("y",)])


def _reports(draw: st.DrawFn, standing: dict[str, Delta]) -> Delta:
    """Something that the source says; `standing` is what it has said of everything that it has."""
    name = draw(_NAMES)
    what = draw(st.sampled_from(["person", "moved", "renamed", "unit", "group", "gone"]))
    if what == "gone" and standing:
        key = draw(st.sampled_from(sorted(standing)))
        return gone(standing.pop(key).kind, key)
    if what == "unit":
        delta = unit(f"u{name}")
    elif what == "group":
        people = [standing.get(f"u:{member}") or person(member) for member in sorted(draw(st.sets(_NAMES)))]
        delta = group(f"g{name}", *(one.dn.removesuffix(f",{BASE}") for one in people))
    else:
        title = draw(_TITLES | st.none())
        attributes: dict[str, Any] = {} if title is None else {"title": title}
        delta = person(name, f"ou=u{name}" if what == "moved" else "", **attributes)
        if what == "renamed":
            delta = renamed(delta, f"{name}2")
        _follow(standing, delta)
    standing[delta.external_id] = delta
    return delta


def _follow(standing: dict[str, Delta], moved: Delta) -> None:
    """The source's groups name a person by the new DN, without a word of it: as OpenLDAP's refint does."""
    old = standing.get(moved.external_id)
    if old is None or old.dn == moved.dn:
        return
    former, new = Reference(ReferenceForm.DN, dn.key(old.dn)), Reference(ReferenceForm.DN, dn.key(moved.dn))
    for key, delta in standing.items():
        members = tuple(new if member == former else member for member in delta.references.get(MEMBERS, ()))
        if members:
            standing[key] = replace(delta, references={MEMBERS: members})


def _everything(connection: Connection) -> list[DirectoryObject]:
    found: list[DirectoryObject] = []
    for iterate in (organizations.iterate, users.iterate, groups.iterate):
        found += iterate(connection, "", 1000)
    return sorted(found, key=lambda thing: (_KINDS[type(thing)], name_of(thing), thing.origin.external_id))


def _writes(draw: st.DrawFn, store: Store, door: LocalDoor) -> Callable[[Connection], Any]:
    """One edit of the client."""
    things = store.database.read_blocking(_everything)
    thing, other = (things[draw(st.integers(0, 30)) % len(things)] for _ in range(2))
    kind = _KINDS[type(thing)]
    what = draw(st.sampled_from(["create", "edit", "join", "leave", "move", "delete", "rename"]))
    if what == "create":
        new = draw(st.sampled_from(list(Kind)))
        name = _named(new, draw(_NAMES))
        places = (other.id,) if isinstance(other, Organization) and new is not Kind.GROUP else None
        return lambda c: door.create(c, new, Edit(name, places))
    if what == "delete":
        return lambda c: door.delete(c, kind, thing.id)
    edits = {
        "edit": Edit({"title" if kind is Kind.USER else "description": draw(_TITLES)}),
        "rename": Edit(_named(kind, draw(_NAMES))),
        "move": Edit(organizations=(other.id,) if isinstance(other, Organization) and kind is not Kind.GROUP else None),
        "join": Edit(added_members=_members(thing, other)),
        "leave": Edit(removed_members=_members(thing, other)),
    }
    return lambda c: door.change(c, kind, thing.id, edits[what])


def _named(kind: Kind, name: str) -> dict[str, tuple[str, ...]]:
    """Names of different kinds differ."""
    prefix = {Kind.USER: "", Kind.GROUP: "g", Kind.ORGANIZATION: "u"}[kind]
    return {"username" if kind is Kind.USER else "name": (f"{prefix}{name}3",)}


def _members(thing: DirectoryObject, other: DirectoryObject) -> tuple[Member, ...]:
    if isinstance(thing, Group) and not isinstance(other, Organization):
        return (Member(_KINDS[type(other)], other.id),)
    return ()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_a_source_reports_and_a_client_writes_the_log_gives_the_directory(data: st.DataObject) -> None:
    numbers = PosixNumbers(Range(1, 90), Range(1, 90))
    with fresh_store() as plain:
        store = Numbered(plain.database, settings=plain.settings, numbers=numbers)
        door = LocalDoor(lambda: store.time, numbers)
        standing: dict[str, Delta] = {}
        for _ in range(data.draw(st.integers(1, 12))):
            if data.draw(st.booleans()):
                store.apply(_reports(data.draw, standing), caught_up=data.draw(st.booleans()))  # type: ignore[arg-type]
            else:
                _attempt(store, _writes(data.draw, store, door))  # type: ignore[arg-type]
            assert store.replayed() == store.directory()
        store.apply(caught_up=True)
        settled, number = store.directory(), store.last()
        store.compare(*standing.values(), caught_up=True)
        assert store.directory() == settled, "a reconciliation finds nothing that the single reports did not tell"
        assert store.last() == number


def _attempt(store: Store, work: Callable[[Connection], Any]) -> None:
    """It is done, and once more is no change; or it is refused and leaves nothing behind."""
    before = store.last()
    try:
        store.database.write_blocking(work)
    except GatewayError:
        assert store.last() == before
        return
    number = store.last()
    with contextlib.suppress(GatewayError):
        store.database.write_blocking(work)
    assert store.last() == number
