"""What changes in a real domain after a first read, by DirSync and by uSNChanged: after each, what was learned change by change
is what a first read finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode
from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind
from tests.connectors.active_directory_unit import IncrementalReplica, ScratchUnit, members, must_agree


@pytest.fixture(params=[ActiveDirectoryMode.DIRSYNC, ActiveDirectoryMode.USN])
def mode(request: pytest.FixtureRequest) -> ActiveDirectoryMode:
    return ActiveDirectoryMode(request.param)


@pytest.fixture
def source(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> ActiveDirectorySource:
    return scratch.source(mode=mode)


def told(mirror: IncrementalReplica, name: str = "") -> list[Delta]:
    """What the last read said, of one record or at all."""
    deltas = [delta for batch in mirror.batches for delta in batch.deltas]
    return [delta for delta in deltas if not name or delta.external_id == mirror.named(name).external_id]


def compared(mirror: IncrementalReplica) -> bool:
    """Whether the last read was a comparison in full."""
    return any(batch.completes for batch in mirror.batches)


def test_nothing_is_said_when_nothing_has_changed(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    scratch.add_user("ann")
    mirror = IncrementalReplica().read(source).read(source)
    assert told(mirror) == []
    assert [batch.caught_up for batch in mirror.batches] == [True]


def test_what_a_user_says_otherwise_or_no_more_is_told(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    dn = scratch.add_user("ann", mail="ann@example.test", title="Clerk")
    mirror = IncrementalReplica().read(source)
    scratch.server.modify(dn, {"title": ["Boss"], "mail": []})
    ann = mirror.read(source).named(scratch.login("ann"))
    assert not compared(mirror)
    assert (ann.attributes["title"], ann.attributes["email"]) == (("Boss",), ())
    must_agree(mirror, source)


def test_who_is_new_is_told_with_the_groups_that_name_them(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    staff = scratch.add_group("staff")
    mirror = IncrementalReplica().read(source)
    scratch.add_unit("sales")
    scratch.server.add_values(staff, {"member": [scratch.add_user("ann", "OU=sales")]})
    scratch.add_group("more", staff)
    mirror.read(source)
    assert mirror.names(Kind.ORGANIZATION) == {"sales"}
    assert members(mirror, scratch.login("staff")) == {scratch.login("ann")}
    assert members(mirror, scratch.login("more")) == {scratch.login("staff")}
    must_agree(mirror, source)


def test_members_who_join_and_leave_are_told_alone_where_links_are_told_value_by_value(scratch: ScratchUnit) -> None:
    ann, bob, cid = (scratch.add_user(name) for name in ("ann", "bob", "cid"))
    staff = scratch.add_group("staff", ann, bob)
    source = scratch.source(mode=ActiveDirectoryMode.DIRSYNC)
    mirror = IncrementalReplica().read(source)
    scratch.server.delete_values(staff, {"member": [ann]})
    scratch.server.add_values(staff, {"member": [cid]})
    [said] = told(mirror.read(source))
    assert [len(pointed.get(MEMBERS, ())) for pointed in (said.references, said.added, said.removed)] == [0, 1, 1]
    assert members(mirror, scratch.login("staff")) == {scratch.login("bob"), scratch.login("cid")}


def test_members_who_join_and_leave_are_told(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    ann, bob, cid = (scratch.add_user(name) for name in ("ann", "bob", "cid"))
    staff = scratch.add_group("staff", ann, bob)
    mirror = IncrementalReplica().read(source)
    scratch.server.delete_values(staff, {"member": [ann]})
    scratch.server.add_values(staff, {"member": [cid]})
    mirror.read(source)
    must_agree(mirror, source)
    scratch.server.modify(staff, {"member": []})
    mirror.read(source)
    assert members(mirror, scratch.login("staff")) == set()
    must_agree(mirror, source)


def test_who_is_deleted_is_told_and_is_in_no_group_any_more(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    ann, bob = scratch.add_user("ann"), scratch.add_user("bob")
    staff = scratch.add_group("staff", ann, bob)
    scratch.add_unit("sales")
    mirror = IncrementalReplica().read(source)
    for gone in (ann, scratch.server.dn("OU=sales", scratch.below())):
        scratch.server.delete(gone)
    mirror.read(source)
    assert {delta.type for delta in told(mirror)} == {DeltaType.DELETE}
    assert (mirror.names(Kind.USER), mirror.names(Kind.ORGANIZATION)) == ({scratch.login("bob")}, set())
    assert members(mirror, scratch.login("staff")) == {scratch.login("bob")}
    must_agree(mirror, source)
    scratch.server.delete(staff)
    assert mirror.read(source).names(Kind.GROUP) == set()


def test_a_move_between_units_is_told(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    scratch.add_unit("sales")
    dn = scratch.add_user("ann", "OU=sales")
    europe = scratch.add_unit("europe")
    mirror = IncrementalReplica().read(source)
    before = mirror.named(scratch.login("ann"))
    moved = scratch.server.rename(dn, f"CN={scratch.login('ann')}", europe)
    after = mirror.read(source).named(scratch.login("ann"))
    assert (after.external_id, after.dn) == (before.external_id, moved)
    must_agree(mirror, source)


def test_what_lies_below_a_unit_that_is_renamed_has_new_names(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    sales = scratch.add_unit("sales")
    scratch.add_unit("europe", "OU=sales")
    ann = scratch.add_user("ann", "OU=europe,OU=sales")
    scratch.add_group("staff", ann, rdns="OU=sales")
    mirror = IncrementalReplica().read(source)
    scratch.server.rename(sales, "OU=market")
    mirror.read(source)
    assert mirror.named(scratch.login("ann")).dn == f"CN={scratch.login('ann')},OU=europe,OU=market,{scratch.dn}"
    assert not compared(mirror)
    must_agree(mirror, source)
    scratch.server.rename(f"OU=market,{scratch.dn}", "OU=trade")  # once more, now that the unit is known
    must_agree(mirror.read(source), source)


def test_a_unit_that_is_moved_out_of_scope_takes_all_below_it_along_and_brings_it_back(
    scratch: ScratchUnit, source: ActiveDirectorySource, mode: ActiveDirectoryMode
) -> None:
    inside, outside = scratch.add_unit("inside"), scratch.add_unit("outside")
    scratch.add_unit("sales", "OU=inside")
    ann = scratch.add_user("ann", "OU=sales,OU=inside")
    scratch.add_group("staff", ann, rdns="OU=inside")
    scratch.add_group("sellers", ann, rdns="OU=sales,OU=inside")
    narrow = scratch.source(mode=mode, kinds=scratch.kinds(inside))
    mirror = IncrementalReplica().read(narrow)
    scratch.server.rename(f"OU=sales,{inside}", "OU=sales", outside)
    mirror.read(narrow)
    assert (mirror.names(Kind.USER), mirror.names(Kind.ORGANIZATION)) == (set(), set())
    assert mirror.names(Kind.GROUP) == {scratch.login("staff")}
    must_agree(mirror, narrow)
    scratch.server.rename(f"OU=sales,{outside}", "OU=sales", inside)
    mirror.read(narrow)
    assert not compared(mirror)
    assert members(mirror, scratch.login("staff")) == members(mirror, scratch.login("sellers")) == {scratch.login("ann")}
    must_agree(mirror, narrow)


def test_who_leaves_the_scope_is_gone_and_who_comes_back_is_in_the_same_groups(
    scratch: ScratchUnit, mode: ActiveDirectoryMode
) -> None:
    inside, outside = scratch.add_unit("inside"), scratch.add_unit("outside")
    ann = scratch.add_user("ann", "OU=inside")
    scratch.add_group("staff", ann, rdns="OU=inside")
    source = scratch.source(mode=mode, kinds=scratch.kinds(exclude=(outside,)))
    mirror = IncrementalReplica().read(source)
    away = scratch.server.rename(ann, f"CN={scratch.login('ann')}", outside)
    assert mirror.read(source).names(Kind.USER) == set()
    must_agree(mirror, source)
    scratch.server.rename(away, f"CN={scratch.login('ann')}", inside)
    assert members(mirror.read(source), scratch.login("staff")) == {scratch.login("ann")}
    assert not compared(mirror)
    must_agree(mirror, source)


def test_who_leaves_the_filter_is_gone_and_who_enters_it_is_there(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    ann, bob = scratch.add_user("ann", employeeType="staff"), scratch.add_user("bob")
    staff = scratch.add_group("staff", ann, bob)
    organizations, users, groups = scratch.kinds()
    narrow = type(users)(users.bases, "(&(objectClass=user)(employeeType=staff))", users.mapping)
    source = scratch.source(mode=mode, kinds=(organizations, narrow, groups))
    mirror = IncrementalReplica().read(source)
    assert mirror.names(Kind.USER) == {scratch.login("ann")}
    scratch.server.modify(ann, {"employeeType": ["guest"]})
    scratch.server.modify(bob, {"employeeType": ["staff"]})
    mirror.read(source)
    assert not compared(mirror)
    assert mirror.names(Kind.USER) == members(mirror, scratch.login("staff")) == {scratch.login("bob")}
    must_agree(mirror, source)
    scratch.server.modify(staff, {"mail": ["staff@example.test"]})
    must_agree(mirror.read(source), source)


def test_who_leaves_a_group_that_the_filter_asks_for_is_gone(scratch: ScratchUnit) -> None:
    ann = scratch.add_user("ann")
    allowed = scratch.add_group("allowed", ann)
    _, users, _ = scratch.kinds()
    narrow = type(users)(users.bases, f"(&(objectClass=user)(memberOf={allowed}))", users.mapping)
    source = scratch.source(mode=ActiveDirectoryMode.DIRSYNC, kinds=(narrow, scratch.kinds()[2]))
    mirror = IncrementalReplica().read(source)
    assert mirror.names(Kind.USER) == {scratch.login("ann")}
    scratch.server.modify(allowed, {"member": []})
    assert mirror.read(source).names(Kind.USER) == set()
    scratch.server.modify(allowed, {"member": [ann]})
    assert mirror.read(source).names(Kind.USER) == {scratch.login("ann")}
    assert not compared(mirror)


def test_a_change_of_primary_group_changes_two_groups_as_it_does_in_the_domain(
    scratch: ScratchUnit, source: ActiveDirectorySource
) -> None:
    ann = scratch.add_user("ann")
    staff, guests = scratch.add_group("staff", ann), scratch.add_group("guests", ann)
    sids = [windows_values.relative_id(scratch.server.values(group, "objectSid")[0]) for group in (staff, guests)]
    mirror = IncrementalReplica().read(source)
    for rid in sids:
        scratch.server.modify(ann, {"primaryGroupID": [str(rid)]})
        mirror.read(source)
        assert not compared(mirror)
        assert members(mirror, scratch.login("staff")) == members(mirror, scratch.login("guests")) == {scratch.login("ann")}
        must_agree(mirror, source)


def test_a_user_who_is_new_is_in_the_primary_group_when_that_is_in_scope(
    scratch: ScratchUnit, mode: ActiveDirectoryMode
) -> None:
    organizations, users, groups = scratch.kinds()
    everyone = type(groups)((f"CN=Users,{scratch.server.base}",), "(cn=Domain Users)", groups.mapping)
    source = scratch.source(mode=mode, kinds=(organizations, users, everyone))
    mirror = IncrementalReplica().read(source)
    scratch.add_user("ann")
    mirror.read(source)
    assert not compared(mirror)
    assert members(mirror, "Domain Users") == {scratch.login("ann")}


def test_an_account_is_disabled_in_the_moment_that_it_expires(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    moment = scratch.now + timedelta(hours=3)
    scratch.add_user("ann", password="Secret-1", accountExpires=str(windows_values.filetime(moment)))
    source = scratch.source(mode=mode)
    mirror = IncrementalReplica().read(source)
    scratch.now = moment - timedelta(seconds=1)
    assert told(mirror.read(source)) == []
    scratch.now = moment + timedelta(seconds=1)
    assert mirror.read(source).named(scratch.login("ann")).attributes["enabled"] == ("false",)
    assert told(mirror.read(source)) == []


def test_an_account_that_may_not_use_dirsync_learns_of_changes_and_deletions_all_the_same(scratch: ScratchUnit) -> None:
    reader = scratch.add_user("reader", password="Secret-1")
    ann, bob = scratch.add_user("ann"), scratch.add_user("bob", title="Clerk")
    source = scratch.source(upstream=scratch.upstream(bind_dn=reader, password="Secret-1"))
    mirror = IncrementalReplica().read(source)
    scratch.server.delete(ann)
    scratch.server.modify(bob, {"title": ["Boss"]})
    mirror.read(source)
    assert [delta.type for delta in told(mirror)].count(DeltaType.UPSERT) == 1  # of what is unchanged, only that it is there
    assert mirror.names(Kind.USER) == {scratch.login("bob"), scratch.login("reader")}
    must_agree(mirror, source)


def test_other_settings_mean_a_comparison_in_full(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    scratch.add_unit("inside")
    mirror = IncrementalReplica().read(scratch.source(mode=mode))
    assert compared(mirror.read(scratch.source(mode=mode, kinds=scratch.kinds(f"OU=inside,{scratch.dn}"))))
    other = ActiveDirectoryMode.USN if mode is ActiveDirectoryMode.DIRSYNC else ActiveDirectoryMode.DIRSYNC
    assert compared(mirror.read(scratch.source(mode=other, kinds=scratch.kinds(f"OU=inside,{scratch.dn}"))))
