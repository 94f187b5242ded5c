"""Reconciliations and the deletion guard: records that were not met are gone, and none is gone by accident (law 8)."""

import pytest

from gateway.model.deltas import Delta, Watermark
from gateway.model.errors import DeletionsRefused
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result
from gateway.sync.deletion_guard import Guard, PendingDeletions, check
from gateway.sync.inbound import InboundSettings
from tests.sync.synced_store import Store, gone, group, person, present, unit

USERS = frozenset({Kind.USER})
CROWD = [person(f"p{number:03}") for number in range(100)]


def test_a_record_that_a_reconciliation_does_not_meet_is_gone(both_stores: Store) -> None:
    both_stores.apply(unit("a"), unit("b"), person("anna"), person("bert"), group("g", "uid=anna", "uid=bert"), group("h"))
    both_stores.apply(unit("a"), person("bert"), begins=frozenset(Kind))
    both_stores.apply(present(group("g")))
    assert both_stores.names() == {"anna", "bert"}, "not before it is complete"
    applied = both_stores.apply(person("carl"), completes=frozenset(Kind))
    found = both_stores.directory()
    assert set(found.users) == {"bert", "carl"}
    assert found.organizations == {"/", "/a/"}
    assert found.members == {"g": {"bert"}}
    assert applied.statistics.total(Outcome.DELETED) == 3


def test_only_the_kinds_that_are_compared_are_deleted(store: Store) -> None:
    store.apply(unit("a"), person("anna"), group("g"))
    store.compare(person("bert"), kinds=USERS)
    assert store.directory().members == {"g": frozenset()}
    assert store.directory().organizations == {"/", "/a/"}
    assert store.names() == {"bert"}


def test_a_reconciliation_that_begins_again_forgets_what_the_broken_one_met(store: Store) -> None:
    store.apply(person("anna"), person("bert"))
    store.apply(person("anna"), begins=USERS)
    store.apply(begins=USERS)
    store.apply(person("bert"), completes=USERS)
    assert store.names() == {"bert"}


def test_law_2_the_last_batch_of_a_reconciliation_may_be_repeated(store: Store) -> None:
    store.apply(person("anna"))
    store.apply(person("bert"), begins=USERS)
    for _ in range(2):
        store.apply(person("carl"), completes=USERS)
    assert store.names() == {"bert", "carl"}


def test_records_of_another_source_are_not_compared(store: Store) -> None:
    store.apply(person("anna"), source="other")
    store.apply(person("bert"))
    store.compare(person("bert"))
    assert store.names() == {"anna", "bert"}


# ---- the guard


@pytest.mark.parametrize(
    ("deletions", "passes"),
    [
        (PendingDeletions(Kind.USER, 30, 0, 40), True),
        (PendingDeletions(Kind.USER, 31, 0, 40), False),
        (PendingDeletions(Kind.USER, 50, 0, 1000), True),
        (PendingDeletions(Kind.USER, 51, 0, 1000), False),
        (PendingDeletions(Kind.USER, 1, 30, 40), False),
        (PendingDeletions(Kind.GROUP, 10, 0, 10), True),
        (PendingDeletions(Kind.GROUP, 11, 0, 11), False),
        (PendingDeletions(Kind.ORGANIZATION, 11, 0, 11), False),
        (PendingDeletions(Kind.GROUP, 1, 0, 1, answered_nothing=True), False),
        (PendingDeletions(Kind.GROUP, 0, 99, 0, answered_nothing=True), True),
    ],
)
def test_law_8_the_limit_is_a_number_or_a_share_whichever_is_larger(deletions: PendingDeletions, passes: bool) -> None:
    if passes:
        check(Guard(), "hr", [deletions])
    else:
        with pytest.raises(DeletionsRefused):
            check(Guard(), "hr", [deletions])


def test_law_8_a_refusal_names_the_source_the_numbers_the_limit_and_the_command() -> None:
    with pytest.raises(DeletionsRefused) as refused:
        check(
            Guard(),
            "hr",
            [PendingDeletions(Kind.USER, 60, 3, 100), PendingDeletions(Kind.GROUP, 4, 0, 4, answered_nothing=True)],
        )
    assert str(refused.value) == (
        "source hr: it would delete 60 of 100 users after 3 in the last 10 minutes, and the limit is 30; "
        "it answered without a single group and had 4. Nothing was deleted. If this is right, let it pass once with "
        "`gateway sync hr --allow-deletions`; if not, look at the source's content, filters and rights"
    )


def test_law_8_a_refused_batch_leaves_nothing_of_itself_behind(both_stores: Store) -> None:
    both_stores.apply(*CROWD, watermark=b"before")
    before, number = both_stores.directory(), both_stores.last()
    with pytest.raises(DeletionsRefused):
        both_stores.compare(*CROWD[:60], person("new"), watermark=b"after")
    assert (both_stores.directory(), both_stores.last()) == (before, number)
    assert both_stores.database.read_blocking(both_stores.door().watermark) == b"before"


def test_law_8_an_answer_that_is_empty_deletes_nothing(store: Store) -> None:
    store.apply(person("anna"))
    with pytest.raises(DeletionsRefused, match="without a single user and had 1"):
        store.compare()
    assert store.names() == {"anna"}


def test_law_8_deletions_that_come_one_by_one_are_counted_together(store: Store) -> None:
    store.apply(*CROWD)
    with pytest.raises(DeletionsRefused):
        for delta in CROWD:
            store.apply(gone(Kind.USER, delta.external_id))
    assert len(store.names()) == 70


def test_deletions_of_long_ago_do_not_count(store: Store) -> None:
    store.apply(*CROWD)
    store.apply(*(gone(Kind.USER, delta.external_id) for delta in CROWD[:30]))
    store.time = store.time.replace(hour=store.time.hour + 1)
    store.apply(*(gone(Kind.USER, delta.external_id) for delta in CROWD[30:60]))
    assert len(store.names()) == 40


def test_a_person_can_let_deletions_pass_once_and_normal_ones_go_on_afterwards(store: Store) -> None:
    store.apply(*CROWD)
    store.compare(*CROWD[:60], allow_deletions=True)
    store.apply(gone(Kind.USER, CROWD[0].external_id))
    assert len(store.names()) == 59
    with pytest.raises(DeletionsRefused):
        store.compare(*CROWD[:10])


def test_records_that_never_became_objects_may_go_freely(store: Store) -> None:
    store.settings = InboundSettings(guard=Guard(users=0, percent=0))
    nameless = [Delta(delta.type, Kind.USER, delta.external_id, delta.dn, {}) for delta in CROWD]
    store.apply(*nameless)
    applied = store.apply(*(gone(Kind.USER, delta.external_id) for delta in CROWD))
    assert applied.statistics.counts == {(Kind.USER, Outcome.DELETED, Result.SUCCEEDED): 100}


def test_a_refusal_does_not_show_the_watermark(store: Store) -> None:
    store.apply(*CROWD)
    with pytest.raises(DeletionsRefused) as refused:
        store.compare(CROWD[0], watermark=Watermark(b"secret-cookie"))
    assert "secret-cookie" not in str(refused.value)
