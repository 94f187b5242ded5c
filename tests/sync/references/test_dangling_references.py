"""Members without a record: reported once where they are named, and for all groups together after a reconciliation."""

from __future__ import annotations

from tests.sync.synced_store import Store, group, person


def test_law_17_a_group_with_unknown_members_is_one_problem_that_names_group_member_and_cure(store: Store) -> None:
    applied = store.apply(person("anna"), group("all", "uid=anna", "uid=x", "uid=y"), caught_up=True)
    assert applied.problems == (
        "cn=all,dc=example,dc=test names members that are not among what is read from here (2, such as "
        "uid=x,dc=example,dc=test): remove them there, or widen bases and filters; who appears later is joined by itself",
    )


def test_members_that_came_later_in_the_same_batch_are_no_problem(store: Store) -> None:
    applied = store.apply(group("all", "uid=anna", "cn=inner"), group("inner", logins=["anna"]), person("anna"), caught_up=True)
    assert applied.problems == ()


def test_no_member_is_missing_while_the_read_goes_on(store: Store) -> None:
    assert store.apply(group("all", "uid=anna")).problems == ()
    assert store.apply(person("anna"), caught_up=True).problems == ()


def test_after_a_reconciliation_the_groups_are_one_problem(both_stores: Store) -> None:
    everything = [group("a", "uid=x"), group("b", logins=["y", "z"])]
    both_stores.apply(*everything)
    [problem] = both_stores.compare(*everything).problems
    assert problem.startswith("2 groups, such as cn=")
    assert "name members that are not among what is read from here (3, such as " in problem


def test_a_missing_member_is_no_news_when_its_group_changes_otherwise(store: Store) -> None:
    store.apply(person("anna"), group("all", "uid=x"), caught_up=True)
    assert store.apply(group("all", "uid=x", "uid=anna"), caught_up=True).problems == ()
    assert "uid=y" in store.apply(group("all", "uid=x", "uid=y"), caught_up=True).problems[0]
