"""Following a real domain: changes wake the reader, expiry needs nobody to tell, and another controller means a comparison."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.connectors.ldap.active_directory import values as windows
from gateway.connectors.ldap.active_directory import watermark
from gateway.connectors.ldap.active_directory.settings import DomainMode
from gateway.model.deltas import Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from tests.conftest import StartSamba
from tests.connectors.domains import Corner, DomainMirror, members, must_agree
from tests.connectors.domains import corner as new_corner
from tests.connectors.mirror import Following

POLL_SECONDS = 3600.0
"""So long that no poll can be what brings a change."""


@pytest.mark.parametrize("mode", [DomainMode.DIRSYNC, DomainMode.USN])
def test_changes_of_every_kind_wake_the_reader(corner: Corner, mode: DomainMode) -> None:
    sales = corner.unit("sales")
    ann = corner.user("ann", "OU=sales")
    staff = corner.group("staff")
    source = corner.source(mode=mode, poll_seconds=POLL_SECONDS)
    with Following(source, DomainMirror()) as following:
        mirror = following.mirror
        corner.server.modify(ann, {"title": ["Boss"]})
        following.until(lambda: mirror.named(corner.login("ann")).attributes["title"] == ("Boss",))
        corner.server.add_values(staff, {"member": [ann]})
        following.until(lambda: members(mirror, corner.login("staff")) == {corner.login("ann")})
        corner.server.rename(sales, "OU=market")
        following.until(lambda: ",OU=market," in mirror.named(corner.login("ann")).dn)
        corner.server.delete(f"CN={corner.login('ann')},OU=market,{corner.dn}")
        following.until(lambda: mirror.names(Kind.USER) == set())
        corner.user("bob")
        following.until(lambda: mirror.names(Kind.USER) == {corner.login("bob")})
    assert isinstance(mirror, DomainMirror)
    must_agree(mirror, corner.source(mode=mode))


def test_many_changes_at_once_are_all_told(corner: Corner) -> None:
    people = [corner.user(f"u{number}-") for number in range(30)]
    source = corner.source(poll_seconds=POLL_SECONDS)
    with Following(source, DomainMirror()) as following:
        for round_number, dn in itertools.product(range(3), people):
            corner.server.modify(dn, {"title": [f"Title {round_number}"]})
        titles = {("Title 2",)}
        following.until(lambda: {delta.attributes["title"] for delta in users(following)} == titles)


def test_an_account_that_expires_while_it_is_followed_is_disabled_then(corner: Corner) -> None:
    soon, later = corner.now + timedelta(hours=2), corner.now + timedelta(hours=5)
    corner.user("ann", password="Secret-1", accountExpires=str(windows.filetime(soon)))
    bob = corner.user("bob", password="Secret-1", accountExpires=str(windows.filetime(soon)))
    source = corner.source(poll_seconds=POLL_SECONDS)
    with Following(source, DomainMirror()) as following:
        corner.server.modify(bob, {"accountExpires": [str(windows.filetime(later))]})
        told = (f"{later:%Y%m%d%H%M%SZ}",)
        following.until(lambda: following.mirror.named(corner.login("bob")).attributes["account_expires"] == told)
        corner.now = soon + timedelta(seconds=1)
        following.until(lambda: enabled(following) == {corner.login("ann"): "false", corner.login("bob"): "true"})
        corner.now = later + timedelta(seconds=1)
        following.until(lambda: enabled(following) == {corner.login("ann"): "false", corner.login("bob"): "false"})


def test_a_controller_that_hangs_is_given_up(start_samba: StartSamba) -> None:
    corner = new_corner(start_samba())
    source = corner.source(upstream=corner.upstream(answer_seconds=0.5), poll_seconds=0.2)
    with Following(source, DomainMirror()) as following:
        corner.server.suspend()
        assert isinstance(following.failed(), SourceUnavailable)
        corner.server.resume()


def test_another_controller_means_a_comparison_and_neither_loses_nor_repeats_a_deletion(start_samba: StartSamba) -> None:
    first = start_samba()
    corner = new_corner(first)
    ann, bob, cid = (corner.user(name) for name in ("ann", "bob", "cid"))
    corner.group("staff", ann, bob, cid)
    mirror = DomainMirror().read(corner.source())
    first.kill()
    second = start_samba(copy_of=first)
    second.delete(bob)
    source = corner.source(upstream=corner.upstream(urls=(first.url, second.url)))
    mirror.read(source)
    assert compared(mirror)
    assert mirror.names(Kind.USER) == {corner.login("ann"), corner.login("cid")}
    must_agree(mirror, source)
    assert not compared(mirror.read(source))  # the second one is asked first now, and knows where it was

    first.start()
    second.delete(cid)
    assert mirror.read(source).names(Kind.USER) == {corner.login("ann")}
    assert not compared(mirror)  # it stays with the second one although the first is back

    second.kill()
    mirror.read(source)  # the first one never heard of the deletions
    assert compared(mirror)
    assert mirror.names(Kind.USER) == {corner.login(name) for name in ("ann", "bob", "cid")}


def test_a_controller_that_was_restored_from_a_backup_means_a_comparison(start_samba: StartSamba) -> None:
    server = start_samba()
    corner = new_corner(server)
    corner.user("ann")
    source = corner.source(mode=DomainMode.USN)
    mirror = DomainMirror().read(source)
    stored = watermark.decode(corner.settings(mode=DomainMode.USN), mirror.watermark)
    assert stored is not None
    ahead = replace(stored, told={"usn": stored.usn + 1000})
    mirror.watermark = watermark.encode(corner.settings(mode=DomainMode.USN), ahead)
    server.delete(server.add_unit("deleted"))
    assert compared(mirror.read(source))


def test_a_change_is_told_well_within_the_time_that_it_may_take(corner: Corner) -> None:
    ann = corner.user("ann")
    source = corner.source(poll_seconds=POLL_SECONDS)
    with Following(source, DomainMirror()) as following:
        took = []
        for number in range(7):
            began = time.monotonic()
            corner.server.modify(ann, {"title": [f"Title {number}"]})
            following.until(partial(has_title, following, f"Title {number}"))
            took.append(time.monotonic() - began)
    assert sorted(took)[3] < 1.0  # some 60 ms on an idle machine


def users(following: Following) -> list[Delta]:
    return [delta for (kind, _), delta in following.mirror.records.items() if kind is Kind.USER]


def has_title(following: Following, title: str) -> bool:
    return [delta.attributes["title"] for delta in users(following)] == [(title,)]


def enabled(following: Following) -> dict[str, str]:
    return {str(delta.attributes["username"][0]): str(delta.attributes["enabled"][0]) for delta in users(following)}


def compared(mirror: DomainMirror) -> bool:
    return any(batch.completes for batch in mirror.batches)
