"""A source that was taken out of the configuration: its objects are kept, to be edited here, or removed."""

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
from gateway.sync.lifecycle import source_finalization
from gateway.sync.lifecycle import source_retirement as ending
from gateway.sync.lifecycle.grace_period import GracePeriods
from gateway.sync.lifecycle.leaver_sweep import sweep
from gateway.sync.lifecycle.source_retirement import Extent
from gateway.sync.local.edit_checks import MasteredElsewhere
from gateway.sync.local.source import LocalDoor
from gateway.sync.rules.correlation import Reaction
from tests.sync.linked_records import in_three_sources
from tests.sync.synced_store import Store, gone, group, person, unit


def finalize(store: Store, source: str = "hr") -> Iterator[tuple[Kind, int]]:
    return ending.finalize(store.database.write_blocking, store.door("local"), source)


def terminate(store: Store, source: str = "hr", *, delete: bool = False) -> Iterator[tuple[Kind, int]]:
    state = store.database.read_blocking(partial(source_state.get, source_id=source))
    assert state is not None
    return ending.terminate(store.database.write_blocking, ending.door(state, store.door("local"), delete=delete))


def extent(store: Store, source: str = "hr") -> dict[Kind, Extent]:
    return store.database.read_blocking(partial(ending.extent, source_id=source))


def a_company(store: Store) -> None:
    store.apply(
        unit("sales"),
        unit("north", "ou=sales"),
        person("anna", "ou=north,ou=sales", title="Boss", email=("a@x", "b@x")),
        person("bert", "ou=sales", enabled="false"),
        person("carl"),
        group("staff", "uid=anna,ou=north,ou=sales", "uid=carl", logins=["bert", "nobody"]),
        group("all", "cn=staff"),
    )


def edit(store: Store, kind: Kind, object_id: str, change: Edit) -> None:
    door = LocalDoor(lambda: store.time, authority=store.authority)
    store.database.write_blocking(partial(door.change, kind=kind, object_id=object_id, edit=change))


def group_id(store: Store, name: str) -> str:
    return next(one.object_id for one in store.log() if isinstance(one.object, Group) and one.object.name == name)


# ---- kept


@pytest.mark.parametrize("edited_before", [False, True])
def test_what_is_kept_is_as_it_was_to_the_last_change_number_and_can_be_edited(both_stores: Store, edited_before: bool) -> None:
    store = both_stores
    a_company(store)
    anna = store.user("anna")
    if edited_before:
        edit(store, Kind.USER, anna.id, Edit({"gecos": ("A",)}))
    with pytest.raises(MasteredElsewhere):
        edit(store, Kind.USER, anna.id, Edit({"title": ("Queen",)}))
    before, number = store.directory(), store.last()
    assert list(finalize(store)) == [(Kind.USER, 3), (Kind.GROUP, 2), (Kind.ORGANIZATION, 2)]
    assert (store.directory(), store.last()) == (before, number)
    assert store.database.read_blocking(partial(source_state.get, source_id="hr")) is None
    edit(store, Kind.USER, anna.id, Edit({"title": ("Queen",), "username": ("anne",)}))
    edit(store, Kind.USER, store.user("bert").id, Edit({"enabled": ("true",)}))
    staff = group_id(store, "staff")
    edit(store, Kind.GROUP, staff, Edit({"name": ("crew",)}, removed_members=(Member(Kind.USER, anna.id),)))
    assert (store.user("anne").id, store.user("anne").first("title"), store.user("bert").enabled) == (anna.id, "Queen", True)
    assert store.directory().members == {"crew": {"bert", "carl"}, "all": {"crew"}}
    assert store.replayed() == store.directory()


def test_people_stay_where_they_are_and_follow_their_organizations(store: Store) -> None:
    a_company(store)
    list(finalize(store))
    [sales] = store.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "sales"))
    edit(store, Kind.ORGANIZATION, sales, Edit({"name": ("Sales!",)}))
    edit(store, Kind.USER, store.user("carl").id, Edit(organizations=(sales,)))
    assert store.directory().users == {"anna": ("/Sales!/north/",), "bert": ("/Sales!/",), "carl": ("/Sales!/",)}
    door = LocalDoor(lambda: store.time)
    store.database.write_blocking(partial(door.delete, kind=Kind.USER, object_id=store.user("anna").id))
    assert store.names() == {"bert", "carl"}
    assert store.replayed() == store.directory()


def test_a_user_in_an_organization_of_another_source_stays_there(store: Store) -> None:
    store.apply(unit("europe"), source="corp")
    [europe] = store.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "europe"))
    store.settings = type(store.settings)(target_organization_id=europe)
    store.apply(person("anna"))
    assert store.directory().users == {"anna": ("/europe/",)}
    number = store.last()
    list(finalize(store))
    assert (store.directory().users, store.last()) == ({"anna": ("/europe/",)}, number)
    edit(store, Kind.USER, store.user("anna").id, Edit({"title": ("Queen",)}))
    assert store.directory().users == {"anna": ("/europe/",)}


def test_what_another_source_has_too_follows_that_one_alone(store: Store) -> None:
    reports = {"hr": person("anna", title="Boss", email="h@x"), "corp": person("anna", title="Head")}
    anna = in_three_sources(store, reports)
    assert store.user("anna").attributes == {"title": ("Boss",), "email": ("h@x",)}
    list(finalize(store))
    assert store.user("anna").attributes == {"title": ("Head",), "email": ("h@x",)}
    with pytest.raises(MasteredElsewhere):
        edit(store, Kind.USER, anna, Edit({"title": ("Queen",)}))
    edit(store, Kind.USER, anna, Edit({"email": ("new@x",)}))
    store.apply(gone(Kind.USER, "u:anna"), source="corp")
    assert store.leavers() == {"anna"}


def test_a_leaver_of_the_source_is_an_ordinary_disabled_user(store: Store) -> None:
    store.apply(person("anna"), person("bert"))
    store.apply(gone(Kind.USER, "u:anna"))
    list(finalize(store))
    assert (store.user("anna").enabled, store.user("anna").gone_at) == (False, None)
    store.time += timedelta(days=365)
    assert store.database.write_blocking(partial(sweep, door=store.door("local"), grace=GracePeriods())) == 0


def test_records_that_never_became_objects_go_without_a_word(store: Store) -> None:
    store.apply(person("anna"), person("Anna", "ou=x", external_id="2"), group("g", "uid=Anna,ou=x", "uid=anna"))
    number = store.last()
    list(finalize(store))
    assert store.last() == number
    assert store.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "2")) is None
    assert store.directory().members == {"g": {"anna"}}


@pytest.mark.parametrize("end", [finalize, terminate])
def test_an_end_that_was_interrupted_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch, end: Any) -> None:
    monkeypatch.setattr(source_finalization, "AT_ONCE", dict.fromkeys(Kind, 2))
    monkeypatch.setattr(ending, "AT_ONCE", 2)
    a_company(store)
    before = store.directory()
    steps = end(store)
    assert [next(steps), next(steps)] == [(Kind.USER, 2), (Kind.USER, 1)]
    steps.close()
    assert sum(count for _, count in end(store)) == 4
    assert store.directory() == before if end is finalize else store.leavers() == {"anna", "bert", "carl"}
    assert store.replayed() == store.directory()
    assert store.database.read_blocking(partial(source_state.get, source_id="hr")) is None


# ---- let go of


def test_what_no_other_source_has_goes_and_the_rest_stays(both_stores: Store) -> None:
    store = both_stores
    anna = in_three_sources(store, {"hr": person("anna", title="Boss"), "corp": person("anna", title="Head")})
    store.apply(person("bert"), unit("sales"), group("g", "uid=bert", "uid=anna"))
    assert extent(store) == {Kind.USER: Extent(2, 1), Kind.GROUP: Extent(1, 1), Kind.ORGANIZATION: Extent(1, 1)}
    assert list(terminate(store)) == [(Kind.USER, 2), (Kind.GROUP, 1), (Kind.ORGANIZATION, 1)]
    assert (store.user("anna").id, store.user("anna").first("title")) == (anna, "Head")
    assert (store.names(), store.leavers()) == ({"anna"}, {"bert"})
    assert store.directory().organizations == {"/"}
    assert store.directory().members == {}
    assert store.replayed() == store.directory()
    store.time += timedelta(days=31)
    assert store.database.write_blocking(partial(sweep, door=store.door("local"), grace=GracePeriods())) == 1
    assert store.leavers() == set()


def test_users_may_be_deleted_at_once(store: Store) -> None:
    store.apply(person("anna"))
    list(terminate(store, delete=True))
    assert store.log()[-1].type is ChangeType.DELETE
    assert store.leavers() == set()


def test_whatever_was_kept_goes_too(store: Store) -> None:
    store.deleted = Reaction.KEEP
    store.apply(person("anna"), unit("sales"))
    store.apply(gone(Kind.USER, "u:anna"), gone(Kind.ORGANIZATION, "o:sales"))
    list(terminate(store))
    assert store.leavers() == {"anna"}
    assert store.directory().organizations == {"/"}


def test_law_8_the_guard_is_asked_before_anything_goes() -> None:
    few = {Kind.USER: Extent(500, 30), Kind.GROUP: Extent(10, 10), Kind.ORGANIZATION: Extent(0, 0)}
    ending.check("hr", few, Guard())
    with pytest.raises(DeletionsRefused, match=r"31 users that no other source has, and the limit is 30.*--allow-deletions"):
        ending.check("hr", {**few, Kind.USER: Extent(500, 31)}, Guard())


# ---- in the store


def test_references_of_two_records_become_those_of_one(store: Store) -> None:
    store.apply(person("a"), person("b"), group("g", "uid=a", "uid=b"), group("h", "uid=b"))
    heads = store.database.read_blocking(lambda c: record_rows.heads(c, "hr", Kind.USER, ("u:a", "u:b")))
    store.database.write_blocking(lambda c: source_retirement.repoint(c, heads["u:b"].id, heads["u:a"].id))

    def of(name: str) -> set[tuple[str, str]]:
        return store.database.read_blocking(lambda c: membership_claims.of_source(c, "hr", {group_id(store, name)}))

    anna = store.user("a").id
    assert of("g") == {(group_id(store, "g"), anna)}
    assert of("h") == {(group_id(store, "h"), anna)}
