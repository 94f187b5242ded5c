"""Groups and their members, made from their records and the references to others."""

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind
from tests.sync.synced_store import Store, gone, group, person, renamed, unit


def test_a_deleted_person_leaves_the_groups_that_name_its_dn(store: Store) -> None:
    store.apply(person("anna"), person("bert"), group("g", "uid=anna", "uid=bert"))
    store.apply(gone(Kind.USER, "u:anna"))
    assert store.directory().members == {"g": {"bert"}}
    store.apply(person("anna", external_id="again"))
    assert store.directory().members == {"g": {"bert"}}, "the server does not say whether it is still in the group"
    store.apply(group("g", "uid=anna", "uid=bert"))
    assert store.directory().members == {"g": {"anna", "bert"}}, "now it does"


def test_a_login_that_comes_back_is_again_a_member_where_groups_name_logins(store: Store) -> None:
    store.apply(person("anna"), group("g", logins=["ANNA"]))
    store.apply(gone(Kind.USER, "u:anna"))
    assert store.directory().members == {"g": frozenset()}
    store.apply(person("Anna", external_id="again"))
    assert store.directory().members == {"g": {"Anna"}}


def test_a_renamed_person_stays_in_its_groups_although_they_are_not_reported(store: Store) -> None:
    anna = person("anna")
    store.apply(anna, group("g", "uid=anna", logins=["anna"]))
    store.apply(renamed(anna, "berta"))
    assert store.directory().members == {"g": {"berta"}}
    number = store.last()
    store.apply(group("g", "uid=berta", logins=["berta"]))
    assert store.last() == number


def test_a_group_that_still_names_the_old_dn_of_a_renamed_person_loses_it_when_reported(store: Store) -> None:
    anna, named = person("anna"), group("g", "uid=anna")
    store.apply(anna, named)
    store.apply(renamed(anna, "berta"))
    store.apply(named)
    assert store.directory().members == {"g": frozenset()}


def test_members_that_arrive_after_their_group_are_found(store: Store) -> None:
    store.apply(group("outer", "cn=inner", "uid=anna", logins=["bert"]))
    store.apply(person("bert"), person("anna"), group("inner", "cn=outer"))
    assert store.directory().members == {"outer": {"inner", "anna", "bert"}, "inner": {"outer"}}


def test_the_change_of_a_group_has_the_members_that_it_gained_and_lost(store: Store) -> None:
    store.apply(*map(person, "abc"), group("g", "uid=a", "uid=b"))
    store.apply(group("g", "uid=b", "uid=c"))
    change = store.log()[-1]
    assert [member.id for member in change.added_members] == [store.user("c").id]
    assert [member.id for member in change.removed_members] == [store.user("a").id]
    assert change.object is not None
    assert change.object.updated_at == store.time


def test_a_member_named_in_two_ways_is_one_member_until_both_are_gone(store: Store) -> None:
    store.apply(person("anna"), group("g", "uid=anna", logins=["anna"]))
    number = store.last()
    store.apply(group("g", logins=["anna"]))
    assert store.last() == number
    store.apply(group("g"))
    assert store.directory().members == {"g": frozenset()}


def test_a_group_report_without_members_leaves_its_members(store: Store) -> None:
    store.apply(person("anna"), group("g", "uid=anna"))
    store.apply(Delta(DeltaType.UPSERT, Kind.GROUP, "g:g", "cn=g,dc=example,dc=test", {"description": ("new",)}))
    assert store.directory().members == {"g": {"anna"}}
    assert store.directory().attributes["g"] == {"description": ("new",)}


def test_a_unit_is_never_a_member(store: Store) -> None:
    store.apply(unit("a"), group("g", "ou=a"))
    store.apply(unit("a", description=("touched",)))
    assert store.directory().members == {"g": frozenset()}
