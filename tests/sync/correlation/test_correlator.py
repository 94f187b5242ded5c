"""Records of several sources are linked to one object by rules, in any order of arrival. Several candidates are a dispute."""

from dataclasses import replace

import pytest

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.records import records
from gateway.sync.rules.authority import Authority
from gateway.sync.rules.correlation import Reaction
from tests.sync.linked_records import AD, HR, record, without_login
from tests.sync.synced_store import Store, gone, group, person, unit


@pytest.fixture
def linked(both_stores: Store) -> Store:
    """HR links its records by number, then by mail; AD has no rules."""
    both_stores.correlate(HR, "employee_number = employee_number", "email = email")
    return both_stores


def test_a_rule_links_the_record_of_another_source_and_the_user_keeps_its_id(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    identifier = linked.user("anna").id
    applied = linked.apply(person("a.smith", employee_number=" 7 ", title="Boss"), source=HR)
    user = linked.user("anna")
    assert (user.id, user.first("title"), applied.problems) == (identifier, "Boss", ())
    assert linked.names() == {"anna"}
    accounts = linked.database.read_blocking(lambda c: records.accounts(c, identifier))
    assert [account.source_id for account in accounts] == [AD, HR]


def test_values_are_compared_without_case_width_and_spaces(linked: Store) -> None:
    linked.apply(person("anna", email="Anna.Smith@Example.test"), source=AD)  # full width
    linked.apply(person("other", email=" anna.smith@EXAMPLE.TEST"), source=HR)
    assert linked.names() == {"anna"}


def test_any_equal_pair_of_values_matches_and_nothing_matches_nothing(linked: Store) -> None:
    linked.apply(person("anna", email=("a@x.test", "b@x.test")), person("bert", employee_number="", email=()), source=AD)
    linked.apply(person("a2", email=("c@x.test", "b@x.test")), person("b2", employee_number="", email=()), source=HR)
    assert linked.names() == {"anna", "bert", "b2"}


def test_the_first_rule_that_finds_anything_decides(linked: Store) -> None:
    linked.apply(person("seven", employee_number="7"), person("mail", email="m@x.test"), source=AD)
    linked.apply(person("who", employee_number="7", email="m@x.test", title="t"), source=HR)
    assert linked.user("seven").first("title") == "t"
    assert linked.user("mail").first("title") == ""


def test_a_rule_may_compute_what_it_looks_for(store: Store) -> None:
    store.correlate(HR, "username = lower(split(email, '@', 1))")
    store.apply(person("anna"), source=AD)
    store.apply(without_login("1", email="ANNA@x.test", title="t"), source=HR)
    assert store.user("anna").first("title") == "t"


def test_a_record_without_a_login_name_is_linked_or_waits_and_is_linked_when_its_user_appears(linked: Store) -> None:
    applied = linked.apply(without_login("1", employee_number="7", title="t"), source=HR)
    assert record(linked, HR, "1").situation is Situation.UNMATCHED
    assert "no login name" in applied.problems[0]
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "1").situation is Situation.LINKED
    assert linked.user("anna").first("title") == "t"


def test_a_user_whose_named_record_goes_keeps_its_name(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(without_login("1", employee_number="7", title="t"), source=HR)
    linked.apply(gone(Kind.USER, "u:anna"), source=AD, allow_deletions=True)
    linked.apply(without_login("1", employee_number="7", title="new"), source=HR)
    assert linked.user("anna").first("title") == "new"


# ---- who arrives second


def test_a_record_that_arrives_second_is_found_by_the_rules_of_the_first(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=HR)
    identifier = linked.user("anna").id
    linked.apply(person("asmith", employee_number="7", title="t"), source=AD)
    assert linked.names() == {"anna"}
    assert linked.user("anna").id == identifier
    assert linked.user("anna").first("title") == "t"


def test_rules_that_only_propose_do_not_link_records_that_arrive_second(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    store.apply(person("anna", employee_number="7"), source=HR)
    store.apply(person("asmith", employee_number="7"), source=AD)
    assert store.names() == {"anna", "asmith"}


def test_a_user_known_by_a_number_at_one_source_is_known_by_it_also_when_another_source_decides(store: Store) -> None:
    store.authority = Authority(order=("crm", HR))
    store.correlate(HR, "employee_number = employee_number")
    store.correlate("crm", "email = email")
    store.apply(person("anna", email="a@x.test", employee_number="7"), source=HR)
    store.apply(person("acrm", email="a@x.test", employee_number="8"), source="crm")
    assert store.user("acrm").first("employee_number") == "8"
    store.correlate("badges", "employee_number = badge")
    store.apply(without_login("1", badge="7", title="t"), source="badges")
    assert store.user("acrm").first("title") == "t"


# ---- what rules cannot tell


def test_law_10_two_candidates_are_a_dispute_that_names_them_and_ends_when_one_goes(linked: Store) -> None:
    linked.deleted = Reaction.DELETE
    linked.apply(person("one", email="x@x.test"), person("two", email="x@x.test"), source=AD)
    applied = linked.apply(person("who", email="x@x.test"), source=HR, caught_up=True)
    assert "user one or user two" in applied.problems[0] or "user two or user one" in applied.problems[0]
    assert "gateway links link" in applied.problems[0]
    assert record(linked, HR, "u:who").situation is Situation.DISPUTED
    assert len(record(linked, HR, "u:who").candidates) == 2
    assert linked.names() == {"one", "two"}
    linked.apply(gone(Kind.USER, "u:two"), source=AD, allow_deletions=True)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "u:who").situation is Situation.LINKED
    assert linked.names() == {"one"}


def disputed_about_two(store: Store) -> None:
    store.apply(person("one", email="x@x.test"), person("two", email="x@x.test"), source=AD)
    store.apply(person("who", email="x@x.test"), source=HR, caught_up=True)
    assert record(store, HR, "u:who").situation is Situation.DISPUTED


OTHERS_CHANGED = [
    [person("two", email="y@x.test")],
    [person("one", email="y@x.test"), person("two", email="z@x.test")],
]
"""One candidate is left, none is."""


@pytest.mark.parametrize("changed", OTHERS_CHANGED)
@pytest.mark.parametrize("again", [(), (person("who", email="x@x.test", title="t"),)])
def test_law_10_a_dispute_does_not_settle_itself_because_others_changed(
    linked: Store, changed: list[Delta], again: tuple[Delta, ...]
) -> None:
    disputed_about_two(linked)
    before = record(linked, HR, "u:who")
    linked.apply(*changed, source=AD)
    linked.apply(*again, source=HR, caught_up=True)
    after = record(linked, HR, "u:who")
    assert (after.situation, after.candidates, after.reason) == (before.situation, before.candidates, before.reason)
    assert linked.names() == {"one", "two"}


def test_law_10_a_taken_user_whose_values_change_is_still_what_the_dispute_is_about(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(person("a1"), person("a2", employee_number="7"), source=HR)
    linked.apply(person("a3", employee_number="7"), source=HR)
    assert record(linked, HR, "u:a3").situation is Situation.DISPUTED
    linked.apply(person("anna", employee_number="8"), source=AD)
    linked.apply(person("a2", employee_number="9"), source=HR)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "u:a3").situation is Situation.DISPUTED
    assert linked.names() == {"anna", "a1"}


def test_a_dispute_is_decided_anew_when_the_record_itself_looks_for_another(linked: Store) -> None:
    disputed_about_two(linked)
    linked.apply(person("two", email="y@x.test"), source=AD)
    linked.apply(person("who", email="y@x.test"), source=HR)
    assert record(linked, HR, "u:who").object_id == linked.user("two").id


def test_a_dispute_is_decided_by_other_settings(linked: Store) -> None:
    disputed_about_two(linked)
    linked.apply(person("two", email="y@x.test"), source=AD)
    linked.settings = replace(linked.settings, fingerprint="others")
    linked.apply(person("who", email="x@x.test"), source=HR, caught_up=True)
    assert record(linked, HR, "u:who").object_id == linked.user("one").id


def test_a_dispute_settles_itself_where_the_reaction_says_so(store: Store) -> None:
    store.correlate(HR, "email = email", disputed=Reaction.RECHECK)
    disputed_about_two(store)
    store.apply(person("two", email="y@x.test"), source=AD)
    store.apply(source=HR, caught_up=True)
    assert record(store, HR, "u:who").object_id == store.user("one").id


def test_law_10_two_records_of_one_source_never_share_a_user_by_themselves(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(person("a1", employee_number="7"), source=HR)
    applied = linked.apply(person("a2", employee_number="7"), source=HR)
    assert "another record of the same source" in applied.problems[0]
    assert record(linked, HR, "u:a2").candidates == (linked.user("anna").id,)
    linked.apply(gone(Kind.USER, "u:a1"), source=HR, caught_up=True, allow_deletions=True)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "u:a2").situation is Situation.LINKED


def test_two_records_of_one_batch_do_not_share_a_user_either(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(person("a1", employee_number="7"), person("a2", employee_number="7"), source=HR)
    situations = [record(linked, HR, external_id).situation for external_id in ("u:a1", "u:a2")]
    assert situations == [Situation.LINKED, Situation.DISPUTED]


def test_several_records_of_one_source_share_a_user_where_that_is_configured(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", several=True)
    store.apply(person("a1", employee_number="7"), person("a2", employee_number="7", title="t"), source=HR)
    store.apply(person("a3", employee_number="7", department=("d",)), source=HR)
    assert store.names() == {"a1"}
    assert (store.user("a1").first("title"), store.user("a1").first("department")) == ("t", "d")


def test_a_login_name_that_is_taken_stays_a_dispute_for_records_that_no_rule_links(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    applied = linked.apply(person("anna", employee_number="8", external_id="8"), source=HR)
    assert "login name" in applied.problems[0]
    assert record(linked, HR, "8").candidates == (linked.user("anna").id,)


def test_a_record_that_comes_back_when_another_one_has_its_place_is_disputed(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), source=HR)
    linked.apply(gone(Kind.USER, "u:anna"), source=HR, allow_deletions=True)
    linked.apply(person("ad", employee_number="7"), source=AD)
    linked.apply(person("again", employee_number="7"), source=HR)
    linked.apply(person("anna", employee_number="7"), source=HR)
    situations = [record(linked, HR, external_id).situation for external_id in ("u:again", "u:anna")]
    assert situations == [Situation.LINKED, Situation.DISPUTED]


# ---- reactions


def test_a_record_that_is_not_to_be_linked_by_itself_waits_with_its_candidate(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    store.apply(person("anna", employee_number="7"), source=AD)
    applied = store.apply(person("asmith", employee_number="7"), source=HR)
    found = record(store, HR, "u:asmith")
    assert (found.situation, found.candidates) == (Situation.UNLINKED, (store.user("anna").id,))
    assert "user anna" in applied.problems[0]
    assert store.names() == {"anna"}


def test_a_record_that_is_not_to_create_waits_until_its_user_appears(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", unmatched=Reaction.QUEUE)
    applied = store.apply(person("asmith", employee_number="7"), source=HR)
    assert record(store, HR, "u:asmith").situation is Situation.UNMATCHED
    assert len(applied.problems) == 1
    store.apply(person("anna", employee_number="7"), source=AD)
    store.apply(source=HR, caught_up=True)
    assert record(store, HR, "u:asmith").situation is Situation.LINKED


def test_an_ignored_record_is_kept_and_is_no_problem(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", unmatched=Reaction.IGNORE)
    applied = store.apply(person("asmith", employee_number="7"), source=HR)
    assert (applied.problems, store.names()) == ((), set())
    assert store.database.read_blocking(lambda c: records.problems(c, HR)) == []
    assert store.database.read_blocking(lambda c: records.count_problems(c, HR)) == {}


def test_a_first_look_costs_nothing_when_nothing_has_changed(store: Store) -> None:
    store.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    store.apply(person("anna", employee_number="7"), source=AD)
    store.apply(person("asmith", employee_number="7"), source=HR, caught_up=True)
    applied = store.apply(source=HR, caught_up=True)
    assert applied.statistics.counts == {}


# ---- organizations and groups


def test_organizations_are_linked_by_their_path(store: Store) -> None:
    store.correlate(HR, "path", kind=Kind.ORGANIZATION)
    store.apply(unit("Sales"), unit("North", "ou=Sales"), person("anna", "ou=North,ou=Sales"), source=AD)
    store.apply(unit("north", "ou=sales"), unit("sales"), unit("South", "ou=sales"), source=HR)
    assert store.directory().organizations == {"/", "/Sales/", "/Sales/North/", "/Sales/South/"}


def test_organizations_are_linked_by_their_path_in_any_order_of_arrival(store: Store) -> None:
    store.correlate(HR, "path", kind=Kind.ORGANIZATION)
    store.apply(unit("Sales"), unit("North", "ou=Sales"), source=HR)
    store.apply(unit("sales"), unit("north", "ou=sales"), person("anna", "ou=north,ou=sales"), source=AD)
    assert store.directory().organizations == {"/", "/Sales/", "/Sales/North/"}
    assert store.path(store.user("anna")) == "/Sales/North/"


def test_a_source_that_knows_no_organizations_does_not_place_whom_another_one_places(linked: Store) -> None:
    linked.apply(unit("Sales"), person("anna", "ou=Sales", employee_number="7"), source=AD)
    linked.apply(without_login("1", employee_number="7"), source=HR)
    assert linked.directory().users["anna"] == ("/Sales/",)
    linked.apply(gone(Kind.USER, "u:anna"), source=AD, allow_deletions=True)
    assert linked.directory().users["anna"] == ("/",)


def test_organizations_and_groups_are_linked_by_external_id(store: Store) -> None:
    for kind in (Kind.ORGANIZATION, Kind.GROUP):
        store.correlate(HR, "external_id = code", kind=kind)
    store.apply(unit("Sales", external_id="D1"), group("staff", "uid=anna", external_id="G1"), person("anna"), source=AD)
    store.apply(unit("Vertrieb", external_id="1", code=("D1",)), source=HR)
    other = group("alle", "uid=bert", external_id="2")
    store.apply(replace(other, attributes={**other.attributes, "code": ("G1",)}), person("bert"), source=HR)
    assert store.directory().organizations == {"/", "/Sales/"}
    assert store.directory().members == {"staff": frozenset({"anna", "bert"})}


def test_a_member_whose_record_is_linked_is_a_member_as_the_linked_user(linked: Store) -> None:
    linked.apply(person("anna", employee_number="7"), group("ad-group", "uid=anna"), source=AD)
    linked.apply(group("hr-group", "uid=asmith"), person("asmith", employee_number="7"), source=HR)
    assert linked.directory().members == {"ad-group": frozenset({"anna"}), "hr-group": frozenset({"anna"})}


def test_keys_of_objects_of_before_are_made_when_rules_are_added(store: Store) -> None:
    store.apply(person("anna", employee_number="7"), source=AD)
    store.correlate(HR, "employee_number = employee_number")
    store.apply(person("asmith", employee_number="7"), source=HR)
    assert store.names() == {"anna"}
