"""The snapshot and the feed that goes on from it lose nothing, whatever changes meanwhile."""

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from gateway.directory.application_scope import snapshot
from gateway.directory.application_scope.snapshot import GroupMembers, Snapshot
from gateway.model.applications import Scope
from gateway.model.objects import Kind, Member
from tests.directory.application_scope.reader import Reader, present
from tests.directory.application_scope.stored_directory import StoredDirectory, person


@pytest_twisted.ensureDeferred
async def test_changes_made_while_a_snapshot_is_read_are_reported_afterwards(
    directory: StoredDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "OBJECTS_AT_ONCE", 1)
    sales, it = directory.add_unit("Sales"), directory.add_unit("IT")
    team = directory.add_unit("Team", sales)
    ann, bob, eve = directory.add_user("ann", sales, it), directory.add_user("bob", team), directory.add_user("eve", it)
    directory.add_group("staff", person(ann), person(bob), person(eve))
    everyone = directory.add_group("everyone", person(ann))
    application, _ = directory.application("sales", Scope((sales,), None))
    steps = {
        1: lambda: directory.move_unit(it, sales),
        2: lambda: directory.delete_user(bob),
        3: lambda: directory.move_user(ann, team),
        4: lambda: directory.change_members(everyone, [person(eve)]),
    }
    taken = await Snapshot.begin(directory.database, application, lambda _: None)
    reader = Reader(directory.database, application, taken.position)
    number = 0
    async for chunk in taken.chunks(list):
        number += 1
        for item in chunk:
            reader.copy.put_snapshot(item)
        if number in steps:
            await deferToThread(steps[number])
    assert number >= len(steps)
    reader.read_all()
    assert reader.copy.comparable() == present(directory.database, application).comparable()


@pytest_twisted.ensureDeferred
async def test_a_large_group_comes_in_several_items(directory: StoredDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MEMBERS_AT_ONCE", 3)
    monkeypatch.setattr(snapshot, "GROUPS_AT_ONCE", 2)
    people = [directory.add_user(f"u{number}") for number in range(7)]
    nested = directory.add_group("nested")
    groups = [directory.add_group(f"g{n}", Member(Kind.GROUP, nested), *map(person, people)) for n in range(3)]
    application, _ = directory.application("all")
    found: dict[str, list[str]] = {}
    async for chunk in (await Snapshot.begin(directory.database, application, lambda _: None)).chunks(list):
        for item in chunk:
            if isinstance(item, GroupMembers):
                assert len(item.members) <= 3
                found.setdefault(item.group_id, []).extend(member.id for member in item.members)
    assert {group: sorted(members) for group, members in found.items()} == {
        nested: [],
        **{group: sorted([*people, nested]) for group in groups},
    }
