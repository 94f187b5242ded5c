"""Behaviour of Windows that Samba lacks: MaxPageSize, links in ranges, changes in portions, refused cookies, ended searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryMode,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.connectors.ldap.active_directory.source import MAX_REPLICATION_LAG, ActiveDirectorySource, present_time
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import MEMBERS
from gateway.model.errors import SourceRefused, SourceUnavailable
from gateway.model.objects import Kind
from gateway.wire.controls import DirSyncFlags
from tests.connectors.active_directory_unit import IncrementalReplica, label, members
from tests.connectors.record_replica import FollowingReplica
from tests.connectors.scripted_domain_controller import BASE, MAX_PAGE_SIZE, SERVICE, Entry, ScriptedDomainController

PAGE_SIZE = 5000
"""More than the controller gives at a time."""


@pytest.fixture
def domain() -> Iterator[ScriptedDomainController]:
    with ScriptedDomainController() as started:
        yield started


def source(
    domain: ScriptedDomainController, now: Callable[[], datetime] = present_time, **changes: Any
) -> ActiveDirectorySource:
    settings = ActiveDirectorySettings(
        id="corp",
        upstream=Upstream(urls=(domain.url,), bind_dn="reader@corp.example", password="secret", answer_seconds=5),
        kinds=tuple(active_directory_kind_settings(kind, (BASE,)) for kind in Kind),
        page_size=PAGE_SIZE,
    )
    return ActiveDirectorySource(replace(settings, **changes), now)


def user(domain: ScriptedDomainController, name: str, below: str = "") -> Entry:
    dn = ",".join(filter(None, (f"CN={name}", below, BASE)))
    return domain.add(dn, "user", sAMAccountName=[name.encode()], userAccountControl=[b"512"])


def group(domain: ScriptedDomainController, name: str, *inside: Entry) -> Entry:
    return domain.add(f"CN={name},{BASE}", "group", sAMAccountName=[name.encode()], member=[one.dn.encode() for one in inside])


def unit(domain: ScriptedDomainController, name: str) -> Entry:
    return domain.add(f"OU={name},{BASE}", "organizationalUnit", ou=[name.encode()])


def compared(replica: IncrementalReplica) -> bool:
    return any(batch.completes for batch in replica.batches)


def test_more_entries_than_one_answer_may_hold_come_in_pages(domain: ScriptedDomainController) -> None:
    for number in range(2 * MAX_PAGE_SIZE + 1):
        user(domain, f"u{number}")
    replica = IncrementalReplica().read(source(domain))
    assert len(replica.names(Kind.USER)) == 2 * MAX_PAGE_SIZE + 1
    assert domain.pages.count(MAX_PAGE_SIZE) == 2


def test_a_group_of_more_members_than_a_range_holds_is_read_range_by_range(domain: ScriptedDomainController) -> None:
    people = [user(domain, f"u{number}") for number in range(3 * 1500 + 7)]
    group(domain, "large", *people)
    group(domain, "small", *people[:3])
    replica = IncrementalReplica().read(source(domain))
    assert members(replica, "large") == {f"u{number}" for number in range(len(people))}
    assert members(replica, "small") == {"u0", "u1", "u2"}


def test_a_member_of_a_large_group_joins_without_its_being_read_again(domain: ScriptedDomainController) -> None:
    people = [user(domain, f"u{number}") for number in range(1600)]
    large = group(domain, "large", *people[1:])
    replica = IncrementalReplica().read(source(domain))
    domain.join(large, people[0])
    domain.leave(large, people[1])
    replica.read(source(domain))
    [said] = [delta for batch in replica.batches for delta in batch.deltas]
    assert MEMBERS not in said.references
    assert members(replica, "large") == {label_of(one) for one in people} - {"u1"}


def test_changes_in_several_answers_are_all_read_and_each_answer_can_be_resumed(
    domain: ScriptedDomainController,
) -> None:
    replica = IncrementalReplica().read(source(domain))
    for number in range(7):
        user(domain, f"u{number}")
    domain.portion = 3
    interrupted = source(domain)
    replica.apply(next(interrupted.read(replica.watermark, follow=False)))
    interrupted.close()  # as if the gateway had been killed here
    assert len(replica.names(Kind.USER)) == 3
    asked = len(domain.requests)
    replica.read(source(domain))
    assert replica.names(Kind.USER) == {f"u{number}" for number in range(7)}
    assert [request.cookie.partition(b"/")[2] for request in domain.requests[asked:]] == [b"3", b"6"]


def test_units_are_reported_before_the_entries_below_them(domain: ScriptedDomainController) -> None:
    replica = IncrementalReplica().read(source(domain))
    ann = user(domain, "ann", "OU=sales")  # its number is lower than that of the unit, as after a move
    unit(domain, "sales")
    domain.portion = 1
    replica.read(source(domain))
    told = [label(delta) for batch in replica.batches for delta in batch.deltas]
    assert told.index("sales") < told.index("ann")
    assert replica.named("ann").dn == ann.dn
    assert all(request.flags & DirSyncFlags.ANCESTORS_FIRST for request in domain.requests)


def test_conflicts_of_replication_are_kept_aside_and_told(domain: ScriptedDomainController) -> None:
    user(domain, "ann")
    below = f"\\0ACNF:{uuid4()},{BASE}"
    named = {"sAMAccountName": [b"ann2"], "userAccountControl": [b"512"]}
    aside = [
        domain.add(f"CN=ann{below}", "user", **named),
        domain.add(f"CN=Doe\\, Jo{below}", "user", **named),
        domain.add(f"CN=jo,{BASE}", "user", sAMAccountName=[b"$DUPLICATE-4fa"], userAccountControl=[b"512"]),
        domain.add(f"CN=staff{below}", "group", sAMAccountName=[b"staff2"]),
        domain.add(f"OU=sales{below}", "organizationalUnit", ou=[b"sales"]),
    ]
    well = domain.add(f"CN=CNF: not one,{aside[-1].dn}", "user", sAMAccountName=[b"bob"], userAccountControl=[b"512"])
    replica = IncrementalReplica().read(source(domain))
    told = {delta.dn: delta.problem for delta in replica.records.values() if delta.problem}
    assert told.keys() == {entry.dn for entry in aside}
    assert all("is a replication conflict: another entry has its name" in problem for problem in told.values())
    assert replica.names(Kind.USER) == {"ann", "bob", ""}
    assert replica.named("bob").dn == well.dn


def test_deletions_are_reported(domain: ScriptedDomainController) -> None:
    ann, bob = user(domain, "ann"), user(domain, "bob")
    group(domain, "staff", ann, bob)
    for mode in ActiveDirectoryMode:
        replica = IncrementalReplica().read(source(domain, mode=mode))
        gone = user(domain, "gone")
        assert "gone" in replica.read(source(domain, mode=mode)).names(Kind.USER)
        domain.delete(gone)
        assert replica.read(source(domain, mode=mode)).names(Kind.USER) == {"ann", "bob"}


@pytest.mark.parametrize("code", [53, 1, 80, 87])
def test_a_cookie_that_is_refused_makes_it_a_reconciliation(domain: ScriptedDomainController, code: int) -> None:
    ann = user(domain, "ann")
    replica = IncrementalReplica().read(source(domain))
    domain.delete(ann)
    domain.refusals = [code, code]
    with pytest.raises((SourceRefused, SourceUnavailable)):  # the cookie that it has just given is refused as well
        replica.read(source(domain))
    domain.refusals = [code]
    asked = len(domain.requests)
    assert replica.read(source(domain)).names(Kind.USER) == set()
    assert compared(replica)
    assert [bool(request.cookie) for request in domain.requests[asked:]] == [True, False, True]


def test_a_busy_controller_is_no_reason_to_compare(domain: ScriptedDomainController) -> None:
    replica = IncrementalReplica().read(source(domain))
    domain.refusals = [51]
    with pytest.raises(SourceUnavailable, match="51 busy"):
        replica.read(source(domain))


def test_another_invocation_id_makes_it_a_reconciliation(domain: ScriptedDomainController) -> None:
    user(domain, "ann")
    replica = IncrementalReplica().read(source(domain))
    assert not compared(replica.read(source(domain)))
    [service] = [entry for entry in domain.entries.values() if entry.dn == SERVICE]
    domain.change(service, invocationId=[uuid4().bytes_le])
    assert compared(replica.read(source(domain)))
    assert not compared(replica.read(source(domain)))


def test_a_controller_that_lags_behind_the_one_before_is_waited_for_but_not_for_ever(domain: ScriptedDomainController) -> None:
    ann = user(domain, "ann")
    clock = [datetime(2026, 11, 28, 12, 0, tzinfo=UTC)]
    reading = source(domain, now=lambda: clock[0])
    replica = IncrementalReplica().read(reading)
    former, [service] = domain.invocation, [entry for entry in domain.entries.values() if entry.dn == SERVICE]
    domain.replicated = {uuid4(): 1, former: 1}
    domain.change(service, invocationId=[uuid4().bytes_le])
    domain.delete(ann)  # which stands for: this one has never heard of her
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="has not heard yet of all that was read from another controller"):
            replica.read(reading)
        clock[0] += MAX_REPLICATION_LAG / 2
    assert replica.names(Kind.USER) == {"ann"}
    clock[0] += MAX_REPLICATION_LAG
    assert replica.read(reading).names(Kind.USER) == set()


def test_a_controller_that_has_heard_of_everything_is_compared_with_at_once(domain: ScriptedDomainController) -> None:
    user(domain, "ann")
    replica = IncrementalReplica().read(source(domain))
    former, [service] = domain.invocation, [entry for entry in domain.entries.values() if entry.dn == SERVICE]
    domain.replicated = {former: 1_000}
    domain.change(service, invocationId=[uuid4().bytes_le])
    assert compared(replica.read(source(domain)))


def test_a_search_for_changes_that_the_controller_ends_is_begun_anew(
    domain: ScriptedDomainController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.connectors.ldap.active_directory.changes.notification.RETRY_SECONDS", 0.0)
    with FollowingReplica(source(domain, poll_seconds=3600), IncrementalReplica()) as following:
        following.until(lambda: domain.has_open_searches)
        user(domain, "ann")
        following.until(lambda: following.replica.names(Kind.USER) == {"ann"})
        domain.end_notification(11)
        user(domain, "bob")  # nobody tells of it: that the search has ended is what wakes
        following.until(lambda: following.replica.names(Kind.USER) == {"ann", "bob"} and domain.has_open_searches)
        user(domain, "cid")
        following.until(lambda: following.replica.names(Kind.USER) == {"ann", "bob", "cid"})


def test_a_controller_without_notification_is_polled(domain: ScriptedDomainController) -> None:
    domain.notifying = False
    with FollowingReplica(source(domain, poll_seconds=0.05), IncrementalReplica()) as following:
        user(domain, "ann")
        following.until(lambda: following.replica.names(Kind.USER) == {"ann"})


def label_of(entry: Entry) -> str:
    return entry.attributes["sAMAccountName"][0].decode()
