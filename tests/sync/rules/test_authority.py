"""Which source decides what: the rules by themselves, and at every door."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.deltas import Delta
from gateway.model.edits import Edit
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows
from gateway.sync.backfill import authority
from gateway.sync.backfill.authority import AuthorityBackfill
from gateway.sync.local.edit_checks import MasteredElsewhere
from gateway.sync.local.source import LocalDoor
from gateway.sync.rules.authority import Authority, Contribution, Reason, Rule, decide, resolve
from tests.sync.house import House, group, person, unit
from tests.sync.test_laws import fresh_house

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


def test_a_source_that_has_nothing_to_say_leaves_it_to_the_next() -> None:
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


def test_the_decision_names_the_source_the_reason_and_who_lost() -> None:
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
def test_what_is_explained_is_what_was_decided(data: st.DataObject, rules: Authority) -> None:
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


def tie(house: House, source: str, delta: Delta, object_id: str) -> None:
    """A person has decided that the record belongs to the object."""

    def decide_so(connection: Connection) -> None:
        [(_, head)] = record_rows.heads(connection, source, delta.kind, [delta.external_id]).items()
        row = record_rows.by_id(connection, [head.id])[head.id]
        linked = row._replace(object_id=object_id, decided_by="person:test", decided_at=milliseconds(house.time), digest=None)
        record_rows.replace(connection, [linked._replace(situation=Situation.LINKED.value, reason="")])

    house.apply(delta, source=source)
    house.database.write_blocking(decide_so)
    house.apply(delta, source=source)


def in_three_sources(house: House, reports: Mapping[str, Delta]) -> str:
    """One person whom several sources have; the id."""
    first = next(iter(reports))
    house.apply(reports[first], source=first)
    anna = house.user("anna").id
    for source in list(reports)[1:]:
        tie(house, source, reports[source], anna)
    return anna


REPORTS = {
    "hr": person("anna", title="Head", employee_number="7"),
    "corp": person("anna", title="Boss", email="c@x"),
    "other": person("anna", email="o@x", mobile_number="1"),
}


def test_every_source_speaks_by_the_rules_whoever_reports(house: House) -> None:
    house.authority = by("other corp hr", title=Rule(("hr",)))
    in_three_sources(house, REPORTS)
    expected = {"title": ("Head",), "employee_number": ("7",), "email": ("o@x",), "mobile_number": ("1",)}
    assert house.user("anna").attributes == expected
    house.apply(person("anna", title="King", email="k@x"), source="corp")
    assert house.user("anna").attributes == expected
    house.apply(person("anna", email=(), mobile_number="1"), source="other")
    assert house.user("anna").first("email") == "k@x"


def test_the_places_of_a_user_are_those_of_all_sources_in_the_order_of_their_authority(house: House) -> None:
    house.authority = by("corp hr")
    house.apply(unit("sales"), source="hr")
    house.apply(unit("europe"), source="corp")
    in_three_sources(house, {"hr": person("anna", "ou=sales"), "corp": person("anna", "ou=europe")})
    assert house.directory().users["anna"] == ("/europe/", "/sales/")


def test_organizations_and_groups_are_decided_by_the_same_rules(house: House) -> None:
    house.authority = Authority(("corp", "hr"), {Kind.GROUP: {"description": Rule(("hr",))}})
    for delta, kind in ((unit("sales"), Kind.ORGANIZATION), (group("sales"), Kind.GROUP)):
        one = replace(delta, attributes={**delta.attributes, "description": ("of hr",)})
        two = replace(delta, attributes={**delta.attributes, "description": ("of corp",)})
        house.apply(one, source="hr")
        object_id = house.log()[-1].object_id
        assert house.log()[-1].kind is kind
        house.apply(two, source="corp")
        tie(house, "corp", two, object_id)
        described = {change.object_id: change.object for change in house.log()}[object_id]
        assert described is not None
        assert described.first("description") == ("of hr" if kind is Kind.GROUP else "of corp")


@pytest_twisted.ensureDeferred
async def test_another_order_counts_for_those_too_of_whom_nobody_reports(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "AT_ONCE", 2)
    house.authority = by("hr corp other")
    in_three_sources(house, REPORTS)
    house.apply(*(person(f"p{number}", title="x") for number in range(5)), source="hr")
    number = house.last()
    await AuthorityBackfill(house.database, house.door("local")).run()
    assert house.last() == number, "nothing was decided otherwise"
    house.authority = by("corp hr other", email=Rule(("hr", "other")))
    await AuthorityBackfill(house.database, house.door("local")).run()
    assert (house.user("anna").first("title"), house.user("anna").first("email")) == ("Boss", "o@x")
    assert [change.source_id for change in house.log(number)] == ["local"], "one change in the log, and of nobody else"
    assert house.replayed() == house.directory()
    number = house.last()
    monkeypatch.setattr(authority, "resolve_next", None)  # not to be done again
    await AuthorityBackfill(house.database, house.door("local")).run()
    assert house.last() == number


@pytest_twisted.ensureDeferred
async def test_a_login_name_by_other_rules_that_somebody_else_has_is_not_taken(house: House) -> None:
    anna = in_three_sources(house, {"hr": person("anna"), "corp": person("anna", external_id="u:7")})
    house.apply(person("ann", external_id="u:7"), source="corp")
    house.apply(person("ann", external_id="u:8"), source="hr")
    house.authority = by("corp hr")
    await AuthorityBackfill(house.database, house.door("local")).run()
    assert house.user("anna").id == anna
    assert house.names() == {"anna", "ann"}


# ---- edits


def edit(house: House, **attributes: tuple[str, ...]) -> None:
    door = LocalDoor(lambda: house.time, authority=house.authority)
    anna = house.user("anna").id
    house.database.write_blocking(partial(door.change, kind=USER, object_id=anna, edit=Edit(attributes)))


def test_an_edit_goes_over_sources_that_yield_and_taking_it_back_lets_them_speak_again(house: House) -> None:
    house.authority = by(mobile_number=Rule(("hr",), yields=True))
    house.apply(person("anna", mobile_number="1", title="Head"))
    edit(house, mobile_number=("2",))
    assert house.user("anna").first("mobile_number") == "2"
    house.apply(person("anna", mobile_number="3", title="Head"))
    assert house.user("anna").first("mobile_number") == "2"
    edit(house, mobile_number=())
    assert house.user("anna").first("mobile_number") == "3"
    with pytest.raises(MasteredElsewhere):  # there is no edit to take back: the source's value would stay
        edit(house, mobile_number=())
    with pytest.raises(MasteredElsewhere):
        edit(house, title=("Queen",))


def test_what_a_source_says_that_has_no_say_in_it_does_not_forbid_an_edit(house: House) -> None:
    house.authority = by(email=Rule(("corp",)))
    house.apply(person("anna", email="h@x"))
    assert house.user("anna").first("email") == ""
    edit(house, email=("mine@x",))
    assert house.user("anna").first("email") == "mine@x"


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
    with fresh_house() as house:
        house.authority = rules
        in_three_sources(house, {source: person("anna") for source in data.draw(st.permutations(list(REPORTS)))})
        queues = {source: list(reports) for source, reports in said_by.items()}
        while queues:
            source = data.draw(st.sampled_from(sorted(queues)))
            house.apply(queues[source].pop(0), source=source)
            if not queues[source]:
                del queues[source]
        expected = resolve(USER, [Contribution(source, said) for source, said in last.items()], rules)
        assert house.user("anna").attributes == {name: found for name, found in expected.items() if name != "username"}
        assert house.replayed() == house.directory()
