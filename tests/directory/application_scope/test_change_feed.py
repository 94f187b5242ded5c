"""The items of the change feed for single events, to one application that sees everything and to one that sees a department."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from gateway.directory.application_scope.change_feed import Item
from gateway.directory.application_scope.position import start
from gateway.directory.application_scope.scoped_directory import ScopedOrganization, ScopedUser
from gateway.model.applications import Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, Member
from gateway.store.engine.database import Database
from gateway.store.log import changes
from tests.directory.application_scope.reader import Reader, present, user_of
from tests.directory.application_scope.stored_directory import StoredDirectory, person


@dataclass
class Setting:
    """A department in scope with a unit and a user in it, and one beside it."""

    directory: StoredDirectory
    inside: str
    unit: str
    user: str
    outside: str
    reader: Reader

    def news(self) -> list[Item]:
        """Return what is reported to the reader now."""
        before = len(self.reader.reported)
        self.reader.read_all()
        return self.reader.reported[before:]

    def short_news(self) -> list[tuple[str, str, str]]:
        """Return type, kind and id of what is reported to the reader now."""
        return [(item.type, item.kind, item.id) for item in self.news()]


@pytest.fixture
def setting(directory: StoredDirectory) -> Setting:
    inside = directory.add_unit("inside")
    unit = directory.add_unit("unit", inside)
    user, outside = directory.add_user("ann", unit), directory.add_unit("outside")
    application = directory.application("reader", Scope((inside,), ()))[0]
    made = Setting(directory, inside, unit, user, outside, Reader(directory.database, application))
    made.news()
    return made


def test_the_beginning_of_the_log_reports_the_scope_as_created(setting: Setting) -> None:
    reported = [(item.type, item.kind, item.id) for item in setting.reader.reported]
    assert reported == [
        ("create", "organization", setting.inside),
        ("create", "organization", setting.unit),
        ("create", "user", setting.user),
    ]
    assert [item.change_number for item in setting.reader.reported] == [2, 3, 4]
    top, _, user = (item.object for item in setting.reader.reported)
    assert isinstance(user, ScopedUser)
    assert (user.user.username, [place.id for place in user.organizations or ()]) == ("ann", [setting.unit])
    assert isinstance(top, ScopedOrganization)
    assert (top.organization.parent_id, top.parent_id) == (ROOT_ORGANIZATION_ID, None)


def test_nothing_is_reported_of_objects_that_are_and_stay_outside(setting: Setting) -> None:
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


def test_a_user_that_keeps_one_organization_inside_is_updated(setting: Setting) -> None:
    setting.directory.move_user(setting.user, setting.outside, setting.unit)
    (item,) = setting.news()
    assert item.type == "update"
    assert isinstance(item.object, ScopedUser)
    assert [place.id for place in item.object.organizations or ()] == [setting.unit]


def test_a_unit_that_leaves_takes_with_it_what_is_below_and_brings_it_back(setting: Setting) -> None:
    deep = setting.directory.add_unit("deep", setting.unit)
    bob = setting.directory.add_user("bob", deep)
    setting.news()
    setting.directory.move_unit(setting.unit, setting.outside)
    gone = [("organization", setting.unit), ("organization", deep), ("user", setting.user), ("user", bob)]
    assert setting.short_news() == [("delete", *which) for which in gone]
    setting.directory.move_unit(setting.unit, setting.inside)
    back = setting.news()
    assert [(item.kind, item.id) for item in back] == gone
    assert [item.type for item in back] == ["create", "update", "update", "update"]
    assert [user_of(item).username for item in back[2:]] == ["ann", "bob"]
    assert len({item.change_number for item in back}) == 1


def test_a_unit_that_moves_within_the_scope_is_one_update(setting: Setting) -> None:
    other = setting.directory.add_unit("other", setting.inside)
    setting.news()
    setting.directory.move_unit(setting.unit, other)
    assert setting.short_news() == [("update", "organization", setting.unit)]


def test_a_unit_that_moves_on_while_one_that_enters_is_being_reported_is_not_forgotten(setting: Setting) -> None:
    directory = setting.directory
    first, last = directory.add_unit("first", setting.outside), directory.add_unit("last", setting.outside)
    eve = directory.add_user("eve", last)
    setting.news()
    directory.move_unit(setting.outside, setting.inside)
    setting.reader.read(2)
    assert [item.id for item in setting.reader.reported[-2:]] == [setting.outside, first]
    directory.move_unit(last, setting.inside)
    setting.reader.read_all()
    assert {last, eve} <= setting.reader.copy.objects.keys()


def test_a_user_that_moves_on_while_a_unit_that_leaves_is_being_reported_is_deleted(setting: Setting) -> None:
    directory = setting.directory
    bob = directory.add_user("bob", setting.inside)
    setting.news()
    directory.move_unit(setting.unit, setting.outside)
    setting.reader.read(1)
    directory.rename_user(bob, "rob")  # so that a page ends between the unit's move and the user's
    directory.move_user(setting.user, setting.outside)
    while setting.reader.read(1):
        pass
    assert setting.user not in setting.reader.copy.objects


def test_a_user_that_left_a_unit_after_it_left_the_scope_is_deleted(setting: Setting) -> None:
    setting.directory.move_unit(setting.unit, setting.outside)
    setting.directory.move_user(setting.user, setting.outside)
    setting.directory.delete_user(setting.user)
    setting.news()
    assert setting.user not in setting.reader.copy.objects


def test_a_group_is_reported_with_its_members_as_far_as_they_are_in_scope(directory: StoredDirectory) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    ann, eve = directory.add_user("ann", inside), directory.add_user("eve", outside)
    nested, hidden = directory.add_group("nested"), directory.add_group("hidden")
    members = [person(ann), person(eve), Member(Kind.GROUP, nested), Member(Kind.GROUP, hidden)]
    group = directory.add_group("team", *members)
    reader = Reader(directory.database, directory.application("a", Scope((inside,), (group, nested)))[0])
    reader.read_all()
    assert reader.copy.members[group] == {ann, nested}
    directory.change_members(group, [], members)
    reader.read_all()
    assert [member.id for member in reader.reported[-1].removed_members] == [ann, nested]
    directory.delete_group(group)
    reader.read_all()
    assert (reader.reported[-1].type, reader.reported[-1].object) == ("delete", None)


def test_a_group_with_many_members_comes_in_several_items(directory: StoredDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.directory.application_scope.change_feed.MEMBERS_AT_ONCE", 3)
    people = [directory.add_user(f"u{number}") for number in range(8)]
    group = directory.add_group("all", *map(person, people))
    reader = Reader(directory.database, directory.application("a")[0])
    while reader.read(1):
        pass
    reported = [item for item in reader.reported if item.kind == "group"]
    assert [(item.type, len(item.added_members)) for item in reported] == [("create", 3), ("update", 3), ("update", 2)]
    assert reader.copy.members[group] == set(people)


def test_many_changes_outside_the_scope_are_passed_over_in_bounded_steps(
    directory: StoredDirectory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.directory.application_scope.change_feed.MAX_SCANNED", 5)
    monkeypatch.setattr("gateway.directory.application_scope.change_feed.AT_ONCE", 5)
    inside = directory.add_unit("inside")
    for number in range(12):
        directory.add_user(f"u{number}")
    reader = Reader(database, directory.application("a", Scope((inside,), ()))[0])
    steps = 1
    while reader.read(10):
        steps += 1
    assert steps == 3
    assert [item.id for item in reader.reported] == [inside]


def test_replaying_the_log_from_the_beginning_is_the_present_state(setting: Setting) -> None:
    setting.directory.rename_user(setting.user, "anna")
    setting.directory.move_unit(setting.unit, setting.outside)
    setting.directory.move_unit(setting.unit, setting.inside)
    again = Reader(setting.directory.database, setting.reader.application)
    again.read_all(2)
    assert again.copy.comparable() == present(setting.directory.database, again.application).comparable()


@pytest.mark.parametrize("phase", ["m", "o", "u"])
def test_law_15_a_position_within_a_change_that_is_out_of_scope_shows_nothing_of_it(setting: Setting, phase: str) -> None:
    below = setting.directory.add_unit("below", setting.outside)
    setting.directory.add_user("eve", below)
    setting.directory.add_group("board", person(setting.user), attributes={"description": ("secret",)})
    setting.directory.move_unit(below, ROOT_ORGANIZATION_ID)
    last = setting.directory.database.read_blocking(changes.last)
    for number in range(last):
        position = replace(start(setting.reader.application, number), phase=phase, after="0" if phase == "m" else "")
        reader = Reader(setting.directory.database, setting.reader.application, position)
        reader.read(100)
        hidden = {item.id for item in reader.reported} - {setting.inside, setting.unit, setting.user}
        assert hidden == set()
