"""Login names have one holder each; records of others are disputed (law 10)."""

import pytest

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result
from gateway.store.records import records
from gateway.sync.rules.correlation import Reaction
from tests.sync.synced_store import Store, gone, group, person


def test_law_10_a_login_name_that_is_taken_is_disputed_and_both_are_named(store: Store) -> None:
    store.apply(person("anna", external_id="1"))
    applied = store.apply(person("Anna", "ou=x", external_id="2"))
    assert applied.statistics.counts == {(Kind.USER, Outcome.CREATED, Result.SKIPPED): 1}
    (problem,) = applied.problems
    assert "uid=Anna,ou=x,dc=example,dc=test" in problem
    assert "uid=anna,dc=example,dc=test (source hr)" in problem
    assert "rename or remove" in problem
    ((_, record),) = store.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert (record.situation, record.reason) == (Situation.DISPUTED, problem)
    again = store.apply(person("Anna", "ou=x", external_id="2"))
    assert again.statistics.counts == {(Kind.USER, Outcome.UNCHANGED, Result.SKIPPED): 1}


@pytest.mark.parametrize("cure", [gone(Kind.USER, "1"), person("berta", external_id="1")])
def test_a_login_name_that_is_free_again_is_taken_by_who_waits_for_it(store: Store, cure: Delta) -> None:
    store.apply(person("anna", external_id="1"), group("g", "uid=anna,ou=x"))
    store.apply(person("anna", "ou=x", external_id="2", title="Second"))
    store.apply(cure)
    assert store.user("anna").first("title") == "Second"
    assert store.directory().members["g"] == {"anna"}
    assert Situation.DISPUTED not in store.database.read_blocking(lambda c: records.count_problems(c, "hr"))


def test_a_login_name_that_another_source_frees_is_taken_when_this_source_reports_next(store: Store) -> None:
    store.deleted = Reaction.DELETE
    store.apply(person("anna"), source="first")
    store.apply(person("anna"))
    store.apply(gone(Kind.USER, "u:anna"), source="first")
    assert store.names() == set()
    store.apply(caught_up=True)
    assert store.user("anna").origin.source_id == "hr"


def test_a_user_whose_new_name_is_taken_keeps_the_old_one_and_takes_the_rest(store: Store) -> None:
    store.deleted = Reaction.DELETE
    store.apply(person("anna"), person("bert", external_id="2"))
    store.apply(person("anna", external_id="2", title="Boss"))
    assert store.user("bert").first("title") == "Boss"
    store.apply(gone(Kind.USER, "u:anna"))
    assert store.user("anna").origin.external_id == "2"


def test_names_may_go_round_in_one_batch(store: Store) -> None:
    store.apply(*(person(name, external_id=name) for name in "abc"))
    ids = {name: store.user(name).id for name in "abc"}
    applied = store.apply(*(person(new, external_id=old) for old, new in ("ab", "bc", "ca")))
    assert {name: store.user(name).id for name in "bca"} == {new: ids[old] for old, new in ("ab", "bc", "ca")}
    assert applied.problems == ()


def test_two_newcomers_of_one_name_in_one_batch_are_a_user_and_a_dispute(store: Store) -> None:
    applied = store.apply(person("anna", external_id="1"), person("ANNA", "ou=x", external_id="2"))
    assert store.user("anna").origin.external_id == "1"
    assert len(applied.problems) == 1
