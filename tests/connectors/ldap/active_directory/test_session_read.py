"""A real domain followed: changes wake the reader, expiry needs no report, and another controller means a reconciliation."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes import watermark
from gateway.connectors.ldap.active_directory.changes.tracker import TrackerState
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode
from gateway.model.deltas import Delta
from gateway.model.ldap import times
from gateway.model.objects import Kind
from tests.conftest import StartSamba
from tests.connectors.active_directory_unit import IncrementalReplica, ScratchUnit, members, must_agree, new_scratch_unit
from tests.connectors.record_replica import FollowingReplica

POLL_SECONDS = 3600.0
"""So long that no poll can be what brings a change."""


@pytest.mark.parametrize("mode", [ActiveDirectoryMode.DIRSYNC, ActiveDirectoryMode.USN])
def test_changes_of_every_kind_wake_the_reader(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    sales = scratch.add_unit("sales")
    ann = scratch.add_user("ann", "OU=sales")
    staff = scratch.add_group("staff")
    source = scratch.source(mode=mode, poll_seconds=POLL_SECONDS)
    with FollowingReplica(source, IncrementalReplica()) as following:
        replica = following.replica
        scratch.server.modify(ann, {"title": ["Boss"]})
        following.until(lambda: replica.named(scratch.login("ann")).attributes["title"] == ("Boss",))
        scratch.server.add_values(staff, {"member": [ann]})
        following.until(lambda: members(replica, scratch.login("staff")) == {scratch.login("ann")})
        scratch.server.rename(sales, "OU=market")
        following.until(lambda: ",OU=market," in replica.named(scratch.login("ann")).dn)
        scratch.server.delete(f"CN={scratch.login('ann')},OU=market,{scratch.dn}")
        following.until(lambda: replica.names(Kind.USER) == set())
        scratch.add_user("bob")
        following.until(lambda: replica.names(Kind.USER) == {scratch.login("bob")})
    assert isinstance(replica, IncrementalReplica)
    must_agree(replica, scratch.source(mode=mode))


@pytest.mark.parametrize("mode", [ActiveDirectoryMode.DIRSYNC, ActiveDirectoryMode.USN])
def test_law_8_deletions_that_the_account_is_not_shown_are_found_all_the_same(
    scratch: ScratchUnit, mode: ActiveDirectoryMode
) -> None:
    reader = scratch.add_user("reader", password="Secret-1")
    scratch.server.allow_dirsync(reader)
    ann, staff = scratch.add_user("ann"), scratch.add_group("staff")
    account = {"upstream": scratch.upstream(bind_dn=reader, password="Secret-1"), "mode": mode, "poll_seconds": 0.2}
    with FollowingReplica(scratch.source(**account), IncrementalReplica()) as following:
        replica = following.replica
        assert "because bind_dn is shown no deleted objects; give bind_dn the rights" in replica.batches[0].reading
        bob = scratch.add_user("bob")
        following.until(lambda: replica.names(Kind.USER) == {scratch.login(name) for name in ("ann", "bob", "reader")})
        scratch.server.delete(ann)
        scratch.server.delete(staff)
        scratch.server.delete(bob)  # he was not there when all were listed
        following.until(lambda: replica.names(Kind.USER) | replica.names(Kind.GROUP) == {scratch.login("reader")})
    must_agree(IncrementalReplica().read(scratch.source(**account)), scratch.source(mode=mode))
    scratch.server.delete(scratch.server.add_unit("gone", scratch.below()))
    scratch.add_user("cid")
    scratch.server.delete(f"CN={scratch.login('cid')},{scratch.dn}")  # between two reads
    assert replica.read(scratch.source(**account)).names(Kind.USER) == {scratch.login("reader")}
    scratch.server.show_deleted(reader)
    assert replica.read(scratch.source(**account)).batches[0].reading.endswith(", deletions too")


def test_many_changes_at_once_are_all_reported(scratch: ScratchUnit) -> None:
    people = [scratch.add_user(f"u{number}-") for number in range(30)]
    source = scratch.source(poll_seconds=POLL_SECONDS)
    with FollowingReplica(source, IncrementalReplica()) as following:
        for round_number, dn in itertools.product(range(3), people):
            scratch.server.modify(dn, {"title": [f"Title {round_number}"]})
        titles = {("Title 2",)}
        following.until(lambda: {delta.attributes["title"] for delta in users(following)} == titles)


def test_an_account_that_expires_while_it_is_followed_is_disabled_then(scratch: ScratchUnit) -> None:
    soon, later = scratch.now + timedelta(hours=2), scratch.now + timedelta(hours=5)
    scratch.add_user("ann", password="Secret-1", accountExpires=str(windows_values.filetime(soon)))
    bob = scratch.add_user("bob", password="Secret-1", accountExpires=str(windows_values.filetime(soon)))
    source = scratch.source(poll_seconds=POLL_SECONDS)
    with FollowingReplica(source, IncrementalReplica()) as following:
        scratch.server.modify(bob, {"accountExpires": [str(windows_values.filetime(later))]})
        told = (times.text_of(windows_values.filetime(later)),)
        following.until(lambda: following.replica.named(scratch.login("bob")).attributes["account_expires"] == told)
        scratch.now = soon + timedelta(seconds=1)
        following.until(lambda: enabled(following) == {scratch.login("ann"): "false", scratch.login("bob"): "true"})
        scratch.now = later + timedelta(seconds=1)
        following.until(lambda: enabled(following) == {scratch.login("ann"): "false", scratch.login("bob"): "false"})


def test_a_controller_that_hangs_is_not_heard_and_given_up_however_rarely_it_is_read(
    start_samba: StartSamba, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.connectors.ldap.active_directory.session_read.PROBE_SECONDS", 0.3)
    monkeypatch.setattr("gateway.connectors.ldap.active_directory.session_read.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("gateway.connectors.ldap.client.search.PROBE_ANSWER_SECONDS", 0.5)
    scratch = new_scratch_unit(start_samba())
    with FollowingReplica(scratch.source(poll_seconds=POLL_SECONDS), IncrementalReplica()) as following:
        batches = following.replica.batches
        following.until(lambda: not batches[-1].heard and sum(batch.heard for batch in batches) > 2)  # it is asked now and then
        scratch.server.suspend()
        told = len(batches)
        assert "followed, but silent for " in str(following.failed())
        assert not any(batch.heard for batch in batches[told + 1 :])  # one probe may have been answered just before
        scratch.server.resume()


def test_another_controller_means_a_reconciliation_and_neither_loses_nor_repeats_a_deletion(start_samba: StartSamba) -> None:
    first = start_samba()
    scratch = new_scratch_unit(first)
    ann, bob, cid = (scratch.add_user(name) for name in ("ann", "bob", "cid"))
    scratch.add_group("staff", ann, bob, cid)
    replica = IncrementalReplica().read(scratch.source())
    first.kill()
    second = start_samba(copy_of=first)
    second.delete(bob)
    source = scratch.source(upstream=scratch.upstream(urls=(first.url, second.url)))
    replica.read(source)
    assert compared(replica)
    assert replica.names(Kind.USER) == {scratch.login("ann"), scratch.login("cid")}
    must_agree(replica, source)
    assert not compared(replica.read(source))  # the second one is asked first now, and knows where it was

    first.start()
    second.delete(cid)
    assert replica.read(source).names(Kind.USER) == {scratch.login("ann")}
    assert not compared(replica)  # it stays with the second one although the first is back

    second.kill()
    replica.read(source)  # the first one never heard of the deletions
    assert compared(replica)
    assert replica.names(Kind.USER) == {scratch.login(name) for name in ("ann", "bob", "cid")}


def test_a_controller_that_was_restored_from_a_backup_means_a_reconciliation(start_samba: StartSamba) -> None:
    server = start_samba()
    scratch = new_scratch_unit(server)
    scratch.add_user("ann")
    source = scratch.source(mode=ActiveDirectoryMode.USN)
    replica = IncrementalReplica().read(source)
    stored = watermark.decode(scratch.settings(mode=ActiveDirectoryMode.USN), replica.watermark)
    assert stored is not None
    ahead = replace(stored, state=TrackerState(usn=stored.state.usn + 1000))
    replica.watermark = watermark.encode(scratch.settings(mode=ActiveDirectoryMode.USN), ahead)
    server.delete(server.add_unit("deleted"))
    assert compared(replica.read(source))


def test_a_change_is_reported_well_within_its_time_limit(scratch: ScratchUnit) -> None:
    ann = scratch.add_user("ann")
    source = scratch.source(poll_seconds=POLL_SECONDS)
    with FollowingReplica(source, IncrementalReplica()) as following:
        took = []
        for number in range(7):
            began = time.monotonic()
            scratch.server.modify(ann, {"title": [f"Title {number}"]})
            following.until(partial(has_title, following, f"Title {number}"))
            took.append(time.monotonic() - began)
    assert sorted(took)[3] < 1.0  # some 60 ms on an idle machine


def users(following: FollowingReplica) -> list[Delta]:
    return [delta for (kind, _), delta in following.replica.records.items() if kind is Kind.USER]


def has_title(following: FollowingReplica, title: str) -> bool:
    return [delta.attributes["title"] for delta in users(following)] == [(title,)]


def enabled(following: FollowingReplica) -> dict[str, str]:
    return {str(delta.attributes["username"][0]): str(delta.attributes["enabled"][0]) for delta in users(following)}


def compared(replica: IncrementalReplica) -> bool:
    return any(batch.completes for batch in replica.batches)
