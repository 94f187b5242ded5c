"""What changes in a real domain after a first read, by DirSync and by uSNChanged: after each, what was learned change by change
is what a first read finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.connectors.ldap.active_directory import values as windows
from gateway.connectors.ldap.active_directory.settings import DomainMode
from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind
from tests.connectors.domains import Corner, DomainMirror, members, must_agree


@pytest.fixture(params=[DomainMode.DIRSYNC, DomainMode.USN])
def mode(request: pytest.FixtureRequest) -> DomainMode:
    return DomainMode(request.param)


@pytest.fixture
def source(corner: Corner, mode: DomainMode) -> ActiveDirectorySource:
    return corner.source(mode=mode)


def told(mirror: DomainMirror, name: str = "") -> list[Delta]:
    """What the last read said, of one record or at all."""
    deltas = [delta for batch in mirror.batches for delta in batch.deltas]
    return [delta for delta in deltas if not name or delta.external_id == mirror.named(name).external_id]


def compared(mirror: DomainMirror) -> bool:
    """Whether the last read was a comparison in full."""
    return any(batch.completes for batch in mirror.batches)


def test_nothing_is_said_when_nothing_has_changed(corner: Corner, source: ActiveDirectorySource) -> None:
    corner.user("ann")
    mirror = DomainMirror().read(source).read(source)
    assert told(mirror) == []
    assert [batch.caught_up for batch in mirror.batches] == [True]


def test_what_a_user_says_otherwise_or_no_more_is_told(corner: Corner, source: ActiveDirectorySource) -> None:
    dn = corner.user("ann", mail="ann@example.test", title="Clerk")
    mirror = DomainMirror().read(source)
    corner.server.modify(dn, {"title": ["Boss"], "mail": []})
    ann = mirror.read(source).named(corner.login("ann"))
    assert not compared(mirror)
    assert (ann.attributes["title"], ann.attributes["email"]) == (("Boss",), ())
    must_agree(mirror, source)


def test_who_is_new_is_told_with_the_groups_that_name_them(corner: Corner, source: ActiveDirectorySource) -> None:
    staff = corner.group("staff")
    mirror = DomainMirror().read(source)
    corner.unit("sales")
    corner.server.add_values(staff, {"member": [corner.user("ann", "OU=sales")]})
    corner.group("more", staff)
    mirror.read(source)
    assert mirror.names(Kind.ORGANIZATION) == {"sales"}
    assert members(mirror, corner.login("staff")) == {corner.login("ann")}
    assert members(mirror, corner.login("more")) == {corner.login("staff")}
    must_agree(mirror, source)


def test_members_who_join_and_leave_are_told_alone_where_links_are_told_value_by_value(corner: Corner) -> None:
    ann, bob, cid = (corner.user(name) for name in ("ann", "bob", "cid"))
    staff = corner.group("staff", ann, bob)
    source = corner.source(mode=DomainMode.DIRSYNC)
    mirror = DomainMirror().read(source)
    corner.server.delete_values(staff, {"member": [ann]})
    corner.server.add_values(staff, {"member": [cid]})
    [said] = told(mirror.read(source))
    assert [len(pointed.get(MEMBERS, ())) for pointed in (said.references, said.added, said.removed)] == [0, 1, 1]
    assert members(mirror, corner.login("staff")) == {corner.login("bob"), corner.login("cid")}


def test_members_who_join_and_leave_are_told(corner: Corner, source: ActiveDirectorySource) -> None:
    ann, bob, cid = (corner.user(name) for name in ("ann", "bob", "cid"))
    staff = corner.group("staff", ann, bob)
    mirror = DomainMirror().read(source)
    corner.server.delete_values(staff, {"member": [ann]})
    corner.server.add_values(staff, {"member": [cid]})
    mirror.read(source)
    must_agree(mirror, source)
    corner.server.modify(staff, {"member": []})
    mirror.read(source)
    assert members(mirror, corner.login("staff")) == set()
    must_agree(mirror, source)


def test_who_is_deleted_is_told_and_is_in_no_group_any_more(corner: Corner, source: ActiveDirectorySource) -> None:
    ann, bob = corner.user("ann"), corner.user("bob")
    staff = corner.group("staff", ann, bob)
    corner.unit("sales")
    mirror = DomainMirror().read(source)
    for gone in (ann, corner.server.dn("OU=sales", corner.below())):
        corner.server.delete(gone)
    mirror.read(source)
    assert {delta.type for delta in told(mirror)} == {DeltaType.DELETE}
    assert (mirror.names(Kind.USER), mirror.names(Kind.ORGANIZATION)) == ({corner.login("bob")}, set())
    assert members(mirror, corner.login("staff")) == {corner.login("bob")}
    must_agree(mirror, source)
    corner.server.delete(staff)
    assert mirror.read(source).names(Kind.GROUP) == set()


def test_a_move_between_units_is_told(corner: Corner, source: ActiveDirectorySource) -> None:
    corner.unit("sales")
    dn = corner.user("ann", "OU=sales")
    europe = corner.unit("europe")
    mirror = DomainMirror().read(source)
    before = mirror.named(corner.login("ann"))
    moved = corner.server.rename(dn, f"CN={corner.login('ann')}", europe)
    after = mirror.read(source).named(corner.login("ann"))
    assert (after.external_id, after.dn) == (before.external_id, moved)
    must_agree(mirror, source)


def test_what_lies_below_a_unit_that_is_renamed_has_new_names(corner: Corner, source: ActiveDirectorySource) -> None:
    sales = corner.unit("sales")
    corner.unit("europe", "OU=sales")
    ann = corner.user("ann", "OU=europe,OU=sales")
    corner.group("staff", ann, rdns="OU=sales")
    mirror = DomainMirror().read(source)
    corner.server.rename(sales, "OU=market")
    mirror.read(source)
    assert mirror.named(corner.login("ann")).dn == f"CN={corner.login('ann')},OU=europe,OU=market,{corner.dn}"
    assert not compared(mirror)
    must_agree(mirror, source)
    corner.server.rename(f"OU=market,{corner.dn}", "OU=trade")  # once more, now that the unit is known
    must_agree(mirror.read(source), source)


def test_a_unit_that_is_moved_out_of_scope_takes_all_below_it_along_and_brings_it_back(
    corner: Corner, source: ActiveDirectorySource, mode: DomainMode
) -> None:
    inside, outside = corner.unit("inside"), corner.unit("outside")
    corner.unit("sales", "OU=inside")
    ann = corner.user("ann", "OU=sales,OU=inside")
    corner.group("staff", ann, rdns="OU=inside")
    corner.group("sellers", ann, rdns="OU=sales,OU=inside")
    narrow = corner.source(mode=mode, kinds=corner.kinds(inside))
    mirror = DomainMirror().read(narrow)
    corner.server.rename(f"OU=sales,{inside}", "OU=sales", outside)
    mirror.read(narrow)
    assert (mirror.names(Kind.USER), mirror.names(Kind.ORGANIZATION)) == (set(), set())
    assert mirror.names(Kind.GROUP) == {corner.login("staff")}
    must_agree(mirror, narrow)
    corner.server.rename(f"OU=sales,{outside}", "OU=sales", inside)
    mirror.read(narrow)
    assert not compared(mirror)
    assert members(mirror, corner.login("staff")) == members(mirror, corner.login("sellers")) == {corner.login("ann")}
    must_agree(mirror, narrow)


def test_who_leaves_the_scope_is_gone_and_who_comes_back_is_in_the_same_groups(corner: Corner, mode: DomainMode) -> None:
    inside, outside = corner.unit("inside"), corner.unit("outside")
    ann = corner.user("ann", "OU=inside")
    corner.group("staff", ann, rdns="OU=inside")
    source = corner.source(mode=mode, kinds=corner.kinds(exclude=(outside,)))
    mirror = DomainMirror().read(source)
    away = corner.server.rename(ann, f"CN={corner.login('ann')}", outside)
    assert mirror.read(source).names(Kind.USER) == set()
    must_agree(mirror, source)
    corner.server.rename(away, f"CN={corner.login('ann')}", inside)
    assert members(mirror.read(source), corner.login("staff")) == {corner.login("ann")}
    assert not compared(mirror)
    must_agree(mirror, source)


def test_who_leaves_the_filter_is_gone_and_who_enters_it_is_there(corner: Corner, mode: DomainMode) -> None:
    ann, bob = corner.user("ann", employeeType="staff"), corner.user("bob")
    staff = corner.group("staff", ann, bob)
    organizations, users, groups = corner.kinds()
    narrow = type(users)(users.bases, "(&(objectClass=user)(employeeType=staff))", users.mapping)
    source = corner.source(mode=mode, kinds=(organizations, narrow, groups))
    mirror = DomainMirror().read(source)
    assert mirror.names(Kind.USER) == {corner.login("ann")}
    corner.server.modify(ann, {"employeeType": ["guest"]})
    corner.server.modify(bob, {"employeeType": ["staff"]})
    mirror.read(source)
    assert not compared(mirror)
    assert mirror.names(Kind.USER) == members(mirror, corner.login("staff")) == {corner.login("bob")}
    must_agree(mirror, source)
    corner.server.modify(staff, {"mail": ["staff@example.test"]})
    must_agree(mirror.read(source), source)


def test_who_leaves_a_group_that_the_filter_asks_for_is_gone(corner: Corner) -> None:
    ann = corner.user("ann")
    allowed = corner.group("allowed", ann)
    _, users, _ = corner.kinds()
    narrow = type(users)(users.bases, f"(&(objectClass=user)(memberOf={allowed}))", users.mapping)
    source = corner.source(mode=DomainMode.DIRSYNC, kinds=(narrow, corner.kinds()[2]))
    mirror = DomainMirror().read(source)
    assert mirror.names(Kind.USER) == {corner.login("ann")}
    corner.server.modify(allowed, {"member": []})
    assert mirror.read(source).names(Kind.USER) == set()
    corner.server.modify(allowed, {"member": [ann]})
    assert mirror.read(source).names(Kind.USER) == {corner.login("ann")}
    assert not compared(mirror)


def test_a_change_of_primary_group_changes_two_groups_as_it_does_in_the_domain(
    corner: Corner, source: ActiveDirectorySource
) -> None:
    ann = corner.user("ann")
    staff, guests = corner.group("staff", ann), corner.group("guests", ann)
    sids = [windows.relative_id(corner.server.values(group, "objectSid")[0]) for group in (staff, guests)]
    mirror = DomainMirror().read(source)
    for rid in sids:
        corner.server.modify(ann, {"primaryGroupID": [str(rid)]})
        mirror.read(source)
        assert not compared(mirror)
        assert members(mirror, corner.login("staff")) == members(mirror, corner.login("guests")) == {corner.login("ann")}
        must_agree(mirror, source)


def test_a_user_who_is_new_is_in_the_primary_group_when_that_is_in_scope(corner: Corner, mode: DomainMode) -> None:
    organizations, users, groups = corner.kinds()
    everyone = type(groups)((f"CN=Users,{corner.server.base}",), "(cn=Domain Users)", groups.mapping)
    source = corner.source(mode=mode, kinds=(organizations, users, everyone))
    mirror = DomainMirror().read(source)
    corner.user("ann")
    mirror.read(source)
    assert not compared(mirror)
    assert members(mirror, "Domain Users") == {corner.login("ann")}


def test_an_account_is_disabled_in_the_moment_that_it_expires(corner: Corner, mode: DomainMode) -> None:
    moment = corner.now + timedelta(hours=3)
    corner.user("ann", password="Secret-1", accountExpires=str(windows.filetime(moment)))
    source = corner.source(mode=mode)
    mirror = DomainMirror().read(source)
    corner.now = moment - timedelta(seconds=1)
    assert told(mirror.read(source)) == []
    corner.now = moment + timedelta(seconds=1)
    assert mirror.read(source).named(corner.login("ann")).attributes["enabled"] == ("false",)
    assert told(mirror.read(source)) == []


def test_an_account_that_may_not_use_dirsync_learns_of_changes_and_deletions_all_the_same(corner: Corner) -> None:
    reader = corner.user("reader", password="Secret-1")
    ann, bob = corner.user("ann"), corner.user("bob", title="Clerk")
    source = corner.source(upstream=corner.upstream(bind_dn=reader, password="Secret-1"))
    mirror = DomainMirror().read(source)
    corner.server.delete(ann)
    corner.server.modify(bob, {"title": ["Boss"]})
    mirror.read(source)
    assert [delta.type for delta in told(mirror)].count(DeltaType.UPSERT) == 1  # of what is unchanged, only that it is there
    assert mirror.names(Kind.USER) == {corner.login("bob"), corner.login("reader")}
    must_agree(mirror, source)


def test_other_settings_mean_a_comparison_in_full(corner: Corner, mode: DomainMode) -> None:
    corner.unit("inside")
    mirror = DomainMirror().read(corner.source(mode=mode))
    assert compared(mirror.read(corner.source(mode=mode, kinds=corner.kinds(f"OU=inside,{corner.dn}"))))
    other = DomainMode.USN if mode is DomainMode.DIRSYNC else DomainMode.DIRSYNC
    assert compared(mirror.read(corner.source(mode=other, kinds=corner.kinds(f"OU=inside,{corner.dn}"))))
