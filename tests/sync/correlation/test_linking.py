"""Records of several sources come together in one object by rules, whoever arrives first. What they cannot tell is disputed."""

from dataclasses import replace

import pytest

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.records import records
from gateway.sync.rules.authority import Authority
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import House, gone, group, person, unit

AD, HR = "ad", "hr"


def record(house: House, source: str, external_id: str, kind: Kind = Kind.USER) -> Record:
    found = house.database.read_blocking(lambda c: records.get(c, source, kind, external_id))
    assert found is not None
    return found


def without_login(external_id: str, **attributes: str) -> Delta:
    """What a personnel system says: no login name, no place."""
    delta = person("x", external_id=external_id, **attributes)
    return replace(delta, dn="", attributes={name: v for name, v in delta.attributes.items() if name != "username"})


@pytest.fixture
def linked(both_houses: House) -> House:
    """HR links its records by number, then by mail; AD has no rules."""
    both_houses.correlate(HR, "employee_number = employee_number", "email = email")
    return both_houses


def test_a_rule_links_the_record_of_another_source_and_the_user_keeps_its_id(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    identifier = linked.user("anna").id
    applied = linked.apply(person("a.smith", employee_number=" 7 ", title="Boss"), source=HR)
    user = linked.user("anna")
    assert (user.id, user.first("title"), applied.problems) == (identifier, "Boss", ())
    assert linked.names() == {"anna"}
    accounts = linked.database.read_blocking(lambda c: records.accounts(c, identifier))
    assert [account.source_id for account in accounts] == [AD, HR]


def test_values_are_compared_without_case_width_and_spaces(linked: House) -> None:
    linked.apply(person("anna", email="Anna.Smith@Example.test"), source=AD)  # full width
    linked.apply(person("other", email=" anna.smith@EXAMPLE.TEST"), source=HR)
    assert linked.names() == {"anna"}


def test_any_equal_pair_of_values_matches_and_nothing_matches_nothing(linked: House) -> None:
    linked.apply(person("anna", email=("a@x.test", "b@x.test")), person("bert", employee_number="", email=()), source=AD)
    linked.apply(person("a2", email=("c@x.test", "b@x.test")), person("b2", employee_number="", email=()), source=HR)
    assert linked.names() == {"anna", "bert", "b2"}


def test_the_first_rule_that_finds_anything_decides(linked: House) -> None:
    linked.apply(person("seven", employee_number="7"), person("mail", email="m@x.test"), source=AD)
    linked.apply(person("who", employee_number="7", email="m@x.test", title="t"), source=HR)
    assert linked.user("seven").first("title") == "t"
    assert linked.user("mail").first("title") == ""


def test_a_rule_may_compute_what_it_looks_for(house: House) -> None:
    house.correlate(HR, "username = lower(split(email, '@', 1))")
    house.apply(person("anna"), source=AD)
    house.apply(without_login("1", email="ANNA@x.test", title="t"), source=HR)
    assert house.user("anna").first("title") == "t"


def test_a_record_without_a_login_name_is_linked_or_waits_and_is_linked_when_its_user_appears(linked: House) -> None:
    applied = linked.apply(without_login("1", employee_number="7", title="t"), source=HR)
    assert record(linked, HR, "1").situation is Situation.UNMATCHED
    assert "no login name" in applied.problems[0]
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "1").situation is Situation.LINKED
    assert linked.user("anna").first("title") == "t"


def test_a_user_whose_named_record_goes_keeps_its_name(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(without_login("1", employee_number="7", title="t"), source=HR)
    linked.apply(gone(Kind.USER, "u:anna"), source=AD, allow_deletions=True)
    linked.apply(without_login("1", employee_number="7", title="new"), source=HR)
    assert linked.user("anna").first("title") == "new"


# ---- who arrives second


def test_whoever_arrives_second_is_found_by_the_rules_of_the_first(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=HR)
    identifier = linked.user("anna").id
    linked.apply(person("asmith", employee_number="7", title="t"), source=AD)
    assert linked.names() == {"anna"}
    assert linked.user("anna").id == identifier
    assert linked.user("anna").first("title") == "t"


def test_rules_that_only_propose_do_not_take_in_who_arrives_second(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    house.apply(person("anna", employee_number="7"), source=HR)
    house.apply(person("asmith", employee_number="7"), source=AD)
    assert house.names() == {"anna", "asmith"}


def test_who_is_known_by_a_number_at_one_source_is_known_by_it_also_when_another_source_decides(house: House) -> None:
    house.authority = Authority(order=("crm", HR))
    house.correlate(HR, "employee_number = employee_number")
    house.correlate("crm", "email = email")
    house.apply(person("anna", email="a@x.test", employee_number="7"), source=HR)
    house.apply(person("acrm", email="a@x.test", employee_number="8"), source="crm")
    assert house.user("acrm").first("employee_number") == "8"
    house.correlate("badges", "employee_number = badge")
    house.apply(without_login("1", badge="7", title="t"), source="badges")
    assert house.user("acrm").first("title") == "t"


# ---- what rules cannot tell


def test_law_10_two_candidates_are_a_dispute_that_names_them_and_ends_when_one_goes(linked: House) -> None:
    linked.apply(person("one", email="x@x.test"), person("two", email="x@x.test"), source=AD)
    applied = linked.apply(person("who", email="x@x.test"), source=HR, caught_up=True)
    assert "user one or user two" in applied.problems[0] or "user two or user one" in applied.problems[0]
    assert "gateway links link" in applied.problems[0]
    assert record(linked, HR, "u:who").situation is Situation.DISPUTED
    assert len(record(linked, HR, "u:who").candidates) == 2
    assert linked.names() == {"one", "two"}
    linked.apply(person("two", email="y@x.test"), source=AD)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "u:who").situation is Situation.LINKED
    assert linked.names() == {"one", "two"}


def test_law_10_two_records_of_one_source_never_share_a_user_by_themselves(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(person("a1", employee_number="7"), source=HR)
    applied = linked.apply(person("a2", employee_number="7"), source=HR)
    assert "another record of the same source" in applied.problems[0]
    assert record(linked, HR, "u:a2").candidates == (linked.user("anna").id,)
    linked.apply(gone(Kind.USER, "u:a1"), source=HR, caught_up=True, allow_deletions=True)
    linked.apply(source=HR, caught_up=True)
    assert record(linked, HR, "u:a2").situation is Situation.LINKED


def test_two_records_of_one_batch_do_not_share_a_user_either(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    linked.apply(person("a1", employee_number="7"), person("a2", employee_number="7"), source=HR)
    situations = [record(linked, HR, external_id).situation for external_id in ("u:a1", "u:a2")]
    assert situations == [Situation.LINKED, Situation.DISPUTED]


def test_several_records_of_one_source_share_a_user_where_that_is_configured(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", several=True)
    house.apply(person("a1", employee_number="7"), person("a2", employee_number="7", title="t"), source=HR)
    house.apply(person("a3", employee_number="7", department=("d",)), source=HR)
    assert house.names() == {"a1"}
    assert (house.user("a1").first("title"), house.user("a1").first("department")) == ("t", "d")


def test_a_login_name_that_is_taken_stays_a_dispute_for_records_that_no_rule_links(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=AD)
    applied = linked.apply(person("anna", employee_number="8", external_id="8"), source=HR)
    assert "login name" in applied.problems[0]
    assert record(linked, HR, "8").candidates == (linked.user("anna").id,)


def test_a_record_that_comes_back_when_another_one_has_its_place_is_disputed(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), source=HR)
    linked.apply(gone(Kind.USER, "u:anna"), source=HR, allow_deletions=True)
    linked.apply(person("ad", employee_number="7"), source=AD)
    linked.apply(person("again", employee_number="7"), source=HR)
    linked.apply(person("anna", employee_number="7"), source=HR)
    situations = [record(linked, HR, external_id).situation for external_id in ("u:again", "u:anna")]
    assert situations == [Situation.LINKED, Situation.DISPUTED]


# ---- reactions


def test_who_is_not_to_be_linked_by_itself_waits_with_its_candidate(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    house.apply(person("anna", employee_number="7"), source=AD)
    applied = house.apply(person("asmith", employee_number="7"), source=HR)
    found = record(house, HR, "u:asmith")
    assert (found.situation, found.candidates) == (Situation.UNLINKED, (house.user("anna").id,))
    assert "user anna" in applied.problems[0]
    assert house.names() == {"anna"}


def test_who_is_not_to_be_created_waits_until_its_user_appears(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", unmatched=Reaction.QUEUE)
    applied = house.apply(person("asmith", employee_number="7"), source=HR)
    assert record(house, HR, "u:asmith").situation is Situation.UNMATCHED
    assert len(applied.problems) == 1
    house.apply(person("anna", employee_number="7"), source=AD)
    house.apply(source=HR, caught_up=True)
    assert record(house, HR, "u:asmith").situation is Situation.LINKED


def test_what_is_ignored_is_kept_and_is_no_problem(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", unmatched=Reaction.IGNORE)
    applied = house.apply(person("asmith", employee_number="7"), source=HR)
    assert (applied.problems, house.names()) == ((), set())
    assert house.database.read_blocking(lambda c: records.problems(c, HR)) == []
    assert house.database.read_blocking(lambda c: records.count_problems(c, HR)) == {}


def test_a_first_look_costs_nothing_when_nothing_has_changed(house: House) -> None:
    house.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    house.apply(person("anna", employee_number="7"), source=AD)
    house.apply(person("asmith", employee_number="7"), source=HR, caught_up=True)
    applied = house.apply(source=HR, caught_up=True)
    assert applied.statistics.counts == {}


# ---- organizations and groups


def test_organizations_are_linked_by_their_path(house: House) -> None:
    house.correlate(HR, "path", kind=Kind.ORGANIZATION)
    house.apply(unit("Sales"), unit("North", "ou=Sales"), person("anna", "ou=North,ou=Sales"), source=AD)
    house.apply(unit("north", "ou=sales"), unit("sales"), unit("South", "ou=sales"), source=HR)
    assert house.directory().organizations == {"/", "/Sales/", "/Sales/North/", "/Sales/South/"}


def test_organizations_are_linked_by_their_path_whoever_arrives_first(house: House) -> None:
    house.correlate(HR, "path", kind=Kind.ORGANIZATION)
    house.apply(unit("Sales"), unit("North", "ou=Sales"), source=HR)
    house.apply(unit("sales"), unit("north", "ou=sales"), person("anna", "ou=north,ou=sales"), source=AD)
    assert house.directory().organizations == {"/", "/Sales/", "/Sales/North/"}
    assert house.path(house.user("anna")) == "/Sales/North/"


def test_a_source_that_knows_no_organizations_does_not_place_whom_another_one_places(linked: House) -> None:
    linked.apply(unit("Sales"), person("anna", "ou=Sales", employee_number="7"), source=AD)
    linked.apply(without_login("1", employee_number="7"), source=HR)
    assert linked.directory().users["anna"] == ("/Sales/",)
    linked.apply(gone(Kind.USER, "u:anna"), source=AD, allow_deletions=True)
    assert linked.directory().users["anna"] == ("/",)


def test_organizations_and_groups_are_linked_by_external_id(house: House) -> None:
    for kind in (Kind.ORGANIZATION, Kind.GROUP):
        house.correlate(HR, "external_id = code", kind=kind)
    house.apply(unit("Sales", external_id="D1"), group("staff", "uid=anna", external_id="G1"), person("anna"), source=AD)
    house.apply(unit("Vertrieb", external_id="1", code=("D1",)), source=HR)
    other = group("alle", "uid=bert", external_id="2")
    house.apply(replace(other, attributes={**other.attributes, "code": ("G1",)}), person("bert"), source=HR)
    assert house.directory().organizations == {"/", "/Sales/"}
    assert house.directory().members == {"staff": frozenset({"anna", "bert"})}


def test_a_member_whose_record_is_linked_is_a_member_as_the_linked_user(linked: House) -> None:
    linked.apply(person("anna", employee_number="7"), group("ad-group", "uid=anna"), source=AD)
    linked.apply(group("hr-group", "uid=asmith"), person("asmith", employee_number="7"), source=HR)
    assert linked.directory().members == {"ad-group": frozenset({"anna"}), "hr-group": frozenset({"anna"})}


def test_keys_of_objects_of_before_are_made_when_rules_are_added(house: House) -> None:
    house.apply(person("anna", employee_number="7"), source=AD)
    house.correlate(HR, "employee_number = employee_number")
    house.apply(person("asmith", employee_number="7"), source=HR)
    assert house.names() == {"anna"}
