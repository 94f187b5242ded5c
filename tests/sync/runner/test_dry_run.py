"""A dry run tells what would happen, and nothing happens."""

from dataclasses import replace

from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, Result
from gateway.sync.runner.dry_run import DryRun, DryRunReport
from tests.sync.house import EVERYTHING, House, gone, group, person, unit

USER = Kind.USER


def foresee(house: House, *batches: Batch) -> DryRunReport:
    preview = DryRun(house.door())
    for batch in batches:
        house.database.read_blocking(lambda c, b=batch: preview.observe(c, b))  # type: ignore[misc]
    return house.database.read_blocking(preview.finish)


def full(*deltas: Delta) -> Batch:
    return Batch(deltas, Watermark(b"new"), EVERYTHING, EVERYTHING)


def test_a_dry_run_of_a_first_read_reports_what_would_be_created(house: House) -> None:
    number = house.last()
    deltas = [unit("a"), *(person(f"p{n}", "ou=a") for n in range(8)), group("g", "uid=p1,ou=a")]
    foreseen = foresee(house, full(*deltas))
    assert foreseen.statistics.total(Outcome.CREATED) == 10
    assert foreseen.examples[USER, Outcome.CREATED] == ("p0", "p1", "p2", "p3", "p4")
    assert foreseen.refusal == ""
    assert house.last() == number
    assert house.database.read_blocking(house.door().watermark) is None


def test_a_dry_run_reports_what_would_be_updated_deleted_unchanged_and_skipped(both_houses: House) -> None:
    house = both_houses
    house.apply(unit("a"), person("anna"), person("bert"), person("carl"), group("g", "uid=anna"), group("h", "uid=bert"))
    now = [
        unit("a"),
        person("anna", title="Boss"),
        replace(person("bert"), attributes={"username": ("bert",), "title": ()}),
        person("ANNA", "ou=a", external_id="second"),
        group("g", "uid=anna", "uid=bert"),
        replace(group("h", "uid=bert"), warnings=("said otherwise, meaning the same",)),
    ]
    foreseen = foresee(house, Batch(tuple(now[:3]), begins=EVERYTHING), Batch(tuple(now[3:]), completes=EVERYTHING))
    applied = [house.apply(*now[:3], begins=EVERYTHING), house.apply(*now[3:], completes=EVERYTHING)]
    assert foreseen.statistics == applied[0].statistics + applied[1].statistics
    assert foreseen.statistics.counts[USER, Outcome.DELETED, Result.SUCCEEDED] == 1
    assert foreseen.statistics.counts[USER, Outcome.CREATED, Result.SKIPPED] == 1
    assert len(foreseen.problems) == 1


def test_a_dry_run_reports_what_would_be_linked_created_and_disputed(both_houses: House) -> None:
    house = both_houses
    house.correlate("hr", "employee_number = employee_number", "email = email")
    house.apply(
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
    number = house.last()
    foreseen = foresee(house, full(*said))
    assert house.last() == number
    assert foreseen.links == {USER: 1, Kind.ORGANIZATION: 0, Kind.GROUP: 0}
    assert foreseen.link_examples[USER] == ("asmith to user anna",)
    applied = house.compare(*said)
    assert foreseen.statistics == applied.statistics
    assert {problem[:12] for problem in foreseen.problems} == {problem[:12] for problem in applied.problems}


def test_a_dry_run_reports_the_refusal_of_the_deletion_guard(house: House) -> None:
    crowd = [person(f"p{number:03}") for number in range(100)]
    house.apply(*crowd)
    assert "delete 60 of 100 users" in foresee(house, full(*crowd[:40])).refusal
    assert "without a single user" in foresee(house, full()).refusal
    assert "--allow-deletions" in foresee(house, Batch(tuple(gone(USER, d.external_id) for d in crowd))).refusal
    assert foresee(house, full(*crowd)).refusal == ""
