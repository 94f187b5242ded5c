"""The dependents of a change: names that are free again, entries below a renamed one, groups that list a renamed member."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory.materialization.log_applier import LogApplier
from gateway.model.objects import DirectoryObject
from gateway.wire import entries
from tests.directory.worlds import BASE, World, group, identifier, openldap_view, organization, user

PEOPLE, GROUPS, UNITS = f"ou=people,{BASE}", f"ou=groups,{BASE}", f"ou=organizations,{BASE}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def view(world: World) -> Iterator[LogApplier]:
    updater = world.build(openldap_view())
    yield updater
    updater.close()


def follow(world: World, view: LogApplier) -> None:
    view.apply(world.log(view.position))


def dn_of(view: LogApplier, item: DirectoryObject) -> str | None:
    row = view.connection.execute("SELECT dn FROM entry WHERE object_id = ?", (item.id,)).fetchone()
    return row[0] if row else None


def values(view: LogApplier, item: DirectoryObject, attribute: str) -> list[str]:
    (encoded,) = view.connection.execute("SELECT encoded FROM entry WHERE object_id = ?", (item.id,)).fetchone()
    return [value.decode() for value in entries.values(encoded, attribute.lower().encode())]


def test_the_oldest_of_one_name_has_the_plain_dn_whichever_came_first(world: World, view: LogApplier) -> None:
    younger, older = group(9, "Staff"), group(2, "STAFF ")
    world.put(younger)
    follow(world, view)
    assert dn_of(view, younger) == f"cn=Staff,{GROUPS}"
    world.put(older)
    follow(world, view)
    assert dn_of(view, older) == f"cn=STAFF\\ ,{GROUPS}"
    assert dn_of(view, younger) == f"cn=Staff+entryUUID={younger.id},{GROUPS}"


def test_a_name_that_is_free_again_goes_to_the_oldest_of_those_that_wait(world: World, view: LogApplier) -> None:
    first, second, third = group(1, "Staff"), group(2, "staff"), group(3, "staff")
    world.put(first, third, second)
    follow(world, view)
    world.put(replace(first, name="Office"))
    follow(world, view)
    assert [dn_of(view, one) for one in (first, second, third)] == [
        f"cn=Office,{GROUPS}",
        f"cn=staff,{GROUPS}",
        f"cn=staff+entryUUID={third.id},{GROUPS}",
    ]
    world.delete(second)
    follow(world, view)
    assert dn_of(view, third) == f"cn=staff,{GROUPS}"


def test_two_users_may_swap_their_names(world: World, view: LogApplier) -> None:
    anna, ben = user(1, "anna"), user(2, "ben")
    world.put(anna, ben)
    follow(world, view)
    world.update_users([replace(anna, username="ben"), replace(ben, username="anna")])
    follow(world, view)
    assert (dn_of(view, anna), dn_of(view, ben)) == (f"uid=ben,{PEOPLE}", f"uid=anna,{PEOPLE}")


def test_organizations_of_one_name_below_different_parents_do_not_disturb_each_other(world: World, view: LogApplier) -> None:
    one, other = organization(1, "North"), organization(2, "South")
    inside = [organization(3, "Sales", one.id), organization(4, "Sales", other.id)]
    world.put(one, other, *inside)
    follow(world, view)
    assert [dn_of(view, unit) for unit in inside] == [f"ou=Sales,ou=North,{UNITS}", f"ou=Sales,ou=South,{UNITS}"]


def test_everything_below_a_moved_organization_moves_with_it(world: World, view: LogApplier) -> None:
    one, other = organization(1, "North"), organization(2, "South")
    child = organization(3, "Sales", one.id)
    grandchild = organization(4, "Inside", child.id)
    world.put(one, other, child, grandchild)
    follow(world, view)
    world.put(replace(child, parent_id=other.id))
    follow(world, view)
    assert dn_of(view, grandchild) == f"ou=Inside,ou=Sales,ou=South,{UNITS}"


def test_an_organization_whose_parent_comes_later_finds_its_place_then(world: World, view: LogApplier) -> None:
    child = organization(3, "Sales", identifier(1))
    world.put(child)
    follow(world, view)
    assert dn_of(view, child) == f"ou=Sales,{UNITS}"
    world.put(organization(1, "North"))
    follow(world, view)
    assert dn_of(view, child) == f"ou=Sales,ou=North,{UNITS}"


def test_the_name_of_an_organization_is_among_the_values_of_its_people_and_changes_with_it(
    world: World, view: LogApplier
) -> None:
    unit, same = organization(1, "Sales"), organization(2, "sales")
    anna = user(3, "anna", [unit.id, same.id])
    world.put(unit, same, anna)
    follow(world, view)
    assert values(view, anna, "ou") == ["Sales"], "two values that match each other are one"
    world.put(replace(unit, name="Marketing"))
    follow(world, view)
    assert values(view, anna, "ou") == ["Marketing", "sales"]


def test_a_member_that_gets_an_entry_later_is_listed_from_then_on(world: World, view: LogApplier) -> None:
    staff, anna = group(1, "Staff"), user(2, "anna")
    world.put(staff)
    world.join(staff, anna)
    follow(world, view)
    assert values(view, staff, "member") == []
    world.put(anna)
    follow(world, view)
    assert values(view, staff, "member") == [f"uid=anna,{PEOPLE}"]


@pytest.mark.parametrize("name", ["anne", "Anna"])
def test_groups_list_a_renamed_member_by_its_present_name_be_it_the_case_of_a_letter(
    world: World, view: LogApplier, name: str
) -> None:
    staff, outer, anna = group(1, "Staff", gid_number=["7"]), group(2, "Outer"), user(3, "anna")
    world.put(staff, outer, anna)
    world.join(staff, anna)
    world.join(outer, staff, anna)
    follow(world, view)
    world.put(replace(anna, username=name), replace(staff, name="STAFF"))
    follow(world, view)
    assert values(view, staff, "member") == [f"uid={name},{PEOPLE}"]
    assert values(view, staff, "memberUid") == [name]
    assert values(view, outer, "member") == [f"cn=STAFF,{GROUPS}", f"uid={name},{PEOPLE}"]


def test_a_deleted_user_leaves_the_groups_and_a_deleted_group_the_memberships(world: World, view: LogApplier) -> None:
    staff, anna = group(1, "Staff"), user(2, "anna")
    world.put(staff, anna)
    world.join(staff, anna)
    follow(world, view)
    world.delete(anna)
    follow(world, view)
    assert values(view, staff, "member") == []
    assert dn_of(view, anna) is None
    world.delete(staff)
    follow(world, view)
    assert view.connection.execute("SELECT count(*) FROM member").fetchone() == (0,)


def test_groups_may_hold_each_other_and_themselves(world: World, view: LogApplier) -> None:
    one, other = group(1, "One"), group(2, "Other")
    world.put(one, other)
    world.join(one, other, one)
    world.join(other, one)
    follow(world, view)
    assert values(view, one, "member") == [f"cn=One,{GROUPS}", f"cn=Other,{GROUPS}"]
    assert values(view, other, "member") == [f"cn=One,{GROUPS}"]


def test_law_5_a_change_that_fails_half_way_leaves_the_view_as_it_was(
    world: World, view: LogApplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = user(1, "anna", email=["a@x"])
    world.put(anna)
    follow(world, view)
    position = view.position
    world.put(replace(anna, username="anne"), user(2, "ben"))

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("gateway.directory.view_file.index_writer.IndexWriter.flush", fail)
        follow(world, view)
    assert (view.position, dn_of(view, anna)) == (position, f"uid=anna,{PEOPLE}")
    follow(world, view)
    assert dn_of(view, anna) == f"uid=anne,{PEOPLE}"


def test_statistics_are_taken_anew_when_a_fifth_has_changed_and_not_before(world: World, view: LogApplier) -> None:
    people = [user(number, f"u{number}") for number in range(100)]
    world.put(*people)
    follow(world, view)
    assert view.analyze_is_due
    view.analyze()
    world.put(replace(people[0], username="x"))
    follow(world, view)
    assert not view.analyze_is_due
