"""Reconciliations and the deletion guard: records that were not met are gone, and none is gone by accident (law 8)."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result
from gateway.store.records import held_deletions
from gateway.sync.deletion_guard import Guard, PendingDeletions, complaint, refusal
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
    assert (complaint(Guard(), [deletions]) == "") is passes


def test_law_8_a_refusal_names_the_source_the_numbers_the_limit_what_is_held_and_the_command() -> None:
    deletions = [PendingDeletions(Kind.USER, 60, 3, 100), PendingDeletions(Kind.GROUP, 4, 0, 4, answered_nothing=True)]
    assert refusal("hr", complaint(Guard(), deletions), {Kind.USER: 60, Kind.GROUP: 1}) == (
        "source hr: it would delete 60 of 100 users after 3 in the last 10 minutes, and the limit is 30; "
        "it answered without a single group and had 4. Held are the deletions of 60 users, 1 group, everything else goes on; "
        "`gateway status hr --problems` lists them. If this is right, carry them out with `gateway sync hr --allow-deletions`; "
        "if not, mend the source's content, filters or rights: what is reported again is held no longer"
    )


def held(store: Store) -> set[str]:
    """The external ids of the records whose deletion is held."""
    rows = store.database.read_blocking(lambda c: held_deletions.after(c, "hr", limit=1000))
    return {record.external_id for _, record in rows}


def test_law_8_what_is_no_deletion_goes_on_and_the_deletions_are_held(both_stores: Store) -> None:
    store = both_stores
    store.apply(*CROWD, unit("old"), watermark=b"before")
    applied = store.compare(*CROWD[:60], person("new"), watermark=b"after", caught_up=True)
    assert store.names() == {f"p{number:03}" for number in range(100)} | {"new"}
    assert store.directory().organizations == {"/", "/old/"}, "of a refused run no deletion happens, of whatever kind"
    assert held(store) == {delta.external_id for delta in CROWD[60:]} | {"o:old"}
    assert "would delete 40 of 100 users" in applied.held
    assert "1 organization, 40 users" in applied.held
    assert applied.statistics.total(Outcome.DELETED) == 0
    assert store.database.read_blocking(store.door().watermark) == b"after"


def test_law_2_a_refused_batch_may_be_repeated(both_stores: Store) -> None:
    store = both_stores
    store.apply(*CROWD)
    leaving = [gone(Kind.USER, delta.external_id) for delta in CROWD[:40]]
    first = store.apply(*leaving, person("new"))
    before = (store.directory(), store.last(), held(store))
    since = store.database.read_blocking(lambda c: held_deletions.since(c, "hr"))
    assert store.apply(*leaving, person("new")).held == first.held
    assert (store.directory(), store.last(), held(store)) == before
    assert store.database.read_blocking(lambda c: held_deletions.since(c, "hr")) == since


def test_law_8_a_held_deletion_is_not_forgotten_by_later_runs(store: Store) -> None:
    store.apply(*CROWD)
    refused = store.compare(*CROWD[:60]).held
    assert store.apply(person("new"), caught_up=True).held == refused
    assert store.apply(caught_up=True).held == refused
    store.time += timedelta(days=30)
    assert store.apply(caught_up=True).held == refused
    assert len(store.names()) == 101


@pytest.mark.parametrize("back", [CROWD, [present(delta) for delta in CROWD]], ids=["reported", "listed"])
def test_law_8_a_record_that_is_reported_again_is_held_no_longer(store: Store, back: list[Delta]) -> None:
    store.apply(*CROWD)
    store.compare(*CROWD[:60])
    assert "39 users" in store.apply(back[60]).held
    assert held(store) == {delta.external_id for delta in CROWD[61:]}
    assert store.apply(*back[61:]).held == ""
    assert store.apply(gone(Kind.USER, CROWD[0].external_id)).held == "", "and small changes pass again"
    assert len(store.names()) == 99


@pytest.mark.parametrize("compares", [True, False], ids=["by a comparison", "by increments"])
def test_law_8_a_person_lets_pass_what_is_held_but_not_who_is_back(both_stores: Store, compares: bool) -> None:
    store = both_stores
    store.apply(*CROWD)
    ids = {delta.external_id: store.user(f"p{number:03}").id for number, delta in enumerate(CROWD)}
    store.compare(*CROWD[:60])
    if compares:
        applied = store.compare(*CROWD[:61], allow_deletions=True, caught_up=True)
    else:
        store.apply(person("new"), allow_deletions=True)
        assert len(held(store)) == 40, "not before all that is back can have been reported"
        applied = store.apply(CROWD[60], allow_deletions=True, caught_up=True)
    assert (applied.held, held(store), applied.statistics.total(Outcome.DELETED)) == ("", set(), 39)
    assert store.names() - {"new"} == {f"p{number:03}" for number in range(61)}
    assert store.user("p060").id == ids["u:p060"]


NUMBERED = [person(f"p{number:03}", employee_number=str(number)) for number in range(100)]
ANEW = [replace(delta, external_id=delta.external_id.replace("u:", "n:")) for delta in CROWD]


@pytest.mark.parametrize(
    ("order", "by"),
    [
        *itertools.product(["compared", "gone first", "added first"], ["login name", "rule"]),
        ("compared", "rule of another source"),
    ],
)
def test_law_11_users_whose_entries_were_made_anew_are_back_where_the_login_name_or_a_rule_tells(
    both_stores: Store, order: str, by: str
) -> None:
    store = both_stores
    store.rejoins_by_username = by == "login name"
    if by == "rule":
        store.correlate("hr", "employee_number = employee_number")
    if by == "rule of another source":
        store.correlate("ad", "employee_number = employee_number")
        store.apply(*NUMBERED, source="ad")
    store.apply(*NUMBERED, unit("old"))
    ids = {name: store.user(name).id for name in store.names()}
    anew = [replace(delta, external_id=delta.external_id.replace("u:", "n:")) for delta in NUMBERED]
    if order == "compared":
        store.compare(*anew[:50], person("new"), unit("old"), caught_up=True)
    else:
        steps = [[gone(Kind.USER, delta.external_id) for delta in CROWD], [*anew[:50], person("new")]]
        for deltas in steps if order == "gone first" else reversed(steps):
            for start in range(0, len(deltas), 20):
                applied = store.apply(*deltas[start : start + 20], caught_up=True)
        assert "users" in applied.held
    back = {name: store.user(name).id for name in store.names() - {"new"}}
    assert {f"p{number:03}" for number in range(50)} <= back.keys()
    assert back.items() <= ids.items(), "of those who are not back, as many as the guard lets pass are disabled"
    assert held(store) <= {delta.external_id for delta in CROWD[50:]}
    assert len(held(store)) >= 20, "the others are gone, and more than may go at once"
    store.apply(*anew[50:], caught_up=True)
    assert (held(store), store.apply(caught_up=True).held) == (set(), "")
    assert {name: store.user(name).id for name in store.names() - {"new"}} == ids
    assert store.replayed() == store.directory()


def test_without_that_rule_entries_made_anew_are_other_people_and_the_deletions_stay_held(store: Store) -> None:
    store.apply(*CROWD)
    store.compare(*ANEW, caught_up=True)
    assert held(store) == {delta.external_id for delta in CROWD}


def test_law_8_an_answer_that_is_empty_deletes_nothing(store: Store) -> None:
    store.apply(person("anna"))
    assert "without a single user and had 1" in store.compare().held
    assert store.names() == {"anna"}


ALL = [gone(Kind.USER, delta.external_id) for delta in CROWD]


@pytest.mark.parametrize(
    "sizes",
    [[1] * 100, [7] * 15, [20] * 5, [30, 70], [29, 1, 70], [100]],
    ids=["singly", "by sevens", "by twenties", "the limit, then the rest", "one by itself", "at once"],
)
@pytest.mark.parametrize("ends", ["caught up", "one run", "compared at last"])
def test_law_8_a_source_that_is_emptied_entry_by_entry_ends_at_the_same_place_however_it_comes(
    store: Store, sizes: list[int], ends: str
) -> None:
    store.apply(*CROWD, group("g", logins=[f"p{number:03}" for number in range(100)]))
    before = (store.directory(), {name: store.user(name).id for name in ("p000", "p050")})
    left = list(ALL)
    for size in sizes:
        applied = store.apply(*left[:size], caught_up=ends == "caught up" or size >= len(left))
        del left[:size]
    if ends == "compared at last":
        applied = store.compare(kinds=USERS, caught_up=True)
    assert (store.directory(), {name: store.user(name).id for name in ("p000", "p050")}) == before
    assert held(store) == {delta.external_id for delta in CROWD}
    assert "it would delete 100 of 100 users, and the limit is 30. Held are the deletions of 100 users" in applied.held or (
        "answered without a single user and had 100" in applied.held
    )
    assert store.replayed() == store.directory()
    assert store.apply(*CROWD, caught_up=True).held == ""
    assert store.apply(gone(Kind.USER, CROWD[0].external_id)).held == "", "what was put back does not count any more"


def test_law_8_who_was_put_back_is_told_and_goes_when_a_person_says_so(both_stores: Store) -> None:
    store = both_stores
    store.apply(*CROWD)
    for delta in ALL[:31]:
        applied = store.apply(delta)
    assert (applied.put_back, store.names()) == ({Kind.USER: 30}, {f"p{number:03}" for number in range(100)})
    assert "31 users (30 of whom had been disabled and are enabled again)" in applied.held
    assert "31 users (30 of whom had been disabled and are enabled again)" in store.apply(caught_up=True).held
    store.compare(*CROWD[31:], allow_deletions=True, caught_up=True)
    assert (held(store), store.leavers()) == (set(), {f"p{number:03}" for number in range(31)})


def test_law_8_who_left_before_a_comparison_that_is_wrong_by_itself_stays_disabled(store: Store) -> None:
    store.apply(*CROWD)
    store.apply(*ALL[:3])
    assert "would delete 57 of 97 users after 3 in the last 10 minutes" in store.compare(*CROWD[60:]).held
    assert store.leavers() == {"p000", "p001", "p002"}


def test_law_8_comparisons_that_lose_a_few_again_and_again_are_counted_together(store: Store) -> None:
    store.apply(*CROWD)
    store.compare(*CROWD[20:])
    assert "would delete 40 of 100 users" in store.compare(*CROWD[40:]).held
    assert store.leavers() == set()


def test_who_left_before_the_window_or_with_a_persons_leave_is_not_put_back(store: Store) -> None:
    store.apply(*CROWD)
    store.compare(*CROWD[40:], allow_deletions=True)
    for delta in ALL[40:71]:
        store.apply(delta)
    assert store.leavers() == {f"p{number:03}" for number in range(40)}
    store.apply(*CROWD[40:])
    store.apply(*ALL[40:60])
    store.time += timedelta(hours=1)
    assert store.apply(*ALL[60:91]).held
    assert store.leavers() == {f"p{number:03}" for number in range(60)}


@pytest.mark.parametrize(("people", "units", "is_held"), [(24, 6, False), (24, 7, True), (22, 9, True), (0, 10, False)])
def test_law_8_all_kinds_count_together(store: Store, people: int, units: int, is_held: bool) -> None:
    store.apply(*CROWD, *(unit(f"o{number}") for number in range(20)))
    leaving = [gone(Kind.ORGANIZATION, f"o:o{number}") for number in range(units)]
    for delta in ALL[:people]:
        store.apply(delta)
    applied = store.apply(*leaving)
    assert bool(applied.held) is is_held
    assert len(store.names()) == (100 if is_held else 100 - people), "and they are put back together"
    if is_held:
        assert f"{units} organizations, {people} users, and the limit of all kinds together is 30" in applied.held


def test_law_8_while_deletions_are_held_every_further_one_is(store: Store) -> None:
    store.apply(*CROWD, group("g"))
    store.compare(*CROWD[:60], group("g"))
    store.time += timedelta(days=1)
    store.apply(gone(Kind.GROUP, "g:g"))
    assert store.directory().members == {"g": frozenset()}


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
    assert store.compare(*CROWD[:10]).held


def test_a_record_that_a_person_removes_is_held_no_longer(store: Store) -> None:
    store.apply(*CROWD)
    store.compare(*CROWD[:60])
    ids = store.database.read_blocking(lambda c: held_deletions.ids(c, "hr"))
    store.database.write_blocking(lambda c: store.door().remove(c, ids))
    assert (held(store), store.apply(caught_up=True).held) == (set(), "")


def test_records_that_never_became_objects_may_go_freely(store: Store) -> None:
    store.settings = InboundSettings(guard=Guard(users=0, percent=0))
    nameless = [Delta(delta.type, Kind.USER, delta.external_id, delta.dn, {}) for delta in CROWD]
    store.apply(*nameless)
    applied = store.apply(*(gone(Kind.USER, delta.external_id) for delta in CROWD))
    assert applied.statistics.counts == {(Kind.USER, Outcome.DELETED, Result.SUCCEEDED): 100}


def test_a_refusal_does_not_show_the_watermark(store: Store) -> None:
    store.apply(*CROWD)
    assert "secret-cookie" not in store.compare(CROWD[0], watermark=b"secret-cookie").held
