"""Stops and starts on either side, with every way in which an OpenLDAP remembers deletions, or does not. What is served must be
what the upstream has, by whichever way the gateway had to take; ids stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_group, add_person, add_unit
from tests.scenarios.office import Observer, Office
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

POLLED = ("schedule_seconds = 1",)
FOLLOWED = ("schedule_seconds = 3600", "probe_seconds = 1")


class Variant(NamedTuple):
    """`options` of slapd, `lines` of the source; `goes_on`: the mode of the run after both sides were stopped. An upstream that
    then remembers no deletions makes it a reconciliation of everything."""

    options: dict[str, Any]
    lines: Sequence[str]
    goes_on: str


VARIANTS = {
    "session log in memory": Variant({"session_log": "memory"}, FOLLOWED, "full"),
    "session log in the accesslog": Variant({"session_log": "accesslog"}, FOLLOWED, "incremental"),
    "no session log": Variant({"session_log": "none"}, FOLLOWED, "full"),
    "no syncprov": Variant({"syncprov": False, "session_log": "none"}, POLLED, "full"),
}


def fill(upstream: Slapd) -> list[str]:
    """Some people, of whom the later steps take one after the other; their DNs."""
    add_unit(upstream, "sales")
    people = [add_person(upstream, f"person{number}", "ou=sales,ou=people", title=f"No {number}") for number in range(8)]
    add_group(upstream, "staff", *people)
    add_group(upstream, "others", people[0], people[7])
    return people


def change(upstream: Slapd, deleted: str, modified: str, added: str) -> None:
    """One of each, and a group that goes."""
    upstream.delete(deleted)
    upstream.modify(modified, {"title": [added]})
    add_person(upstream, added, mail=f"{added}@example.test")
    upstream.delete_values(f"cn=staff,ou=groups,{upstream.suffix}", {"member": [modified]})


def ids_stay(observer: Observer, before: dict[str, bytes]) -> None:
    now = observer.ids()
    assert {uid: now[uid] for uid in before if uid in now} == {uid: before[uid] for uid in before if uid in now}
    assert len(set(now.values()) | set(before.values())) == len(now.keys() | before.keys())


def complains_of_the_upstream_alone(observer: Observer) -> None:
    """The log has no warning but that the upstream was away."""
    warnings = [line for line in observer.serving.log_text().splitlines() if "[info" not in line]
    assert [
        line for line in warnings if "it is tried again later" not in line and "see whether the server runs" not in line
    ] == []


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_stops_and_starts_of_both_sides_lose_nothing(
    office: Office, start_slapd: StartSlapd, pki: Pki, variant: Variant
) -> None:
    upstream = start_slapd(**variant.options)
    people = fill(upstream)
    office.configure(source_of(upstream, pki, "hr", *variant.lines))
    portal = office.application()

    with office.observed(portal) as observer:
        observer.must_see(upstream)
        ids = observer.ids()
        upstream.restart()
        change(upstream, people[0], people[1], "first")
        observer.must_see(upstream)
        upstream.kill()
        upstream.start()
        change(upstream, people[2], people[3], "second")
        observer.must_see(upstream)
        ids_stay(observer, ids)
        assert observer.serving.stop() == 0
        complains_of_the_upstream_alone(observer)

    change(upstream, people[4], people[5], "third")
    upstream.delete(f"cn=others,ou=groups,{upstream.suffix}")
    upstream.restart()  # a session log in memory is gone now
    with office.observed(portal) as observer:
        observer.must_see(upstream)
        ids_stay(observer, ids)
        until(lambda: "run" in observer.serving.log_text(), "the first run ends")
        run = office.source()["last_run"]
        assert (run["mode"], run["status"]) == (variant.goes_on, "succeeded")
        complains_of_the_upstream_alone(observer)


def test_a_gateway_that_was_killed_goes_on_where_it_was(office: Office, start_slapd: StartSlapd, pki: Pki) -> None:
    upstream = start_slapd()
    people = fill(upstream)
    office.configure(source_of(upstream, pki, "hr", *FOLLOWED))
    portal = office.application()
    with office.observed(portal) as observer:
        observer.must_see(upstream)
        ids = observer.ids()
        observer.serving.process.kill()
        observer.serving.process.wait()
    change(upstream, people[0], people[1], "first")
    with office.observed(portal) as observer:
        observer.must_see(upstream)
        ids_stay(observer, ids)
        assert office.source()["last_run"]["mode"] == "incremental"
