"""Reports that cannot become an object as they are: the record is kept, with the reason."""

import pytest

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result
from gateway.store.records import records
from tests.sync.synced_store import Store, group, person, present


def test_a_record_without_a_name_is_kept_with_the_reason(store: Store) -> None:
    nameless = Delta(DeltaType.UPSERT, Kind.USER, "1", "cn=printer,dc=example,dc=test", {"username": (), "title": ("x",)})
    applied = store.apply(nameless, Delta(DeltaType.UPSERT, Kind.USER, "2", "cn=y", {}, problem="cn=y has no uid: give it one"))
    assert applied.statistics.counts == {(Kind.USER, Outcome.CREATED, Result.SKIPPED): 2}
    assert "cn=printer" in applied.problems[0]
    assert applied.problems[1] == "cn=y has no uid: give it one"
    store.apply(person("printer", external_id="1"))
    assert store.user("printer").first("title") == "x"


def test_a_linked_record_that_becomes_a_problem_leaves_its_user_as_it_is(store: Store) -> None:
    store.apply(person("anna", external_id="1", title="Boss"), group("g", "uid=anna"))
    number = store.last()
    broken = Delta(DeltaType.UPSERT, Kind.USER, "1", "uid=anna,dc=example,dc=test", {"title": ()}, problem="it has no uid now")
    applied = store.apply(broken)
    assert store.last() == number
    assert applied.problems == ("it has no uid now",)
    assert store.user("anna").first("title") == "Boss"
    ((_, record),) = store.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert record.situation is Situation.UNMATCHED
    store.apply(person("anna", external_id="1"))
    assert store.user("anna").attributes == {}


@pytest.mark.parametrize("name", ["", "  ", "nul\0l", "x" * 300])
def test_a_name_that_no_object_can_have_is_a_problem_of_that_record_alone(both_stores: Store, name: str) -> None:
    strange = Delta(DeltaType.UPSERT, Kind.USER, "1", "cn=strange", {"username": (name,)})
    applied = both_stores.apply(strange, person("anna"))
    assert both_stores.names() == {"anna"}
    assert applied.statistics.total(Outcome.CREATED, Result.SKIPPED) == 1


def test_dirty_values_stop_nothing_and_lose_nothing_else(both_stores: Store) -> None:
    strange = [
        Delta(DeltaType.UPSERT, Kind.USER, "1", "not a name", {"username": ("a",), "email": ("x\0y" * 3000,)}),
        Delta(DeltaType.UPSERT, Kind.USER, "2", "uid=b\0", {"username": ("b",), "title": ("half \ud800 pair",)}),
        Delta(DeltaType.UPSERT, Kind.USER, "3", f"uid=c,ou={'x' * 5000}", {"username": ("c",), "phone_number": ("none",)}),
        Delta(DeltaType.UPSERT, Kind.USER, "4" * 5000, "uid=d", {"username": ("d",)}),
        group("g", f"uid={'y' * 5000}", "uid=a\0"[:-1]),
    ]
    applied = both_stores.apply(*strange)
    assert both_stores.names() == {"a", "b", "c"}
    assert any("not a name" in problem for problem in applied.problems)
    assert both_stores.apply(*strange).last_change_number == both_stores.last()


def test_a_record_reported_as_present_that_was_never_received_is_ignored(store: Store) -> None:
    applied = store.apply(present(person("anna")))
    assert (applied.problems, applied.statistics.counts, store.names()) == ((), {}, set())
