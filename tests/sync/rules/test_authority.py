"""Authority: the rules by themselves, and at every door."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.edits import Edit
from gateway.model.objects import Kind
from gateway.sync.backfill import authority
from gateway.sync.backfill.authority import AuthorityBackfill
from gateway.sync.local.edit_checks import MasteredElsewhere
from gateway.sync.local.source import LocalDoor
from gateway.sync.rules.authority import Authority, Contribution, Reason, Rule, decide, resolve
from tests.sync.linked_records import in_three_sources, tie
from tests.sync.synced_store import Store, fresh_store, group, person, unit

USER = Kind.USER


def said(source: str, **attributes: Any) -> Contribution:
    return Contribution(source, {name: (value,) if isinstance(value, str) else value for name, value in attributes.items()})


def by(order: str = "", **rules: Rule) -> Authority:
    return Authority(tuple(order.split()), {USER: rules})


def test_the_order_of_the_sources_decides_and_not_the_order_of_linking() -> None:
    records = [said("corp", title="Boss"), said("hr", title="Head"), said("other", title="Chief")]
    assert resolve(USER, records) == {"title": ("Boss",)}
    assert resolve(USER, records, by("hr corp")) == {"title": ("Head",)}
    assert resolve(USER, records[::2], by("hr")) == {"title": ("Boss",)}


def test_a_source_without_a_value_leaves_the_attribute_to_the_next() -> None:
    records = [said("hr", title=()), said("corp", title="Boss"), said("other", title="Chief")]
    assert resolve(USER, records) == {"title": ("Boss",)}
    assert decide(USER, "title", records, by()).reason is Reason.FALL_BACK
    assert resolve(USER, [said("hr", title=())]) == {}
    assert resolve(USER, [said("local", title="Queen"), said("hr", title=())]) == {}, "seen empty is told, not missing"


def test_only_listed_sources_decide_an_attribute_that_has_a_list() -> None:
    rules = by("hr corp", email=Rule(("corp", "hr")))
    records = [said("hr", email="h@x"), said("corp", email="c@x"), said("other", email="o@x", title="Chief")]
    assert resolve(USER, records, rules) == {"email": ("c@x",), "title": ("Chief",)}
    assert resolve(USER, records[::2], rules)["email"] == ("h@x",)
    assert "email" not in resolve(USER, records[2:], rules)


def test_several_values_are_decided_as_a_whole_by_one_source() -> None:
    records = [said("hr", email=("a@x", "b@x")), said("corp", email=("c@x",))]
    assert resolve(USER, records, by("corp hr")) == {"email": ("c@x",)}
    assert resolve(USER, records, by("hr corp")) == {"email": ("a@x", "b@x")}


def test_what_is_edited_here_comes_last_unless_the_sources_yield() -> None:
    records = [said("local", title="Queen", initials="q"), said("hr", title="Head")]
    assert resolve(USER, records) == {"title": ("Head",), "initials": ("q",)}
    assert resolve(USER, records, by("hr", title=Rule(("hr",))))["title"] == ("Head",)
    assert resolve(USER, records, by("hr", title=Rule(yields=True)))["title"] == ("Queen",)
    assert resolve(USER, records, by(title=Rule(("hr",), yields=True)))["title"] == ("Queen",)


def test_a_name_is_never_lost_to_a_rule() -> None:
    rules = by(username=Rule(("corp",)))
    assert resolve(USER, [said("hr", username="anna")], rules) == {"username": ("anna",)}
    assert resolve(USER, [said("hr", username="anna"), said("corp", username="ann")], rules) == {"username": ("ann",)}


def test_the_decision_names_the_source_the_reason_and_the_sources_that_lost() -> None:
    records = [said("hr", email="h@x"), said("corp", email="c@x"), said("other", email="o@x"), said("local", email="l@x")]
    for rules, source, reason, lost in (
        (by(), "hr", Reason.ORDER, ["corp", "other", "local"]),
        (by("corp"), "corp", Reason.ORDER, ["hr", "other", "local"]),
        (by(email=Rule(("corp",))), "corp", Reason.LIST, ["hr", "other", "local"]),
        (by(email=Rule(("nobody", "other"))), "other", Reason.FALL_BACK, ["hr", "corp", "local"]),
        (by(email=Rule(("hr",), yields=True)), "local", Reason.YIELD, ["hr", "corp", "other"]),
    ):
        found = decide(USER, "email", records, rules)
        assert (found.source_id, found.reason, [name for name, _ in found.lost]) == (source, reason, lost)
    assert decide(USER, "email", records[:1], by()).reason is Reason.ONLY_ONE
    assert decide(USER, "email", [*records[:1], said("corp")], by("corp")).reason is Reason.ONLY_ONE
    nobody = decide(USER, "email", [said("hr", email="h@x")], by(email=Rule(("corp",))))
    assert (nobody.source_id, nobody.values, nobody.lost) == (None, (), (("hr", ("h@x",)),))


SOURCES = ("hr", "corp", "other", "local")
_values = st.sampled_from([(), ("a",), ("b",), ("b", "c")])
_attributes = st.dictionaries(st.sampled_from(["email", "title", "username", "hobby"]), _values)
_sources = st.lists(st.sampled_from(SOURCES[:3]), unique=True, max_size=3).map(tuple)
_rules = st.dictionaries(st.sampled_from(["email", "title", "username"]), st.builds(Rule, _sources, st.booleans()))


@given(st.data(), st.builds(Authority, _sources, st.builds(lambda rules: {USER: rules}, _rules)))
def test_the_explanation_is_the_decision(data: st.DataObject, rules: Authority) -> None:
    names = data.draw(st.lists(st.sampled_from(SOURCES[:3]), max_size=4)) + data.draw(st.sampled_from([[], ["local"]]))
    records = [Contribution(name, data.draw(_attributes)) for name in names]
    resolved = resolve(USER, records, rules)
    for name in {name for record in records for name in record.attributes}:
        decision = decide(USER, name, records, rules)
        assert decision.values == resolved.get(name, ())
        having = [record.source_id for record in records if record.attributes.get(name)]
        told = [source for source, _ in decision.lost] + [decision.source_id or ""]
        assert sorted(filter(None, told)) == sorted(having)


@given(st.permutations([Contribution(name, {}) for name in SOURCES]), st.data())
def test_law_2_with_every_source_in_the_order_the_order_of_linking_does_not_matter(
    records: list[Contribution], data: st.DataObject
) -> None:
    spoken = [Contribution(record.source_id, data.draw(_attributes)) for record in records]
    rules = Authority(data.draw(st.permutations(SOURCES[:3])), {USER: data.draw(_rules)})  # type: ignore[arg-type]
    assert resolve(USER, spoken, rules) == resolve(USER, sorted(spoken), rules)


# ---- at the doors


REPORTS = {
    "hr": person("anna", title="Head", employee_number="7"),
    "corp": person("anna", title="Boss", email="c@x"),
    "other": person("anna", email="o@x", mobile_number="1"),
}


def test_every_source_counts_by_the_rules_whichever_reports(store: Store) -> None:
    store.authority = by("other corp hr", title=Rule(("hr",)))
    in_three_sources(store, REPORTS)
    expected = {"title": ("Head",), "employee_number": ("7",), "email": ("o@x",), "mobile_number": ("1",)}
    assert store.user("anna").attributes == expected
    store.apply(person("anna", title="King", email="k@x"), source="corp")
    assert store.user("anna").attributes == expected
    store.apply(person("anna", email=(), mobile_number="1"), source="other")
    assert store.user("anna").first("email") == "k@x"


def test_the_places_of_a_user_are_those_of_all_sources_in_the_order_of_their_authority(store: Store) -> None:
    store.authority = by("corp hr")
    store.apply(unit("sales"), source="hr")
    store.apply(unit("europe"), source="corp")
    in_three_sources(store, {"hr": person("anna", "ou=sales"), "corp": person("anna", "ou=europe")})
    assert store.directory().users["anna"] == ("/europe/", "/sales/")


def test_organizations_and_groups_are_decided_by_the_same_rules(store: Store) -> None:
    store.authority = Authority(("corp", "hr"), {Kind.GROUP: {"description": Rule(("hr",))}})
    for delta, kind in ((unit("sales"), Kind.ORGANIZATION), (group("sales"), Kind.GROUP)):
        one = replace(delta, attributes={**delta.attributes, "description": ("of hr",)})
        two = replace(delta, attributes={**delta.attributes, "description": ("of corp",)})
        store.apply(one, source="hr")
        object_id = store.log()[-1].object_id
        assert store.log()[-1].kind is kind
        store.apply(two, source="corp")
        tie(store, "corp", two, object_id)
        described = {change.object_id: change.object for change in store.log()}[object_id]
        assert described is not None
        assert described.first("description") == ("of hr" if kind is Kind.GROUP else "of corp")


@pytest_twisted.ensureDeferred
async def test_another_order_counts_for_users_too_that_no_source_reports(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "AT_ONCE", 2)
    store.authority = by("hr corp other")
    in_three_sources(store, REPORTS)
    store.apply(*(person(f"p{number}", title="x") for number in range(5)), source="hr")
    number = store.last()
    await AuthorityBackfill(store.database, store.door("local")).run()
    assert store.last() == number, "nothing was decided otherwise"
    store.authority = by("corp hr other", email=Rule(("hr", "other")))
    await AuthorityBackfill(store.database, store.door("local")).run()
    assert (store.user("anna").first("title"), store.user("anna").first("email")) == ("Boss", "o@x")
    assert [change.source_id for change in store.log(number)] == ["local"], "one change in the log, and of nobody else"
    assert store.replayed() == store.directory()
    number = store.last()
    monkeypatch.setattr(authority, "resolve_next", None)  # not to be done again
    await AuthorityBackfill(store.database, store.door("local")).run()
    assert store.last() == number


@pytest_twisted.ensureDeferred
async def test_a_login_name_by_other_rules_that_another_user_has_is_not_taken(store: Store) -> None:
    anna = in_three_sources(store, {"hr": person("anna"), "corp": person("anna", external_id="u:7")})
    store.apply(person("ann", external_id="u:7"), source="corp")
    store.apply(person("ann", external_id="u:8"), source="hr")
    store.authority = by("corp hr")
    await AuthorityBackfill(store.database, store.door("local")).run()
    assert store.user("anna").id == anna
    assert store.names() == {"anna", "ann"}


# ---- edits


def edit(store: Store, **attributes: tuple[str, ...]) -> None:
    door = LocalDoor(lambda: store.time, authority=store.authority)
    anna = store.user("anna").id
    store.database.write_blocking(partial(door.change, kind=USER, object_id=anna, edit=Edit(attributes)))


def test_an_edit_goes_over_sources_that_yield_and_taking_it_back_lets_them_speak_again(store: Store) -> None:
    store.authority = by(mobile_number=Rule(("hr",), yields=True))
    store.apply(person("anna", mobile_number="1", title="Head"))
    edit(store, mobile_number=("2",))
    assert store.user("anna").first("mobile_number") == "2"
    store.apply(person("anna", mobile_number="3", title="Head"))
    assert store.user("anna").first("mobile_number") == "2"
    edit(store, mobile_number=())
    assert store.user("anna").first("mobile_number") == "3"
    with pytest.raises(MasteredElsewhere):  # there is no edit to take back: the source's value would stay
        edit(store, mobile_number=())
    with pytest.raises(MasteredElsewhere):
        edit(store, title=("Queen",))


def test_a_source_that_may_not_decide_an_attribute_does_not_forbid_an_edit(store: Store) -> None:
    store.authority = by(email=Rule(("corp",)))
    store.apply(person("anna", email="h@x"))
    assert store.user("anna").first("email") == ""
    edit(store, email=("mine@x",))
    assert store.user("anna").first("email") == "mine@x"


def _drawn(data: st.DataObject) -> dict[str, Any]:
    return {name: values for name, values in data.draw(_attributes).items() if name != "username"}


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_law_2_any_order_of_batches_from_three_sources_ends_in_the_same_attributes(data: st.DataObject) -> None:
    rules = Authority(("other", "hr", "corp"), {USER: data.draw(_rules)})
    last = {}
    said_by = {}
    for source in REPORTS:
        reports = [person("anna", **_drawn(data)) for _ in range(data.draw(st.integers(1, 3)))]
        said_by[source] = reports
        folded: dict[str, Any] = {}
        for report in reports:
            folded |= report.attributes
        last[source] = folded
    with fresh_store() as store:
        store.authority = rules
        in_three_sources(store, {source: person("anna") for source in data.draw(st.permutations(list(REPORTS)))})
        queues = {source: list(reports) for source, reports in said_by.items()}
        while queues:
            source = data.draw(st.sampled_from(sorted(queues)))
            store.apply(queues[source].pop(0), source=source)
            if not queues[source]:
                del queues[source]
        expected = resolve(USER, [Contribution(source, said) for source, said in last.items()], rules)
        assert store.user("anna").attributes == {name: found for name, found in expected.items() if name != "username"}
        assert store.replayed() == store.directory()
