"""A source that was taken out of the configuration: what it has is kept, to be edited here, or let go of."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import DeletionsRefused
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, Member
from gateway.store.objects import organizations
from gateway.store.operations import source_state
from gateway.store.records import membership_claims, record_rows, records, source_retirement
from gateway.sync.deletion_guard import Guard
from gateway.sync.lifecycle import source_adoption
from gateway.sync.lifecycle import source_retirement as ending
from gateway.sync.lifecycle.grace_period import GracePeriods
from gateway.sync.lifecycle.leaver_retention import sweep
from gateway.sync.lifecycle.source_retirement import Extent
from gateway.sync.local.edit_checks import MasteredElsewhere
from gateway.sync.local.source import LocalDoor
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import House, gone, group, person, unit
from tests.sync.rules.test_authority import in_three_sources


def finalize(house: House, source: str = "hr") -> Iterator[tuple[Kind, int]]:
    return ending.finalize(house.database.write_blocking, house.door("local"), source)


def terminate(house: House, source: str = "hr", *, delete: bool = False) -> Iterator[tuple[Kind, int]]:
    state = house.database.read_blocking(partial(source_state.get, source_id=source))
    assert state is not None
    return ending.terminate(house.database.write_blocking, ending.door(state, house.door("local"), delete=delete))


def extent(house: House, source: str = "hr") -> dict[Kind, Extent]:
    return house.database.read_blocking(partial(ending.extent, source_id=source))


def a_company(house: House) -> None:
    house.apply(
        unit("sales"),
        unit("north", "ou=sales"),
        person("anna", "ou=north,ou=sales", title="Boss", email=("a@x", "b@x")),
        person("bert", "ou=sales", enabled="false"),
        person("carl"),
        group("staff", "uid=anna,ou=north,ou=sales", "uid=carl", logins=["bert", "nobody"]),
        group("all", "cn=staff"),
    )


def edit(house: House, kind: Kind, object_id: str, change: Edit) -> None:
    door = LocalDoor(lambda: house.time, authority=house.authority)
    house.database.write_blocking(partial(door.change, kind=kind, object_id=object_id, edit=change))


def group_id(house: House, name: str) -> str:
    return next(one.object_id for one in house.log() if isinstance(one.object, Group) and one.object.name == name)


# ---- kept


@pytest.mark.parametrize("edited_before", [False, True])
def test_what_is_kept_is_as_it_was_to_the_last_change_number_and_can_be_edited(both_houses: House, edited_before: bool) -> None:
    house = both_houses
    a_company(house)
    anna = house.user("anna")
    if edited_before:
        edit(house, Kind.USER, anna.id, Edit({"gecos": ("A",)}))
    with pytest.raises(MasteredElsewhere):
        edit(house, Kind.USER, anna.id, Edit({"title": ("Queen",)}))
    before, number = house.directory(), house.last()
    assert list(finalize(house)) == [(Kind.USER, 3), (Kind.GROUP, 2), (Kind.ORGANIZATION, 2)]
    assert (house.directory(), house.last()) == (before, number)
    assert house.database.read_blocking(partial(source_state.get, source_id="hr")) is None
    edit(house, Kind.USER, anna.id, Edit({"title": ("Queen",), "username": ("anne",)}))
    edit(house, Kind.USER, house.user("bert").id, Edit({"enabled": ("true",)}))
    staff = group_id(house, "staff")
    edit(house, Kind.GROUP, staff, Edit({"name": ("crew",)}, removed_members=(Member(Kind.USER, anna.id),)))
    assert (house.user("anne").id, house.user("anne").first("title"), house.user("bert").enabled) == (anna.id, "Queen", True)
    assert house.directory().members == {"crew": {"bert", "carl"}, "all": {"crew"}}
    assert house.replayed() == house.directory()


def test_people_stay_where_they_are_and_follow_their_organizations(house: House) -> None:
    a_company(house)
    list(finalize(house))
    [sales] = house.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "sales"))
    edit(house, Kind.ORGANIZATION, sales, Edit({"name": ("Sales!",)}))
    edit(house, Kind.USER, house.user("carl").id, Edit(organizations=(sales,)))
    assert house.directory().users == {"anna": ("/Sales!/north/",), "bert": ("/Sales!/",), "carl": ("/Sales!/",)}
    door = LocalDoor(lambda: house.time)
    house.database.write_blocking(partial(door.delete, kind=Kind.USER, object_id=house.user("anna").id))
    assert house.names() == {"bert", "carl"}
    assert house.replayed() == house.directory()


def test_who_is_in_an_organization_of_another_source_stays_there(house: House) -> None:
    house.apply(unit("europe"), source="corp")
    [europe] = house.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "europe"))
    house.settings = type(house.settings)(target_organization_id=europe)
    house.apply(person("anna"))
    assert house.directory().users == {"anna": ("/europe/",)}
    number = house.last()
    list(finalize(house))
    assert (house.directory().users, house.last()) == ({"anna": ("/europe/",)}, number)
    edit(house, Kind.USER, house.user("anna").id, Edit({"title": ("Queen",)}))
    assert house.directory().users == {"anna": ("/europe/",)}


def test_what_another_source_has_too_follows_that_one_alone(house: House) -> None:
    reports = {"hr": person("anna", title="Boss", email="h@x"), "corp": person("anna", title="Head")}
    anna = in_three_sources(house, reports)
    assert house.user("anna").attributes == {"title": ("Boss",), "email": ("h@x",)}
    list(finalize(house))
    assert house.user("anna").attributes == {"title": ("Head",), "email": ("h@x",)}
    with pytest.raises(MasteredElsewhere):
        edit(house, Kind.USER, anna, Edit({"title": ("Queen",)}))
    edit(house, Kind.USER, anna, Edit({"email": ("new@x",)}))
    house.apply(gone(Kind.USER, "u:anna"), source="corp")
    assert house.leavers() == {"anna"}


def test_a_leaver_of_the_source_is_an_ordinary_disabled_user(house: House) -> None:
    house.apply(person("anna"), person("bert"))
    house.apply(gone(Kind.USER, "u:anna"))
    list(finalize(house))
    assert (house.user("anna").enabled, house.user("anna").gone_at) == (False, None)
    house.time += timedelta(days=365)
    assert house.database.write_blocking(partial(sweep, door=house.door("local"), grace=GracePeriods())) == 0


def test_records_that_never_became_objects_go_without_a_word(house: House) -> None:
    house.apply(person("anna"), person("Anna", "ou=x", external_id="2"), group("g", "uid=Anna,ou=x", "uid=anna"))
    number = house.last()
    list(finalize(house))
    assert house.last() == number
    assert house.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "2")) is None
    assert house.directory().members == {"g": {"anna"}}


@pytest.mark.parametrize("end", [finalize, terminate])
def test_an_end_that_was_interrupted_goes_on(house: House, monkeypatch: pytest.MonkeyPatch, end: Any) -> None:
    monkeypatch.setattr(source_adoption, "AT_ONCE", dict.fromkeys(Kind, 2))
    monkeypatch.setattr(ending, "AT_ONCE", 2)
    a_company(house)
    before = house.directory()
    steps = end(house)
    assert [next(steps), next(steps)] == [(Kind.USER, 2), (Kind.USER, 1)]
    steps.close()
    assert sum(count for _, count in end(house)) == 4
    assert house.directory() == before if end is finalize else house.leavers() == {"anna", "bert", "carl"}
    assert house.replayed() == house.directory()
    assert house.database.read_blocking(partial(source_state.get, source_id="hr")) is None


# ---- let go of


def test_what_no_other_source_has_goes_and_the_rest_stays(both_houses: House) -> None:
    house = both_houses
    anna = in_three_sources(house, {"hr": person("anna", title="Boss"), "corp": person("anna", title="Head")})
    house.apply(person("bert"), unit("sales"), group("g", "uid=bert", "uid=anna"))
    assert extent(house) == {Kind.USER: Extent(2, 1), Kind.GROUP: Extent(1, 1), Kind.ORGANIZATION: Extent(1, 1)}
    assert list(terminate(house)) == [(Kind.USER, 2), (Kind.GROUP, 1), (Kind.ORGANIZATION, 1)]
    assert (house.user("anna").id, house.user("anna").first("title")) == (anna, "Head")
    assert (house.names(), house.leavers()) == ({"anna"}, {"bert"})
    assert house.directory().organizations == {"/"}
    assert house.directory().members == {}
    assert house.replayed() == house.directory()
    house.time += timedelta(days=31)
    assert house.database.write_blocking(partial(sweep, door=house.door("local"), grace=GracePeriods())) == 1
    assert house.leavers() == set()


def test_users_may_be_deleted_at_once(house: House) -> None:
    house.apply(person("anna"))
    list(terminate(house, delete=True))
    assert house.log()[-1].type is ChangeType.DELETE
    assert house.leavers() == set()


def test_whatever_was_kept_goes_too(house: House) -> None:
    house.deleted = Reaction.KEEP
    house.apply(person("anna"), unit("sales"))
    house.apply(gone(Kind.USER, "u:anna"), gone(Kind.ORGANIZATION, "o:sales"))
    list(terminate(house))
    assert house.leavers() == {"anna"}
    assert house.directory().organizations == {"/"}


def test_law_8_the_guard_is_asked_before_anything_goes() -> None:
    few = {Kind.USER: Extent(500, 30), Kind.GROUP: Extent(10, 10), Kind.ORGANIZATION: Extent(0, 0)}
    ending.check("hr", few, Guard())
    with pytest.raises(DeletionsRefused, match=r"31 users that no other source has, and the limit is 30.*--allow-deletions"):
        ending.check("hr", {**few, Kind.USER: Extent(500, 31)}, Guard())


# ---- in the store


def test_references_of_two_records_become_those_of_one(house: House) -> None:
    house.apply(person("a"), person("b"), group("g", "uid=a", "uid=b"), group("h", "uid=b"))
    heads = house.database.read_blocking(lambda c: record_rows.heads(c, "hr", Kind.USER, ("u:a", "u:b")))
    house.database.write_blocking(lambda c: source_retirement.repoint(c, heads["u:b"].id, heads["u:a"].id))

    def of(name: str) -> set[tuple[str, str]]:
        return house.database.read_blocking(lambda c: membership_claims.of_source(c, "hr", {group_id(house, name)}))

    anna = house.user("a").id
    assert of("g") == {(group_id(house, "g"), anna)}
    assert of("h") == {(group_id(house, "h"), anna)}
