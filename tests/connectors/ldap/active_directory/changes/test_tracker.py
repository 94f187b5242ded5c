"""Changes in a real domain after a first read, by DirSync and by uSNChanged: after each, what was learned change by change
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


def told(replica: IncrementalReplica, name: str = "") -> list[Delta]:
    """Return the deltas of the last read, of one record or all."""
    deltas = [delta for batch in replica.batches for delta in batch.deltas]
    return [delta for delta in deltas if not name or delta.external_id == replica.named(name).external_id]


def compared(replica: IncrementalReplica) -> bool:
    """Return True when the last read was a reconciliation."""
    return any(batch.completes for batch in replica.batches)


def test_no_delta_is_reported_without_a_change(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    scratch.add_user("ann")
    replica = IncrementalReplica().read(source).read(source)
    assert told(replica) == []
    assert [batch.caught_up for batch in replica.batches] == [True]


def test_changed_and_removed_values_of_a_user_are_reported(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    dn = scratch.add_user("ann", mail="ann@example.test", title="Clerk")
    replica = IncrementalReplica().read(source)
    scratch.server.modify(dn, {"title": ["Boss"], "mail": []})
    ann = replica.read(source).named(scratch.login("ann"))
    assert not compared(replica)
    assert (ann.attributes["title"], ann.attributes["email"]) == (("Boss",), ())
    must_agree(replica, source)


def test_a_new_user_is_reported_with_the_groups_that_have_the_user(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    staff = scratch.add_group("staff")
    replica = IncrementalReplica().read(source)
    scratch.add_unit("sales")
    scratch.server.add_values(staff, {"member": [scratch.add_user("ann", "OU=sales")]})
    scratch.add_group("more", staff)
    replica.read(source)
    assert replica.names(Kind.ORGANIZATION) == {"sales"}
    assert members(replica, scratch.login("staff")) == {scratch.login("ann")}
    assert members(replica, scratch.login("more")) == {scratch.login("staff")}
    must_agree(replica, source)


def test_dirsync_reports_only_the_members_who_join_and_leave(scratch: ScratchUnit) -> None:
    ann, bob, cid = (scratch.add_user(name) for name in ("ann", "bob", "cid"))
    staff = scratch.add_group("staff", ann, bob)
    source = scratch.source(mode=ActiveDirectoryMode.DIRSYNC)
    replica = IncrementalReplica().read(source)
    scratch.server.delete_values(staff, {"member": [ann]})
    scratch.server.add_values(staff, {"member": [cid]})
    [said] = told(replica.read(source))
    assert [len(pointed.get(MEMBERS, ())) for pointed in (said.references, said.added, said.removed)] == [0, 1, 1]
    assert members(replica, scratch.login("staff")) == {scratch.login("bob"), scratch.login("cid")}


def test_members_who_join_and_leave_are_reported(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    ann, bob, cid = (scratch.add_user(name) for name in ("ann", "bob", "cid"))
    staff = scratch.add_group("staff", ann, bob)
    replica = IncrementalReplica().read(source)
    scratch.server.delete_values(staff, {"member": [ann]})
    scratch.server.add_values(staff, {"member": [cid]})
    replica.read(source)
    must_agree(replica, source)
    scratch.server.modify(staff, {"member": []})
    replica.read(source)
    assert members(replica, scratch.login("staff")) == set()
    must_agree(replica, source)


def test_a_deleted_user_is_reported_and_leaves_all_groups(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    ann, bob = scratch.add_user("ann"), scratch.add_user("bob")
    staff = scratch.add_group("staff", ann, bob)
    scratch.add_unit("sales")
    replica = IncrementalReplica().read(source)
    for gone in (ann, scratch.server.dn("OU=sales", scratch.below())):
        scratch.server.delete(gone)
    replica.read(source)
    assert {delta.type for delta in told(replica)} == {DeltaType.DELETE}
    assert (replica.names(Kind.USER), replica.names(Kind.ORGANIZATION)) == ({scratch.login("bob")}, set())
    assert members(replica, scratch.login("staff")) == {scratch.login("bob")}
    must_agree(replica, source)
    scratch.server.delete(staff)
    assert replica.read(source).names(Kind.GROUP) == set()


def test_a_move_between_units_is_reported(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    scratch.add_unit("sales")
    dn = scratch.add_user("ann", "OU=sales")
    europe = scratch.add_unit("europe")
    replica = IncrementalReplica().read(source)
    before = replica.named(scratch.login("ann"))
    moved = scratch.server.rename(dn, f"CN={scratch.login('ann')}", europe)
    after = replica.read(source).named(scratch.login("ann"))
    assert (after.external_id, after.dn) == (before.external_id, moved)
    must_agree(replica, source)


def test_entries_below_a_renamed_unit_have_new_dns(scratch: ScratchUnit, source: ActiveDirectorySource) -> None:
    sales = scratch.add_unit("sales")
    scratch.add_unit("europe", "OU=sales")
    ann = scratch.add_user("ann", "OU=europe,OU=sales")
    scratch.add_group("staff", ann, rdns="OU=sales")
    replica = IncrementalReplica().read(source)
    scratch.server.rename(sales, "OU=market")
    replica.read(source)
    assert replica.named(scratch.login("ann")).dn == f"CN={scratch.login('ann')},OU=europe,OU=market,{scratch.dn}"
    assert not compared(replica)
    must_agree(replica, source)
    scratch.server.rename(f"OU=market,{scratch.dn}", "OU=trade")  # once more, now that the unit is known
    must_agree(replica.read(source), source)


def test_a_unit_that_is_moved_out_of_scope_takes_all_below_it_along_and_brings_it_back(
    scratch: ScratchUnit, source: ActiveDirectorySource, mode: ActiveDirectoryMode
) -> None:
    inside, outside = scratch.add_unit("inside"), scratch.add_unit("outside")
    scratch.add_unit("sales", "OU=inside")
    ann = scratch.add_user("ann", "OU=sales,OU=inside")
    scratch.add_group("staff", ann, rdns="OU=inside")
    scratch.add_group("sellers", ann, rdns="OU=sales,OU=inside")
    narrow = scratch.source(mode=mode, kinds=scratch.kinds(inside))
    replica = IncrementalReplica().read(narrow)
    scratch.server.rename(f"OU=sales,{inside}", "OU=sales", outside)
    replica.read(narrow)
    assert (replica.names(Kind.USER), replica.names(Kind.ORGANIZATION)) == (set(), set())
    assert replica.names(Kind.GROUP) == {scratch.login("staff")}
    must_agree(replica, narrow)
    scratch.server.rename(f"OU=sales,{outside}", "OU=sales", inside)
    replica.read(narrow)
    assert not compared(replica)
    assert members(replica, scratch.login("staff")) == members(replica, scratch.login("sellers")) == {scratch.login("ann")}
    must_agree(replica, narrow)


def test_a_user_who_leaves_the_scope_is_deleted_and_rejoins_the_same_groups_on_return(
    scratch: ScratchUnit, mode: ActiveDirectoryMode
) -> None:
    inside, outside = scratch.add_unit("inside"), scratch.add_unit("outside")
    ann = scratch.add_user("ann", "OU=inside")
    scratch.add_group("staff", ann, rdns="OU=inside")
    source = scratch.source(mode=mode, kinds=scratch.kinds(exclude=(outside,)))
    replica = IncrementalReplica().read(source)
    away = scratch.server.rename(ann, f"CN={scratch.login('ann')}", outside)
    assert replica.read(source).names(Kind.USER) == set()
    must_agree(replica, source)
    scratch.server.rename(away, f"CN={scratch.login('ann')}", inside)
    assert members(replica.read(source), scratch.login("staff")) == {scratch.login("ann")}
    assert not compared(replica)
    must_agree(replica, source)


def test_a_user_is_deleted_on_leaving_the_filter_and_present_on_entering_it(
    scratch: ScratchUnit, mode: ActiveDirectoryMode
) -> None:
    ann, bob = scratch.add_user("ann", employeeType="staff"), scratch.add_user("bob")
    staff = scratch.add_group("staff", ann, bob)
    organizations, users, groups = scratch.kinds()
    narrow = type(users)(users.bases, "(&(objectClass=user)(employeeType=staff))", users.mapping)
    source = scratch.source(mode=mode, kinds=(organizations, narrow, groups))
    replica = IncrementalReplica().read(source)
    assert replica.names(Kind.USER) == {scratch.login("ann")}
    scratch.server.modify(ann, {"employeeType": ["guest"]})
    scratch.server.modify(bob, {"employeeType": ["staff"]})
    replica.read(source)
    assert not compared(replica)
    assert replica.names(Kind.USER) == members(replica, scratch.login("staff")) == {scratch.login("bob")}
    must_agree(replica, source)
    scratch.server.modify(staff, {"mail": ["staff@example.test"]})
    must_agree(replica.read(source), source)


def test_a_user_who_leaves_the_group_in_the_filter_is_deleted(scratch: ScratchUnit) -> None:
    ann = scratch.add_user("ann")
    allowed = scratch.add_group("allowed", ann)
    _, users, _ = scratch.kinds()
    narrow = type(users)(users.bases, f"(&(objectClass=user)(memberOf={allowed}))", users.mapping)
    source = scratch.source(mode=ActiveDirectoryMode.DIRSYNC, kinds=(narrow, scratch.kinds()[2]))
    replica = IncrementalReplica().read(source)
    assert replica.names(Kind.USER) == {scratch.login("ann")}
    scratch.server.modify(allowed, {"member": []})
    assert replica.read(source).names(Kind.USER) == set()
    scratch.server.modify(allowed, {"member": [ann]})
    assert replica.read(source).names(Kind.USER) == {scratch.login("ann")}
    assert not compared(replica)


def test_a_change_of_primary_group_changes_two_groups_as_it_does_in_the_domain(
    scratch: ScratchUnit, source: ActiveDirectorySource
) -> None:
    ann = scratch.add_user("ann")
    staff, guests = scratch.add_group("staff", ann), scratch.add_group("guests", ann)
    sids = [windows_values.relative_id(scratch.server.values(group, "objectSid")[0]) for group in (staff, guests)]
    replica = IncrementalReplica().read(source)
    for rid in sids:
        scratch.server.modify(ann, {"primaryGroupID": [str(rid)]})
        replica.read(source)
        assert not compared(replica)
        assert members(replica, scratch.login("staff")) == members(replica, scratch.login("guests")) == {scratch.login("ann")}
        must_agree(replica, source)


def test_a_new_user_is_in_the_primary_group_when_that_is_in_scope(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    organizations, users, groups = scratch.kinds()
    everyone = type(groups)((f"CN=Users,{scratch.server.base}",), "(cn=Domain Users)", groups.mapping)
    source = scratch.source(mode=mode, kinds=(organizations, users, everyone))
    replica = IncrementalReplica().read(source)
    scratch.add_user("ann")
    replica.read(source)
    assert not compared(replica)
    assert members(replica, "Domain Users") == {scratch.login("ann")}


def test_an_account_is_disabled_in_the_moment_that_it_expires(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    moment = scratch.now + timedelta(hours=3)
    scratch.add_user("ann", password="Secret-1", accountExpires=str(windows_values.filetime(moment)))
    source = scratch.source(mode=mode)
    replica = IncrementalReplica().read(source)
    scratch.now = moment - timedelta(seconds=1)
    assert told(replica.read(source)) == []
    scratch.now = moment + timedelta(seconds=1)
    assert replica.read(source).named(scratch.login("ann")).attributes["enabled"] == ("false",)
    assert told(replica.read(source)) == []


def test_an_account_that_may_not_use_dirsync_learns_of_changes_and_deletions_all_the_same(scratch: ScratchUnit) -> None:
    reader = scratch.add_user("reader", password="Secret-1")
    ann, bob = scratch.add_user("ann"), scratch.add_user("bob", title="Clerk")
    source = scratch.source(upstream=scratch.upstream(bind_dn=reader, password="Secret-1"))
    replica = IncrementalReplica().read(source)
    scratch.server.delete(ann)
    scratch.server.modify(bob, {"title": ["Boss"]})
    replica.read(source)
    assert [delta.type for delta in told(replica)].count(DeltaType.UPSERT) == 1  # of what is unchanged, only that it is there
    assert replica.names(Kind.USER) == {scratch.login("bob"), scratch.login("reader")}
    must_agree(replica, source)


def test_other_settings_mean_a_reconciliation(scratch: ScratchUnit, mode: ActiveDirectoryMode) -> None:
    scratch.add_unit("inside")
    replica = IncrementalReplica().read(scratch.source(mode=mode))
    assert compared(replica.read(scratch.source(mode=mode, kinds=scratch.kinds(f"OU=inside,{scratch.dn}"))))
    other = ActiveDirectoryMode.USN if mode is ActiveDirectoryMode.DIRSYNC else ActiveDirectoryMode.DIRSYNC
    assert compared(replica.read(scratch.source(mode=other, kinds=scratch.kinds(f"OU=inside,{scratch.dn}"))))
