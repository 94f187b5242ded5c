"""A dry run tells what would happen, and nothing happens."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.model.deltas import MEMBERS, Batch, Delta, Watermark
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.model.runs import Outcome, Result, RunStatus
from gateway.sync.runner.dry_run import DryRun, DryRunReport
from gateway.sync.runner.sync_run import RunOrder, SourceRead, Trigger
from tests.sync.synced_store import EVERYTHING, Store, gone, group, person, unit

USER = Kind.USER


def foresee(store: Store, *batches: Batch) -> DryRunReport:
    preview = DryRun(store.door())
    for batch in batches:
        store.database.read_blocking(lambda c, b=batch: preview.observe(c, b))  # type: ignore[misc]
    return store.database.read_blocking(preview.finish)


def full(*deltas: Delta) -> Batch:
    return Batch(deltas, Watermark(b"new"), EVERYTHING, EVERYTHING)


def test_a_dry_run_of_a_first_read_reports_what_would_be_created(store: Store) -> None:
    number = store.last()
    deltas = [unit("a"), *(person(f"p{n}", "ou=a") for n in range(8)), group("g", "uid=p1,ou=a")]
    foreseen = foresee(store, full(*deltas))
    assert foreseen.statistics.total(Outcome.CREATED) == 10
    assert foreseen.examples[USER, Outcome.CREATED] == ("p0", "p1", "p2", "p3", "p4")
    assert foreseen.refusal == ""
    assert store.last() == number
    assert store.database.read_blocking(store.door().watermark) is None


def test_a_dry_run_reports_what_would_be_updated_deleted_unchanged_and_skipped(both_stores: Store) -> None:
    store = both_stores
    store.apply(unit("a"), person("anna"), person("bert"), person("carl"), group("g", "uid=anna"), group("h", "uid=bert"))
    now = [
        unit("a"),
        person("anna", title="Boss"),
        replace(person("bert"), attributes={"username": ("bert",), "title": ()}),
        person("ANNA", "ou=a", external_id="second"),
        group("g", "uid=anna", "uid=bert"),
        replace(group("h", "uid=bert"), warnings=("said otherwise, meaning the same",)),
    ]
    foreseen = foresee(store, Batch(tuple(now[:3]), begins=EVERYTHING), Batch(tuple(now[3:]), completes=EVERYTHING))
    applied = [store.apply(*now[:3], begins=EVERYTHING), store.apply(*now[3:], completes=EVERYTHING)]
    assert foreseen.statistics == applied[0].statistics + applied[1].statistics
    assert foreseen.statistics.counts[USER, Outcome.DELETED, Result.SUCCEEDED] == 1
    assert foreseen.statistics.counts[USER, Outcome.CREATED, Result.SKIPPED] == 1
    dispute, left_out = foreseen.problems
    assert "which belongs to user" in dispute
    assert left_out == "said otherwise, meaning the same"


def test_a_dry_run_reports_what_would_be_linked_created_and_disputed(both_stores: Store) -> None:
    store = both_stores
    store.correlate("hr", "employee_number = employee_number", "email = email")
    store.apply(
        person("anna", employee_number="7"),
        person("one", email="x@x.test"),
        person("two", email="x@x.test"),
        source="ad",
    )
    said = [
        person("asmith", employee_number="7", title="Boss"),
        person("who", email="x@x.test"),
        person("new"),
        replace(person("x", external_id="nameless"), attributes={"title": ("t",)}),
    ]
    number = store.last()
    foreseen = foresee(store, full(*said))
    assert store.last() == number
    assert foreseen.links == {USER: 1, Kind.ORGANIZATION: 0, Kind.GROUP: 0}
    assert foreseen.link_examples[USER] == ("asmith to user anna",)
    applied = store.compare(*said)
    assert foreseen.statistics == applied.statistics
    assert {problem[:12] for problem in foreseen.problems} == {problem[:12] for problem in applied.problems}


def test_a_dry_run_reports_the_refusal_of_the_deletion_guard(store: Store) -> None:
    crowd = [person(f"p{number:03}") for number in range(100)]
    store.apply(*crowd)
    assert "delete 60 of 100 users" in foresee(store, full(*crowd[:40])).refusal
    assert "without a single user" in foresee(store, full()).refusal
    assert "--allow-deletions" in foresee(store, Batch(tuple(gone(USER, d.external_id) for d in crowd))).refusal
    assert foresee(store, full(*crowd)).refusal == ""


@pytest.mark.parametrize("earlier", [0, 20, 35])
@pytest.mark.parametrize("size", [1, 10, 40])
def test_law_8_a_dry_run_foresees_the_deletions_of_a_run_after_those_of_before(store: Store, earlier: int, size: int) -> None:
    crowd = [person(f"p{number:03}") for number in range(100)]
    store.apply(*crowd)
    leaving = [gone(USER, delta.external_id) for delta in crowd]
    for start in range(0, earlier, 5):
        store.apply(*leaving[start : start + 5], caught_up=True)
    coming = leaving[earlier : earlier + size]
    batches = [Batch(tuple(coming[start : start + 4])) for start in range(0, size, 4)]
    batches.append(Batch(caught_up=True))
    foreseen = foresee(store, *batches)
    read = SourceRead(store.door(), RunOrder(Trigger.MANUAL), lambda: store.time)
    read.committed(store.database.write_blocking(read.begin)[1])
    for batch in batches:
        step = store.database.write_blocking(lambda c, batch=batch: read.apply(c, batch))  # type: ignore[misc]
        read.committed(step)
    assert step.ended is not None
    assert foreseen.statistics == step.ended.run.statistics
    assert (foreseen.refusal != "") == (step.held != "") == (earlier + size > 30)
    for sentence in foreseen.refusal, step.held:
        assert sentence == "" or f"deletions of {earlier + size} users" in sentence
    assert step.ended.status is (RunStatus.REFUSED if step.held else RunStatus.SUCCEEDED)


@pytest.mark.parametrize("by", ["login name", "rule", "nothing"])
@pytest.mark.parametrize("back", [10, 80, 100])
def test_a_dry_run_foresees_who_is_back_under_another_id(store: Store, by: str, back: int) -> None:
    store.rejoins_by_username = by == "login name"
    if by == "rule":
        store.correlate("hr", "employee_number = employee_number")
    crowd = [person(f"p{number:03}", employee_number=str(number)) for number in range(100)]
    store.apply(*crowd)
    anew = [replace(delta, external_id=f"n{number}") for number, delta in enumerate(crowd[:back])]
    anew[0] = replace(anew[0], attributes={**anew[0].attributes, "title": ("Boss",)})
    foreseen = foresee(store, replace(full(*anew), caught_up=True))
    applied = store.compare(*anew, caught_up=True)
    assert foreseen.statistics == applied.statistics
    assert (foreseen.refusal != "") == (applied.held != "") == (by == "nothing" or back == 10)
    assert len(foreseen.problems) == len(applied.problems)


def test_a_dry_run_foresees_that_a_leaver_gives_its_login_name_up(store: Store) -> None:
    store.apply(person("anna"), person("bert"))
    store.apply(gone(USER, "u:anna"))
    assert foresee(store, Batch((person("anna", external_id="new"),))).problems == ()
    assert len(foresee(store, Batch((person("bert", external_id="new"),))).problems) == 1, "who is present keeps it"


def missing(problems: Sequence[str]) -> list[list[tuple[str, str]]]:
    """Return the numbers of groups and of members in the sentences; which of them is the example is open."""
    return [re.findall(r"(\d+) groups|\((\d+), such as", problem) for problem in problems]


def test_a_dry_run_reports_the_missing_members_that_the_run_does(both_stores: Store) -> None:
    """Once for all groups, in whatever order members and groups come, and for groups that say what they said, too."""
    store = both_stores
    first = (group("g", "uid=anna", "uid=nobody"), group("h", "uid=bert", "uid=who,ou=else"), person("anna"), person("bert"))
    foreseen = foresee(store, full(*first))
    applied = store.compare(*first)
    assert missing(foreseen.problems) == missing(applied.problems) == [[("2", ""), ("", "2")]]
    assert (
        missing(foresee(store, full(*first)).problems) == missing(store.compare(*first).problems) == missing(applied.problems)
    )
    found = (*first, person("nobody"), person("who", "ou=else"))
    assert foresee(store, full(*found)).problems == store.compare(*found).problems == ()


def test_a_dry_run_reports_the_members_that_go_missing_with_their_records(both_stores: Store) -> None:
    store = both_stores
    login = replace(group("g"), references={MEMBERS: (Reference(ReferenceForm.LOGIN, "anna"),)})
    store.compare(login, person("anna"), person("bert"))
    left = (login, person("bert"))
    foreseen = foresee(store, full(*left))
    assert foreseen.problems == store.compare(*left).problems
    assert "(1, such as anna)" in foreseen.problems[0]
