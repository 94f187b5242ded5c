"""What is written here: through the same door, beside what the sources say, never over it."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest

from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import InvalidInput, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, Member, Origin
from gateway.store.objects import groups, organizations
from gateway.store.operations import instance
from gateway.store.records import records
from gateway.sync.local.edit_checks import MasteredElsewhere, NameTaken, NotEmpty
from gateway.sync.local.source import LocalDoor, LogMoved, Written
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import House, gone, group, person, renamed, unit


class Desk:
    """Somebody who writes here."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.door = LocalDoor(self._now)

    def _now(self) -> datetime:
        return self.house.time

    def create(self, kind: Kind, edit: Edit | None = None, **attributes: Any) -> str:
        whole = edit or Edit(_values(attributes))
        return self.house.database.write_blocking(lambda c: self.door.create(c, kind, whole)).object_id

    def change(self, kind: Kind, object_id: str, edit: Edit | None = None, **attributes: Any) -> Written:
        whole = edit or Edit(_values(attributes))
        return self.house.database.write_blocking(lambda c: self.door.change(c, kind, object_id, whole))

    def delete(self, kind: Kind, object_id: str) -> Written:
        return self.house.database.write_blocking(lambda c: self.door.delete(c, kind, object_id))

    def user(self, name: str, *organization_ids: str) -> str:
        return self.create(Kind.USER, Edit({"username": (name,)}, organization_ids or None))

    def group(self, name: str, *members: Member) -> str:
        return self.create(Kind.GROUP, Edit({"name": (name,)}, added_members=members))

    def unit(self, name: str, above: str | None = None) -> str:
        return self.create(Kind.ORGANIZATION, Edit({"name": (name,)}, None if above is None else (above,)))


def _values(attributes: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in attributes.items()}


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def a_group(house: House, name: str) -> Group:
    def find(connection: Any) -> Group:
        [group_id] = groups.same_name(connection, name)
        found = groups.get(connection, group_id)
        assert found is not None
        return found

    return house.database.read_blocking(find)


def an_organization(house: House, name: str) -> str:
    [found] = house.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, name))
    return found


def test_a_user_that_is_made_here_comes_from_this_gateway_and_the_log_says_who_made_it(both_houses: House) -> None:
    desk = Desk(both_houses)
    object_id = desk.create(Kind.USER, username="lea", title="Queen")
    lea = both_houses.user("lea")
    assert lea.id == object_id
    assert lea.origin == Origin("build_in", both_houses.database.read_blocking(instance.instance_id), "")
    assert lea.attributes == {"title": ("Queen",)}
    (change,) = both_houses.log()
    assert (change.type, change.object_id, change.source_id) == (ChangeType.CREATE, object_id, "local")


def test_the_same_change_twice_is_one_change(house: House, desk: Desk) -> None:
    lea = desk.create(Kind.USER, username="lea")
    first = desk.change(Kind.USER, lea, title="Queen")
    again = desk.change(Kind.USER, lea, title="Queen")
    assert first.change_number == again.change_number == house.last()


def test_a_login_name_that_anybody_has_is_not_given_again(house: House, desk: Desk) -> None:
    house.apply(person("anna"))
    with pytest.raises(NameTaken):
        desk.create(Kind.USER, username="ANNA")
    lea = desk.create(Kind.USER, username="lea")
    with pytest.raises(NameTaken):
        desk.change(Kind.USER, lea, username="Anna")
    desk.change(Kind.USER, lea, username="LEA")
    assert house.names() == {"anna", "LEA"}


def test_names_of_groups_and_of_organizations_beside_each_other_are_given_once(house: House, desk: Desk) -> None:
    sales = desk.unit("sales")
    desk.unit("sales", sales)
    desk.group("all")
    with pytest.raises(NameTaken):
        desk.unit("Sales")
    with pytest.raises(NameTaken):
        desk.unit("Sales", sales)
    with pytest.raises(NameTaken):
        desk.group("ALL")
    assert house.directory().organizations == {"/", "/sales/", "/sales/sales/"}


def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_kept(house: House, desk: Desk) -> None:
    for name in ("", " ", "a\0b", "x" * 300):
        with pytest.raises(InvalidInput):
            desk.create(Kind.USER, username=name)
    assert house.log() == []


def test_two_values_of_what_can_have_one_are_refused(house: House, desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="one title"):
        desk.create(Kind.USER, username="lea", title=["Queen", "King"])
    assert house.log() == []


def test_what_a_source_has_seen_is_refused_with_its_name(house: House, desk: Desk) -> None:
    house.apply(person("anna", title="Boss", email=()))
    anna = house.user("anna").id
    number = house.last()
    for attributes in ({"title": "Queen"}, {"email": "a@x"}, {"username": "anne"}, {"title": ()}):
        with pytest.raises(MasteredElsewhere) as refusal:
            desk.change(Kind.USER, anna, **attributes)
        assert refusal.value.attribute == next(iter(attributes))
        assert "source hr" in str(refusal.value)
    with pytest.raises(MasteredElsewhere):
        desk.delete(Kind.USER, anna)
    assert house.last() == number


def test_to_say_again_what_a_source_says_changes_nothing(house: House, desk: Desk) -> None:
    house.apply(person("anna", title="Boss"))
    number = house.last()
    desk.change(Kind.USER, house.user("anna").id, title="Boss", username="anna", enabled="true")
    assert house.last() == number
    assert house.database.read_blocking(lambda c: records.count(c, "local", Kind.USER)) == 0


def test_what_no_source_tells_can_be_added_and_no_sync_loses_it(both_houses: House) -> None:
    house, desk = both_houses, Desk(both_houses)
    house.apply(person("anna", title="Boss"))
    anna = house.user("anna").id
    desk.change(Kind.USER, anna, gecos="Anna A.")
    house.apply(person("anna", title="Queen"))
    house.compare(person("anna", title="Queen"), caught_up=True)
    house.apply(renamed(person("anna", title="Queen", external_id="u:anna"), "anne"))
    assert house.user("anne").id == anna
    assert house.user("anne").attributes == {"title": ("Queen",), "gecos": ("Anna A.",)}
    assert house.directory() == house.replayed()


def test_a_source_that_begins_to_see_an_attribute_takes_it_over_and_the_local_value_waits_underneath(
    house: House, desk: Desk
) -> None:
    house.apply(person("anna"))
    anna = house.user("anna").id
    desk.change(Kind.USER, anna, title="Queen")
    house.apply(person("anna", title="Boss"))
    assert house.user("anna").first("title") == "Boss"
    with pytest.raises(MasteredElsewhere):
        desk.change(Kind.USER, anna, title="King")
    local = house.database.read_blocking(lambda c: records.get(c, "local", Kind.USER, anna))
    assert local is not None
    assert local.attributes == {"title": ("Queen",)}
    house.apply(person("anna", title=()))
    assert house.user("anna").attributes == {}, "seen empty is cleared, not missing"


def test_what_was_added_to_a_user_goes_with_the_users_last_source(house: House, desk: Desk) -> None:
    house.deleted = Reaction.DELETE
    house.apply(person("anna"), person("bert"))
    desk.change(Kind.USER, house.user("anna").id, title="Queen")
    house.apply(gone(Kind.USER, "u:anna"))
    assert house.names() == {"bert"}
    assert house.database.read_blocking(lambda c: records.count(c, "local", Kind.USER)) == 0
    assert house.directory() == house.replayed()


def test_an_addition_does_not_move_a_user_out_of_its_organizations(house: House, desk: Desk) -> None:
    house.apply(unit("sales"), person("anna", "ou=sales"))
    desk.change(Kind.USER, house.user("anna").id, title="Queen")
    house.apply(renamed(person("anna", "ou=sales"), "anne"))
    assert house.directory().users == {"anne": ("/sales/",)}


def test_a_record_that_lost_its_name_keeps_its_object_as_it_was_whatever_is_added_to_it(house: House, desk: Desk) -> None:
    house.apply(person("anna", title="Boss"))
    anna = house.user("anna").id
    desk.change(Kind.USER, anna, gecos="A")
    house.apply(person("anna", username=(), title="Boss"))
    desk.change(Kind.USER, anna, gecos="B")
    assert house.user("anna").first("title") == "Boss"


def test_a_user_that_is_disputed_over_a_new_name_keeps_the_old_one_when_something_is_added(house: House, desk: Desk) -> None:
    house.apply(person("anna"), person("bert"))
    anna = house.user("anna").id
    house.apply(renamed(person("anna", external_id="u:anna"), "bert"))
    desk.change(Kind.USER, anna, title="Queen")
    assert house.user("anna").attributes == {"title": ("Queen",)}
    local = house.database.read_blocking(lambda c: records.get(c, "local", Kind.USER, anna))
    assert local is not None
    assert local.situation == "linked"


def test_anybody_can_be_a_member_of_a_group_that_is_made_here(both_houses: House) -> None:
    house, desk = both_houses, Desk(both_houses)
    house.apply(person("anna"), person("bert"), group("staff", "uid=anna"))
    anna, bert = house.user("anna").id, house.user("bert").id
    lea = desk.user("lea")
    staff = a_group(house, "staff").id
    circle = desk.group("circle", Member(Kind.USER, anna), Member(Kind.USER, lea), Member(Kind.GROUP, staff))
    assert house.directory().members["circle"] == {"anna", "lea", "staff"}
    desk.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, bert),), removed_members=(Member(Kind.USER, anna),)))
    assert house.directory().members["circle"] == {"bert", "lea", "staff"}
    number = house.last()
    desk.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, bert),), removed_members=(Member(Kind.USER, anna),)))
    assert house.last() == number
    desk.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, anna),)))
    assert house.directory().members["circle"] == {"anna", "bert", "lea", "staff"}
    assert house.directory() == house.replayed()


def test_the_members_of_a_sources_group_are_the_sources(house: House, desk: Desk) -> None:
    house.apply(person("anna"), group("staff"))
    staff = a_group(house, "staff").id
    with pytest.raises(MasteredElsewhere, match="membership of this group comes from the source hr"):
        desk.change(Kind.GROUP, staff, Edit(added_members=(Member(Kind.USER, house.user("anna").id),)))


def test_who_is_gone_at_the_source_leaves_the_groups_that_are_made_here(both_houses: House) -> None:
    house, desk = both_houses, Desk(both_houses)
    house.apply(person("anna"), person("bert"))
    members = [Member(Kind.USER, house.user(name).id) for name in ("anna", "bert")]
    circle = desk.group("circle", *members)
    house.compare(person("bert"))
    assert house.directory().members["circle"] == {"bert"}
    house.apply(person("anna"))
    assert house.directory().members["circle"] == {"anna", "bert"}, "the same anna again"
    assert house.directory() == house.replayed()
    house.deleted = Reaction.DELETE
    house.compare(person("bert"))
    house.apply(person("anna"))
    assert house.directory().members["circle"] == {"bert"}, "that is another anna"
    desk.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.USER, house.user("anna").id),)))
    assert house.directory().members["circle"] == {"anna", "bert"}
    assert house.directory() == house.replayed()


def test_a_member_that_does_not_exist_is_not_found(house: House, desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.group("circle", Member(Kind.USER, "nobody"))
    assert house.log() == []


def test_a_group_can_be_a_member_of_itself(house: House, desk: Desk) -> None:
    circle = desk.group("circle")
    desk.change(Kind.GROUP, circle, Edit(added_members=(Member(Kind.GROUP, circle),)))
    assert house.directory().members["circle"] == {"circle"}
    desk.delete(Kind.GROUP, circle)
    assert house.directory() == house.replayed()


def test_users_and_organizations_can_be_made_in_any_organization_and_moved(both_houses: House) -> None:
    house, desk = both_houses, Desk(both_houses)
    house.apply(unit("sales"), person("anna", "ou=sales"))
    sales = an_organization(house, "sales")
    north = desk.unit("north", sales)
    lea = desk.user("lea", north, sales)
    assert house.directory().users == {"anna": ("/sales/",), "lea": ("/sales/north/", "/sales/")}
    desk.change(Kind.ORGANIZATION, north, Edit(organizations=(ROOT_ORGANIZATION_ID,)))
    desk.change(Kind.USER, lea, Edit(organizations=(ROOT_ORGANIZATION_ID,)))
    assert house.directory().organizations == {"/", "/sales/", "/north/"}
    assert house.directory().users["lea"] == ("/",)
    desk.change(Kind.USER, lea, Edit(organizations=(north,)))
    house.apply(gone(Kind.ORGANIZATION, "o:sales"), allow_deletions=True)
    assert house.directory().users["lea"] == ("/north/",)
    assert house.directory() == house.replayed()


def test_who_stood_in_a_sources_organization_stands_in_the_root_when_that_is_gone(house: House, desk: Desk) -> None:
    house.apply(unit("sales"))
    desk.user("lea", an_organization(house, "sales"))
    house.apply(gone(Kind.ORGANIZATION, "o:sales"), allow_deletions=True)
    assert house.directory().users["lea"] == ("/",)
    assert house.directory() == house.replayed()


def test_no_organization_comes_to_lie_below_itself(house: House, desk: Desk) -> None:
    north = desk.unit("north")
    below = desk.unit("below", north)
    for above in (north, below):
        with pytest.raises(InvalidInput, match="below itself"):
            desk.change(Kind.ORGANIZATION, north, Edit(organizations=(above,)))


def test_an_organization_in_which_something_is_is_not_deleted(house: House, desk: Desk) -> None:
    north = desk.unit("north")
    lea = desk.user("lea", north)
    with pytest.raises(NotEmpty):
        desk.delete(Kind.ORGANIZATION, north)
    desk.delete(Kind.USER, lea)
    desk.delete(Kind.ORGANIZATION, north)
    assert house.directory().organizations == {"/"}
    with pytest.raises(NotFound):
        desk.delete(Kind.ORGANIZATION, north)


def test_the_place_of_a_sources_user_is_the_sources(house: House, desk: Desk) -> None:
    house.apply(person("anna"))
    north = desk.unit("north")
    with pytest.raises(MasteredElsewhere, match="place"):
        desk.change(Kind.USER, house.user("anna").id, Edit(organizations=(north,)))


def test_a_user_that_is_deleted_leaves_its_name_to_a_source_that_wants_it(house: House, desk: Desk) -> None:
    lea = desk.create(Kind.USER, username="lea")
    house.apply(person("lea"))
    assert house.user("lea").id == lea
    desk.delete(Kind.USER, lea)
    house.apply(caught_up=True)
    assert house.user("lea").origin.source_id == "hr"
    assert house.directory() == house.replayed()


def test_a_value_that_is_taken_away_is_gone(house: House, desk: Desk) -> None:
    lea = desk.create(Kind.USER, username="lea", title="Queen", enabled="false")
    assert not house.user("lea").enabled
    desk.change(Kind.USER, lea, title=(), enabled="true")
    assert house.user("lea").attributes == {}
    assert house.user("lea").enabled


def test_a_write_at_a_position_of_the_log_happens_only_while_the_log_ends_there(both_houses: House) -> None:
    house, desk = both_houses, Desk(both_houses)
    anna, position = desk.user("anna"), house.last()

    def write(name: str) -> Written:
        change = partial(desk.door.change, kind=Kind.USER, object_id=anna, edit=Edit({"username": (name,)}))
        return house.database.write_blocking(partial(desk.door.write_at, position=position, write=change))

    assert write("anne").change_number == position + 1
    with pytest.raises(LogMoved) as moved:
        write("annie")
    assert moved.value.change_number == position + 1
    assert house.names() == {"anne"}
