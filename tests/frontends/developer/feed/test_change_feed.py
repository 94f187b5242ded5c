"""What /changes tells of single events, to one application that sees everything and to one that sees a department."""

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.model.applications import Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, Member
from gateway.store.clients import applications
from gateway.store.engine.database import Database
from gateway.store.log import changes
from tests.frontends.developer.directory import Directory, person
from tests.frontends.developer.reader import Reader, present, seen


@dataclass
class Setting:
    """A department in scope with a unit and a user in it, and one beside it."""

    directory: Directory
    inside: str
    unit: str
    user: str
    outside: str
    reader: Reader

    def news(self) -> list[dict[str, Any]]:
        """What the reader is told now."""
        before = len(self.reader.told)
        self.reader.read_all()
        return self.reader.told[before:]

    def short_news(self) -> list[tuple[str, str, str]]:
        """Type, kind and id of what the reader is told now."""
        return [(item["type"], item["kind"], item["id"]) for item in self.news()]


@pytest.fixture
def setting(directory: Directory) -> Setting:
    inside = directory.add_unit("inside")
    unit = directory.add_unit("unit", inside)
    user, outside = directory.add_user("ann", unit), directory.add_unit("outside")
    application = directory.application("reader", Scope((inside,), ()))[0]
    made = Setting(directory, inside, unit, user, outside, Reader(directory.database, application))
    made.news()
    return made


def test_the_beginning_of_the_log_tells_the_scope_as_created(setting: Setting) -> None:
    told = [(item["type"], item["kind"], item["id"]) for item in setting.reader.told]
    assert told == [
        ("create", "organization", setting.inside),
        ("create", "organization", setting.unit),
        ("create", "user", setting.user),
    ]
    assert [item["changeNumber"] for item in setting.reader.told] == [2, 3, 4]
    record = setting.reader.told[2]["object"]
    assert (record["username"], record["primaryOrganizationalUnitId"]) == ("ann", setting.unit)
    assert "parentId" not in setting.reader.told[0]["object"]


def test_nothing_is_told_of_what_is_and_stays_outside(setting: Setting) -> None:
    eve = setting.directory.add_user("eve", setting.outside)
    below = setting.directory.add_unit("below", setting.outside)
    setting.directory.move_user(eve, below)
    setting.directory.move_unit(below, ROOT_ORGANIZATION_ID)
    setting.directory.add_group("hidden", person(setting.user))
    setting.directory.delete_user(eve)
    setting.directory.delete_unit(below)
    assert setting.short_news() == []


def test_a_user_that_leaves_the_scope_is_deleted_and_one_that_enters_is_created(setting: Setting) -> None:
    setting.directory.move_user(setting.user, setting.outside)
    assert setting.short_news() == [("delete", "user", setting.user)]
    setting.directory.move_user(setting.user, setting.inside)
    assert setting.short_news() == [("create", "user", setting.user)]


def test_a_user_that_keeps_one_foot_inside_is_updated(setting: Setting) -> None:
    setting.directory.move_user(setting.user, setting.outside, setting.unit)
    (item,) = setting.news()
    assert item["type"] == "update"
    assert [unit["organizationalUnitId"] for unit in item["object"]["organizationalUnits"]] == [setting.unit]


def test_a_unit_that_leaves_takes_with_it_what_is_below_and_brings_it_back(setting: Setting) -> None:
    deep = setting.directory.add_unit("deep", setting.unit)
    bob = setting.directory.add_user("bob", deep)
    setting.news()
    setting.directory.move_unit(setting.unit, setting.outside)
    gone = [("organization", setting.unit), ("organization", deep), ("user", setting.user), ("user", bob)]
    assert setting.short_news() == [("delete", *which) for which in gone]
    setting.directory.move_unit(setting.unit, setting.inside)
    back = setting.news()
    assert [(item["kind"], item["id"]) for item in back] == gone
    assert [item["type"] for item in back] == ["create", "update", "update", "update"]
    assert [item["object"]["username"] for item in back[2:]] == ["ann", "bob"]
    assert len({item["changeNumber"] for item in back}) == 1


def test_a_unit_that_moves_within_the_scope_is_one_update(setting: Setting) -> None:
    other = setting.directory.add_unit("other", setting.inside)
    setting.news()
    setting.directory.move_unit(setting.unit, other)
    assert setting.short_news() == [("update", "organization", setting.unit)]


def test_what_moves_on_while_a_unit_that_enters_is_being_told_is_not_forgotten(setting: Setting) -> None:
    directory = setting.directory
    first, last = directory.add_unit("first", setting.outside), directory.add_unit("last", setting.outside)
    eve = directory.add_user("eve", last)
    setting.news()
    directory.move_unit(setting.outside, setting.inside)
    setting.reader.read(2)
    assert [item["id"] for item in setting.reader.told[-2:]] == [setting.outside, first]
    directory.move_unit(last, setting.inside)
    setting.reader.read_all()
    assert {last, eve} <= setting.reader.objects.keys()


def test_who_moves_on_while_a_unit_that_leaves_is_being_told_is_deleted(setting: Setting) -> None:
    directory = setting.directory
    bob = directory.add_user("bob", setting.inside)
    setting.news()
    directory.move_unit(setting.unit, setting.outside)
    setting.reader.read(1)
    directory.rename_user(bob, "rob")  # so that a page ends between the unit's move and the user's
    directory.move_user(setting.user, setting.outside)
    while setting.reader.read(1):
        pass
    assert setting.user not in setting.reader.objects


def test_who_left_a_unit_after_it_left_the_scope_is_deleted(setting: Setting) -> None:
    setting.directory.move_unit(setting.unit, setting.outside)
    setting.directory.move_user(setting.user, setting.outside)
    setting.directory.delete_user(setting.user)
    setting.news()
    assert setting.user not in setting.reader.objects


def test_a_group_tells_its_members_as_far_as_they_are_in_scope(directory: Directory) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    ann, eve = directory.add_user("ann", inside), directory.add_user("eve", outside)
    nested, hidden = directory.add_group("nested"), directory.add_group("hidden")
    members = [person(ann), person(eve), Member(Kind.GROUP, nested), Member(Kind.GROUP, hidden)]
    group = directory.add_group("team", *members)
    reader = Reader(directory.database, directory.application("a", Scope((inside,), (group, nested)))[0])
    reader.read_all()
    assert reader.objects[group]["members"] == {ann, nested}
    directory.change_members(group, [], members)
    reader.read_all()
    assert [member["id"] for member in reader.told[-1]["removedMembers"]] == [ann, nested]
    directory.delete_group(group)
    reader.read_all()
    assert (reader.told[-1]["type"], "object" in reader.told[-1]) == ("delete", False)


def test_a_group_with_many_members_comes_in_several_items(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.frontends.developer.feed.change_feed.MEMBERS_AT_ONCE", 3)
    people = [directory.add_user(f"u{number}") for number in range(8)]
    group = directory.add_group("all", *map(person, people))
    reader = Reader(directory.database, directory.application("a")[0])
    while reader.read(1):
        pass
    told = [item for item in reader.told if item["kind"] == "group"]
    assert [(item["type"], len(item["addedMembers"])) for item in told] == [("create", 3), ("update", 3), ("update", 2)]
    assert reader.objects[group]["members"] == set(people)


def test_a_long_silence_in_scope_is_passed_over_in_bounded_steps(
    directory: Directory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.frontends.developer.feed.change_feed.MAX_SCANNED", 5)
    monkeypatch.setattr("gateway.frontends.developer.feed.change_feed.AT_ONCE", 5)
    inside = directory.add_unit("inside")
    for number in range(12):
        directory.add_user(f"u{number}")
    reader = Reader(database, directory.application("a", Scope((inside,), ()))[0])
    steps = 1
    while reader.read(10):
        steps += 1
    assert steps == 3
    assert [item["id"] for item in reader.told] == [inside]


def test_replaying_the_log_from_the_beginning_is_the_present_state(setting: Setting) -> None:
    setting.directory.rename_user(setting.user, "anna")
    setting.directory.move_unit(setting.unit, setting.outside)
    setting.directory.move_unit(setting.unit, setting.inside)
    again = Reader(setting.directory.database, setting.reader.caller.application)
    again.read_all(2)
    assert seen(again.objects) == seen(present(setting.directory.database, again.caller))


def test_a_reader_whose_scope_was_changed_is_sent_back_to_the_export(setting: Setting) -> None:
    application = setting.reader.caller.application
    wider = setting.directory.database.write_blocking(
        lambda c: applications.set_rights(c, application.id, Scope((setting.inside, setting.outside), ()), (), None)
    )
    moved = Reader(setting.directory.database, wider, setting.reader.token)
    with pytest.raises(Exception, match="start again with /export"):
        moved.read_all()
    assert setting.directory.database.read_blocking(changes.last) > 1
