"""The door: from what a source reports to the directory and its log."""

import pytest

from gateway.model.changes import ChangeType
from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, Organization, Origin, User
from gateway.model.records import Reference, ReferenceForm, Situation
from gateway.model.runs import Outcome, Result
from gateway.store.objects import organizations, users
from gateway.store.operations import source_state
from gateway.store.records import records
from gateway.sync.inbound import InboundSettings
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import House, gone, group, person, present, renamed, unit


def test_a_person_becomes_a_user_with_the_origin_it_came_from(both_houses: House) -> None:
    applied = both_houses.apply(person("anna", common_name="Anna", photo=(b"\xff\x00",)))
    anna = both_houses.user("ANNA")
    assert anna.origin == Origin("ldap", "hr", "u:anna")
    assert anna.attributes == {"common_name": ("Anna",), "photo": (b"\xff\x00",)}
    assert anna.enabled
    assert anna.created_at == anna.updated_at == both_houses.time
    assert applied.statistics.total(Outcome.CREATED) == 1
    (change,) = both_houses.log()
    assert (change.type, change.object, change.source_id) == (ChangeType.CREATE, anna, "hr")


def test_law_2_applying_a_batch_twice_is_applying_it_once(both_houses: House) -> None:
    batch = [unit("sales"), person("anna", "ou=sales"), group("all", "uid=anna,ou=sales", "uid=nobody", logins=["bert"])]
    both_houses.apply(*batch)
    before, number = both_houses.directory(), both_houses.last()
    applied = both_houses.apply(*batch)
    assert (both_houses.directory(), both_houses.last()) == (before, number)
    assert applied.statistics.counts == {(kind, Outcome.UNCHANGED, Result.SUCCEEDED): 1 for kind in Kind}


def test_law_2_the_watermark_is_stored_with_its_batch(house: House) -> None:
    house.apply(person("anna"), watermark=b"one")
    assert house.database.read_blocking(house.door().watermark) == b"one"
    house.apply(person("bert"))
    assert house.database.read_blocking(house.door().watermark) == b"one"


def test_other_settings_make_the_watermark_worthless_and_place_everything_anew(house: House) -> None:
    house.apply(unit("office", external_id="x"), source="other")
    house.apply(person("anna"), watermark=b"one")
    office = house.database.read_blocking(lambda c: organizations.id_by_origin(c, Origin("ldap", "other", "x")))
    house.settings = InboundSettings(target_organization_id=office or "", fingerprint="other settings")
    assert house.database.read_blocking(house.door().watermark) is None
    house.apply(person("anna"))
    assert house.directory().users == {"anna": ("/office/",)}


def test_law_9_an_attribute_that_was_not_seen_stays_and_one_seen_empty_is_cleared(house: House) -> None:
    house.apply(person("anna", title="Boss", email="a@example.test"))
    house.apply(person("anna", email=()))
    assert house.user("anna").attributes == {"title": ("Boss",)}


def test_of_a_single_valued_attribute_the_first_value_is_kept(house: House) -> None:
    house.apply(person("anna", title=("Boss", "Queen"), email=("a@x", "b@x")))
    assert house.user("anna").attributes == {"title": ("Boss",), "email": ("a@x", "b@x")}


@pytest.mark.parametrize(("said", "enabled"), [("false", False), ("FALSE", False), ("true", True), ("", True)])
def test_a_source_can_lock_an_account(house: House, said: str, enabled: bool) -> None:
    house.apply(person("anna", enabled=said))
    assert house.user("anna").enabled is enabled


def test_law_11_no_rename_or_move_changes_an_id(house: House) -> None:
    house.apply(unit("a"), unit("b"), person("anna", "ou=a"))
    first = house.user("anna").id
    house.apply(person("berta", "ou=b", external_id="u:anna"))
    assert house.user("berta").id == first
    assert house.names() == {"berta"}


def test_a_change_tells_where_a_user_was_before(house: House) -> None:
    house.apply(unit("a"), unit("b"), person("anna", "ou=a"))
    before = house.user("anna").organization_ids
    house.apply(person("anna", "ou=b"))
    change = house.log()[-1]
    assert isinstance(change.object, User)
    assert change.organizations_before == before != change.object.organization_ids


def test_a_change_tells_what_was_above_an_organization_before(house: House) -> None:
    house.apply(unit("a"), unit("b"), unit("c", "ou=a"))
    inner = house.log()[-1].object_id
    above = house.database.read_blocking(lambda c: organizations.ancestors(c, inner))
    house.apply(unit("c", "ou=b"))
    change = house.log()[-1]
    assert (change.object_id, change.organizations_before) == (inner, above)
    assert above[-1] == ROOT_ORGANIZATION_ID


def test_one_object_has_one_change_in_one_batch(house: House) -> None:
    house.apply(unit("a"), person("anna"), group("g"))
    number = house.last()
    house.apply(person("anna", "ou=a", title="One"), person("anna", "ou=a", title="Two"), group("g", "uid=anna,ou=a"))
    assert [(change.kind, change.type) for change in house.log(number)] == [
        (Kind.USER, ChangeType.UPDATE),
        (Kind.GROUP, ChangeType.UPDATE),
    ]
    assert house.user("anna").first("title") == "Two"


def test_nothing_is_logged_when_nothing_changed_for_the_directory(house: House) -> None:
    house.apply(person("anna", title="Boss"))
    number = house.last()
    applied = house.apply(person("anna", title=("Boss", "a second value that is not kept")))
    assert house.last() == number == applied.last_change_number
    assert applied.statistics.total(Outcome.UNCHANGED) == 1


# ---- places


def test_people_and_units_belong_to_the_nearest_unit_above_them(house: House) -> None:
    house.apply(unit("a"), unit("b", "ou=a"), person("anna", "ou=b,ou=a"), person("bert", "cn=x,ou=a"), person("carl"))
    assert house.directory().users == {"anna": ("/a/b/",), "bert": ("/a/",), "carl": ("/",)}


def test_whoever_arrives_before_its_unit_moves_in_when_the_unit_arrives(house: House) -> None:
    house.apply(person("anna", "ou=b,ou=a"))
    house.apply(unit("b", "ou=a"))
    assert house.directory().users == {"anna": ("/b/",)}
    house.apply(unit("a"))
    assert house.directory().users == {"anna": ("/a/b/",)}


def test_the_children_of_a_deleted_unit_move_to_the_next_one_above(house: House) -> None:
    house.apply(unit("a"), unit("b", "ou=a"), unit("c", "ou=b,ou=a"), person("anna", "ou=b,ou=a"))
    number = house.last()
    house.apply(gone(Kind.ORGANIZATION, "o:b"))
    assert house.directory().users == {"anna": ("/a/",)}
    assert house.directory().organizations == {"/", "/a/", "/a/c/"}
    assert [change.type for change in house.log(number)] == [ChangeType.UPDATE, ChangeType.UPDATE, ChangeType.DELETE]


def test_what_a_record_says_of_its_organizations_wins_over_its_position(house: House) -> None:
    chosen = (Reference(ReferenceForm.ID, "o:b"), Reference(ReferenceForm.ID, "o:a"), Reference(ReferenceForm.ID, "o:late"))
    anna = Delta(DeltaType.UPSERT, Kind.USER, "u:anna", "uid=anna,ou=c", {"username": ("anna",)}, {"organizations": chosen})
    house.apply(unit("a"), unit("b"), unit("c"), anna)
    assert house.directory().users == {"anna": ("/b/", "/a/")}
    house.apply(unit("late"))
    assert house.directory().users == {"anna": ("/b/", "/a/", "/late/")}
    house.apply(gone(Kind.ORGANIZATION, "o:b"))
    assert house.directory().users == {"anna": ("/a/", "/late/")}


def test_organizations_that_name_each_other_as_parent_do_not_make_a_circle(house: House) -> None:
    def below(name: str, parent: str) -> Delta:
        pointing = {"parent": (Reference(ReferenceForm.ID, f"o:{parent}"),)}
        return Delta(DeltaType.UPSERT, Kind.ORGANIZATION, f"o:{name}", "", {"name": (name,)}, pointing)

    house.apply(below("a", "b"), below("b", "c"))
    applied = house.apply(below("c", "a"))
    assert any("lie below itself" in problem for problem in applied.problems)
    assert len(house.directory().organizations) == 4


def test_a_source_may_be_read_into_an_organization_of_its_own(house: House) -> None:
    house.apply(unit("acme"), source="other")
    target = house.log()[-1].object_id
    house.settings = InboundSettings(target_organization_id=target)
    house.apply(unit("sales"), person("anna"), person("bert", "ou=sales"))
    assert house.directory().users == {"anna": ("/acme/",), "bert": ("/acme/sales/",)}


# ---- what upstreams do not report


def test_a_renamed_unit_takes_everything_below_along_although_only_the_unit_is_reported(house: House) -> None:
    house.apply(unit("Old", external_id="x"), unit("in", "ou=Old"), person("Anna", "ou=in,OU=Old"), person("bert", "ou=Old"))
    ids = {name: house.user(name).id for name in ("anna", "bert")}
    house.apply(unit("New", external_id="x"))
    assert house.directory().users == {"Anna": ("/New/in/",), "bert": ("/New/",)}
    assert {name: house.user(name).id for name in ids} == ids
    account = house.database.read_blocking(lambda c: records.accounts(c, ids["anna"]))[0]
    assert account.dn == "uid=Anna,ou=in,ou=New,dc=example,dc=test"
    house.apply(group("g", "uid=anna,ou=in,ou=new"))
    assert house.directory().members == {"g": {"Anna"}}


def test_what_the_batch_says_of_an_entry_after_its_unit_was_renamed_counts(house: House) -> None:
    house.apply(unit("a", external_id="x"), person("anna", "ou=a"), person("bert", "ou=a"))
    house.apply(
        unit("b", external_id="x"),
        unit("a", external_id="y"),
        person("anna", "ou=a"),
        person("carl", "ou=a"),
        person("bert", "ou=b"),
    )
    assert house.directory().users == {"anna": ("/a/",), "bert": ("/b/",), "carl": ("/a/",)}


def test_what_the_batch_says_of_an_entry_before_its_unit_was_renamed_is_renamed_too(house: House) -> None:
    house.apply(unit("a", external_id="x"), person("anna", "ou=a"))
    house.apply(person("anna", "ou=a", title="Boss"), person("carl", "ou=a"), unit("b", external_id="x"))
    assert house.directory().users == {"anna": ("/b/",), "carl": ("/b/",)}


def test_a_unit_that_one_batch_adds_and_renames_takes_along_what_was_said_in_between(house: House) -> None:
    house.apply(unit("a", external_id="x"), unit("in", "ou=a"), unit("b", external_id="x"), person("anna", "ou=in,ou=b"))
    assert house.directory().organizations == {"/", "/b/", "/b/in/"}
    assert house.directory().users == {"anna": ("/b/in/",)}


def test_a_group_reported_before_its_member_was_renamed_in_the_same_batch_has_the_member(house: House) -> None:
    anna = person("anna")
    house.apply(anna, group("g"))
    house.apply(group("g", "uid=anna"), renamed(anna, "berta"))
    assert house.directory().members == {"g": {"berta"}}


def test_a_deleted_person_leaves_the_groups_that_name_its_dn(house: House) -> None:
    house.apply(person("anna"), person("bert"), group("g", "uid=anna", "uid=bert"))
    house.apply(gone(Kind.USER, "u:anna"))
    assert house.directory().members == {"g": {"bert"}}
    house.apply(person("anna", external_id="again"))
    assert house.directory().members == {"g": {"bert"}}, "the server does not say whether it is still in the group"
    house.apply(group("g", "uid=anna", "uid=bert"))
    assert house.directory().members == {"g": {"anna", "bert"}}, "now it does"


def test_a_login_that_comes_back_is_again_a_member_where_groups_name_logins(house: House) -> None:
    house.apply(person("anna"), group("g", logins=["ANNA"]))
    house.apply(gone(Kind.USER, "u:anna"))
    assert house.directory().members == {"g": frozenset()}
    house.apply(person("Anna", external_id="again"))
    assert house.directory().members == {"g": {"Anna"}}


def test_a_renamed_person_stays_in_its_groups_although_they_are_not_reported(house: House) -> None:
    anna = person("anna")
    house.apply(anna, group("g", "uid=anna", logins=["anna"]))
    house.apply(renamed(anna, "berta"))
    assert house.directory().members == {"g": {"berta"}}
    number = house.last()
    house.apply(group("g", "uid=berta", logins=["berta"]))
    assert house.last() == number


def test_a_group_that_still_names_the_old_dn_of_a_renamed_person_loses_it_when_reported(house: House) -> None:
    anna, named = person("anna"), group("g", "uid=anna")
    house.apply(anna, named)
    house.apply(renamed(anna, "berta"))
    house.apply(named)
    assert house.directory().members == {"g": frozenset()}


# ---- groups


def test_members_that_arrive_after_their_group_are_found(house: House) -> None:
    house.apply(group("outer", "cn=inner", "uid=anna", logins=["bert"]))
    house.apply(person("bert"), person("anna"), group("inner", "cn=outer"))
    assert house.directory().members == {"outer": {"inner", "anna", "bert"}, "inner": {"outer"}}


def test_a_group_tells_which_members_it_gained_and_lost(house: House) -> None:
    house.apply(*map(person, "abc"), group("g", "uid=a", "uid=b"))
    house.apply(group("g", "uid=b", "uid=c"))
    change = house.log()[-1]
    assert [member.id for member in change.added_members] == [house.user("c").id]
    assert [member.id for member in change.removed_members] == [house.user("a").id]
    assert change.object is not None
    assert change.object.updated_at == house.time


def test_a_member_named_in_two_ways_is_one_member_until_both_are_gone(house: House) -> None:
    house.apply(person("anna"), group("g", "uid=anna", logins=["anna"]))
    number = house.last()
    house.apply(group("g", logins=["anna"]))
    assert house.last() == number
    house.apply(group("g"))
    assert house.directory().members == {"g": frozenset()}


def test_a_group_report_without_members_says_nothing_about_them(house: House) -> None:
    house.apply(person("anna"), group("g", "uid=anna"))
    house.apply(Delta(DeltaType.UPSERT, Kind.GROUP, "g:g", "cn=g,dc=example,dc=test", {"description": ("new",)}))
    assert house.directory().members == {"g": {"anna"}}
    assert house.directory().attributes["g"] == {"description": ("new",)}


def test_a_unit_is_never_a_member(house: House) -> None:
    house.apply(unit("a"), group("g", "ou=a"))
    house.apply(unit("a", description=("touched",)))
    assert house.directory().members == {"g": frozenset()}


# ---- disputes and records that cannot be objects


def test_law_10_a_login_name_that_is_taken_is_disputed_and_both_are_named(house: House) -> None:
    house.apply(person("anna", external_id="1"))
    applied = house.apply(person("Anna", "ou=x", external_id="2"))
    assert applied.statistics.counts == {(Kind.USER, Outcome.CREATED, Result.SKIPPED): 1}
    (problem,) = applied.problems
    assert "uid=Anna,ou=x,dc=example,dc=test" in problem
    assert "uid=anna,dc=example,dc=test (source hr)" in problem
    assert "rename or remove" in problem
    ((_, record),) = house.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert (record.situation, record.reason) == (Situation.DISPUTED, problem)
    again = house.apply(person("Anna", "ou=x", external_id="2"))
    assert again.statistics.counts == {(Kind.USER, Outcome.UNCHANGED, Result.SKIPPED): 1}


@pytest.mark.parametrize("cure", [gone(Kind.USER, "1"), person("berta", external_id="1")])
def test_law_10_a_dispute_ends_by_itself_when_the_other_one_goes_or_changes_its_name(house: House, cure: Delta) -> None:
    house.apply(person("anna", external_id="1"), group("g", "uid=anna,ou=x"))
    house.apply(person("anna", "ou=x", external_id="2", title="Second"))
    house.apply(cure)
    assert house.user("anna").first("title") == "Second"
    assert house.directory().members["g"] == {"anna"}
    assert house.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {}


def test_law_10_a_dispute_with_another_source_ends_when_this_source_is_heard_of_next(house: House) -> None:
    house.deleted = Reaction.DELETE
    house.apply(person("anna"), source="first")
    house.apply(person("anna"))
    house.apply(gone(Kind.USER, "u:anna"), source="first")
    assert house.names() == set()
    house.apply(caught_up=True)
    assert house.user("anna").origin.source_id == "hr"


def test_a_user_whose_new_name_is_taken_keeps_the_old_one_and_takes_the_rest(house: House) -> None:
    house.deleted = Reaction.DELETE
    house.apply(person("anna"), person("bert", external_id="2"))
    house.apply(person("anna", external_id="2", title="Boss"))
    assert house.user("bert").first("title") == "Boss"
    house.apply(gone(Kind.USER, "u:anna"))
    assert house.user("anna").origin.external_id == "2"


def test_names_may_go_round_in_one_batch(house: House) -> None:
    house.apply(*(person(name, external_id=name) for name in "abc"))
    ids = {name: house.user(name).id for name in "abc"}
    applied = house.apply(*(person(new, external_id=old) for old, new in ("ab", "bc", "ca")))
    assert {name: house.user(name).id for name in "bca"} == {new: ids[old] for old, new in ("ab", "bc", "ca")}
    assert applied.problems == ()


def test_two_newcomers_of_one_name_in_one_batch_are_a_user_and_a_dispute(house: House) -> None:
    applied = house.apply(person("anna", external_id="1"), person("ANNA", "ou=x", external_id="2"))
    assert house.user("anna").origin.external_id == "1"
    assert len(applied.problems) == 1


def test_a_record_without_a_name_is_kept_and_said_why(house: House) -> None:
    nameless = Delta(DeltaType.UPSERT, Kind.USER, "1", "cn=printer,dc=example,dc=test", {"username": (), "title": ("x",)})
    applied = house.apply(nameless, Delta(DeltaType.UPSERT, Kind.USER, "2", "cn=y", {}, problem="cn=y has no uid: give it one"))
    assert applied.statistics.counts == {(Kind.USER, Outcome.CREATED, Result.SKIPPED): 2}
    assert "cn=printer" in applied.problems[0]
    assert applied.problems[1] == "cn=y has no uid: give it one"
    house.apply(person("printer", external_id="1"))
    assert house.user("printer").first("title") == "x"


def test_a_linked_record_that_becomes_a_problem_leaves_its_user_as_it_is(house: House) -> None:
    house.apply(person("anna", external_id="1", title="Boss"), group("g", "uid=anna"))
    number = house.last()
    broken = Delta(DeltaType.UPSERT, Kind.USER, "1", "uid=anna,dc=example,dc=test", {"title": ()}, problem="it has no uid now")
    applied = house.apply(broken)
    assert house.last() == number
    assert applied.problems == ("it has no uid now",)
    assert house.user("anna").first("title") == "Boss"
    ((_, record),) = house.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert record.situation is Situation.UNMATCHED
    house.apply(person("anna", external_id="1"))
    assert house.user("anna").attributes == {}


@pytest.mark.parametrize("name", ["", "  ", "nul\0l", "x" * 300])
def test_a_name_that_nobody_can_have_is_a_problem_of_that_record_alone(both_houses: House, name: str) -> None:
    strange = Delta(DeltaType.UPSERT, Kind.USER, "1", "cn=strange", {"username": (name,)})
    applied = both_houses.apply(strange, person("anna"))
    assert both_houses.names() == {"anna"}
    assert applied.statistics.total(Outcome.CREATED, Result.SKIPPED) == 1


def test_dirty_values_stop_nothing_and_lose_nothing_else(both_houses: House) -> None:
    strange = [
        Delta(DeltaType.UPSERT, Kind.USER, "1", "not a name", {"username": ("a",), "email": ("x\0y" * 3000,)}),
        Delta(DeltaType.UPSERT, Kind.USER, "2", "uid=b\0", {"username": ("b",), "title": ("half \ud800 pair",)}),
        Delta(DeltaType.UPSERT, Kind.USER, "3", f"uid=c,ou={'x' * 5000}", {"username": ("c",), "phone_number": ("none",)}),
        Delta(DeltaType.UPSERT, Kind.USER, "4" * 5000, "uid=d", {"username": ("d",)}),
        group("g", f"uid={'y' * 5000}", "uid=a\0"[:-1]),
    ]
    applied = both_houses.apply(*strange)
    assert both_houses.names() == {"a", "b", "c"}
    assert any("not a name" in problem for problem in applied.problems)
    assert both_houses.apply(*strange).last_change_number == both_houses.last()


def test_what_is_said_to_be_present_and_was_never_received_is_none_of_ours(house: House) -> None:
    applied = house.apply(present(person("anna")))
    assert (applied.problems, applied.statistics.counts, house.names()) == ((), {}, set())


def test_the_accounts_of_a_user_tell_whom_to_ask_for_its_password(house: House) -> None:
    house.apply(person("anna"))
    (account,) = house.database.read_blocking(lambda c: records.accounts(c, house.user("anna").id))
    assert (account.source_id, account.external_id, account.dn) == ("hr", "u:anna", "uid=anna,dc=example,dc=test")


def test_a_source_is_known_after_its_first_batch(house: House) -> None:
    house.apply(person("anna"), watermark=b"secret cookie")
    state = house.database.read_blocking(lambda c: source_state.get(c, "hr"))
    assert state is not None
    assert state.source_type == "ldap"
    assert "secret" not in repr(state)


def test_many_users_are_one_page_away(house: House) -> None:
    house.apply(unit("a"), *(person(f"p{n}", "ou=a") for n in range(30)))
    root = house.database.read_blocking(lambda c: organizations.subtree(c, [ROOT_ORGANIZATION_ID]))
    page, total = house.database.read_blocking(lambda c: users.page(c, root, 10, 10))
    assert (len(page), total) == (10, 30)
    assert all(isinstance(thing.object, Organization | User) for thing in house.log())
