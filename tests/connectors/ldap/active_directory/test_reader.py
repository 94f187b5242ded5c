"""The first read of a real domain: entries, attributes, account status, memberships."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import UUID

import pytest

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode
from gateway.model.connector import CheckItem, CheckStatus, Lockout
from gateway.model.errors import SourceRefused
from gateway.model.ldap import dn, times
from gateway.model.objects import Kind
from gateway.model.records import ReferenceForm
from tests.connectors.active_directory_unit import IncrementalReplica, ScratchUnit, members
from tests.servers.pki import Pki
from tests.servers.samba import BASE, NETBIOS, REALM
from tests.servers.slapd import Slapd

DISTRIBUTION = "2"
"""groupType: GLOBAL, without SECURITY_ENABLED."""


PASSWORD_SETTINGS = {
    "msDS-PasswordSettingsPrecedence": "1",
    "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
    "msDS-PasswordHistoryLength": "0",
    "msDS-PasswordComplexityEnabled": "FALSE",
    "msDS-MinimumPasswordLength": "4",
    "msDS-MinimumPasswordAge": "0",
    "msDS-MaximumPasswordAge": str(-(2**63)),
    "msDS-LockoutThreshold": "2",
    "msDS-LockoutObservationWindow": str(-600 * windows_values.TICKS_A_SECOND),
    "msDS-LockoutDuration": str(-600 * windows_values.TICKS_A_SECOND),
}
"""A fine-grained policy that locks an account after 2 wrong passwords within 10 minutes."""


def read(scratch: ScratchUnit, **changes: object) -> IncrementalReplica:
    return IncrementalReplica().read(scratch.source(**changes))


def test_users_units_and_groups_are_read_with_their_attributes(scratch: ScratchUnit) -> None:
    scratch.add_unit("sales")
    photo = os.urandom(5000)
    boss = scratch.add_user("boss", "OU=sales", sn="Boss", givenName="Bea")
    scratch.add_user("ann", "OU=sales", mail="ann@example.test", manager=boss, thumbnailPhoto=photo, employeeID="7")
    replica = read(scratch)
    ann = replica.named(scratch.login("ann"))
    assert ann.attributes["email"] == ("ann@example.test",)
    assert ann.attributes["employee_number"] == ("7",)
    [manager] = ann.references["manager"]
    assert (manager.form, manager.value) == (ReferenceForm.DN, dn.key(boss))
    assert ann.attributes["photo"] == (photo,)
    assert ann.attributes["title"] == ()
    assert replica.named(scratch.login("boss")).attributes["given_name"] == ("Bea",)
    assert replica.names(Kind.ORGANIZATION) == {"sales"}  # the base itself is what the source is attached to
    assert not replica.warnings


def test_the_external_id_is_the_object_guid_in_its_canonical_form(scratch: ScratchUnit) -> None:
    dn = scratch.add_user("ann")
    [octets] = scratch.server.values(dn, "objectGUID")
    ann = read(scratch).named(scratch.login("ann"))
    assert ann.external_id == str(UUID(bytes_le=octets))
    assert ann.attributes["object_guid"] == (octets,)
    assert ann.attributes["object_sid"] == tuple(scratch.server.values(dn, "objectSid"))
    assert windows_values.guid_octets(ann.external_id) == octets


def test_security_and_distribution_groups_are_read_with_nesting(scratch: ScratchUnit) -> None:
    ann = scratch.add_user("ann")
    staff = scratch.add_group("staff", ann)
    scratch.add_group("everyone", staff, groupType=DISTRIBUTION, mail="everyone@example.test")
    replica = read(scratch)
    assert members(replica, scratch.login("staff")) == {scratch.login("ann")}
    assert members(replica, scratch.login("everyone")) == {scratch.login("staff")}
    assert replica.named(scratch.login("everyone")).attributes["email"] == ("everyone@example.test",)


def test_an_account_that_is_disabled_or_has_expired_is_not_enabled(scratch: ScratchUnit) -> None:
    soon, past = scratch.now + timedelta(hours=1), scratch.now - timedelta(hours=1)
    scratch.add_user("ann", password="Secret-1", accountExpires=str(windows_values.filetime(soon)))
    scratch.add_user("bob", password="Secret-1", accountExpires=str(windows_values.filetime(past)))
    scratch.add_user("cid")
    scratch.add_user("dan", password="Secret-1", accountExpires=str(windows_values.NEVER))
    replica = read(scratch)
    enabled = {name: replica.named(scratch.login(name)).attributes["enabled"] for name in ("ann", "bob", "cid", "dan")}
    assert replica.named(scratch.login("cid")).attributes["user_account_control"] == ("514",)
    assert replica.named(scratch.login("ann")).attributes["primary_group_id"] == ("513",)
    assert enabled == {"ann": ("true",), "bob": ("false",), "cid": ("false",), "dan": ("true",)}
    assert replica.named(scratch.login("ann")).attributes["account_expires"] == (times.text_of(windows_values.filetime(soon)),)
    assert replica.named(scratch.login("dan")).attributes["account_expires"] == ()


def test_another_password_and_a_lock_are_seen(scratch: ScratchUnit) -> None:
    dn = scratch.add_user("ann", password="Secret-1")
    before = read(scratch).named(scratch.login("ann")).attributes
    scratch.server.modify(dn, {"unicodePwd": ['"Secret-2"'.encode("utf-16-le")]})
    for _ in range(3):
        with pytest.raises(Exception, match="invalidCredentials"):
            scratch.server.connect(dn, "wrong")
    after = read(scratch).named(scratch.login("ann")).attributes
    assert before["password_changed"] != after["password_changed"]
    assert before["locked_out_at"] == ()
    locked, until = (times.moment_of(str(after[name][0])) for name in ("locked_out_at", "locked_until"))
    assert locked is not None and until is not None and until - locked == timedelta(minutes=30), "the domain's lockoutDuration"
    assert before["locked_until"] == ()
    assert after["enabled"] == ("true",)  # it is the controller that refuses, and for half an hour only


def test_the_primary_group_has_its_members_without_their_standing_in_it(scratch: ScratchUnit) -> None:
    ann, bob = scratch.add_user("ann"), scratch.add_user("bob")
    staff = scratch.add_group("staff", ann, bob)
    rid = windows_values.relative_id(scratch.server.values(staff, "objectSid")[0])
    scratch.server.modify(ann, {"primaryGroupID": [str(rid)]})
    assert scratch.server.values(staff, "member") == [bob.encode()]
    assert members(read(scratch), scratch.login("staff")) == {scratch.login("ann"), scratch.login("bob")}


def test_entries_below_an_excluded_unit_are_not_read(scratch: ScratchUnit) -> None:
    inside, outside = scratch.add_unit("inside"), scratch.add_unit("outside")
    scratch.add_user("ann", "OU=inside")
    scratch.add_user("eve", "OU=outside")
    replica = read(scratch, kinds=scratch.kinds(exclude=(outside,)))
    assert replica.names(Kind.USER) == {scratch.login("ann")}
    assert replica.names(Kind.ORGANIZATION) == {"inside"}
    several = read(scratch, kinds=scratch.kinds(inside, outside))
    assert several.names(Kind.USER) == {scratch.login("ann"), scratch.login("eve")}


def test_bases_may_lie_in_several_naming_contexts(scratch: ScratchUnit) -> None:
    scratch.add_user("ann")
    sites = f"CN=Sites,CN=Configuration,{BASE}"
    kinds = tuple(kind for kind in scratch.kinds(scratch.dn, sites) if kind.kind is not Kind.ORGANIZATION)
    replica = read(scratch, kinds=kinds)
    assert replica.names(Kind.USER) == {scratch.login("ann")}
    check = {item.name: item for item in scratch.source(kinds=kinds).check()}
    assert check["domain controller"].detail.endswith(f"holds {BASE}, CN=Configuration,{BASE}")


def test_referrals_to_other_naming_contexts_are_passed_over(scratch: ScratchUnit) -> None:
    scratch.add_user("ann")
    assert scratch.login("ann") in read(scratch, kinds=scratch.kinds(BASE)).names(Kind.USER)


@pytest.mark.parametrize("form", ["principal", "domain", "dn"])
def test_the_account_that_reads_is_named_in_any_form_that_windows_knows(scratch: ScratchUnit, form: str) -> None:
    name = {
        "principal": f"Administrator@{REALM}",
        "domain": f"{NETBIOS}\\Administrator",
        "dn": f"CN=Administrator,CN=Users,{BASE}",
    }[form]
    scratch.add_user("ann")
    assert read(scratch, upstream=scratch.upstream(bind_dn=name)).names(Kind.USER) == {scratch.login("ann")}


def test_a_wrong_password_of_the_account_that_reads_is_refused_with_its_cure(scratch: ScratchUnit) -> None:
    with pytest.raises(SourceRefused, match="check bind_dn and password"):
        read(scratch, upstream=scratch.upstream(password="wrong"))


def test_tls_by_either_way_with_an_authority_or_a_pinned_certificate(scratch: ScratchUnit, pki: Pki) -> None:
    server = scratch.server
    scratch.add_user("ann")
    pinned = (pki.digest,)
    for changes in (
        {"urls": (server.ldaps_url,), "ca_file": pki.ca},
        {"urls": (server.url,), "start_tls": True, "ca_file": pki.ca},
        {"urls": (server.ldaps_url,), "certificate_sha256": (bytes(32), *pinned)},
        {"urls": (server.url,), "start_tls": True, "certificate_sha256": pinned},
    ):
        assert read(scratch, upstream=scratch.upstream(**changes)).names(Kind.USER) == {scratch.login("ann")}


def test_a_certificate_that_is_not_pinned_is_refused_with_its_digest(scratch: ScratchUnit, pki: Pki) -> None:
    upstream = scratch.upstream(urls=(scratch.server.ldaps_url,), certificate_sha256=(bytes(32),))
    with pytest.raises(SourceRefused, match=f'not the one that is pinned: .* certificate_sha256 = "{pki.digest.hex()}"'):
        read(scratch, upstream=upstream)


def test_a_base_in_no_naming_context_of_the_controller_is_refused(scratch: ScratchUnit) -> None:
    with pytest.raises(SourceRefused, match="lies in no naming context of this controller"):
        read(scratch, kinds=scratch.kinds("DC=other,DC=test"))


def test_a_server_that_is_no_domain_controller_is_refused(scratch: ScratchUnit, slapd: Slapd) -> None:
    upstream = scratch.upstream(urls=(slapd.url,), bind_dn=slapd.reader.dn, password=slapd.reader.password)
    with pytest.raises(SourceRefused, match="no domain controller of Active Directory"):
        read(scratch, upstream=upstream)


def test_check_names_the_controller_and_the_way_of_reading_changes(scratch: ScratchUnit) -> None:
    scratch.add_user("ann")
    items = {item.name: item for item in scratch.source().check()}
    others = {name: item.status for name, item in items.items() if item.status is not CheckStatus.PASSED}
    nothing = dict.fromkeys(("organizations", "groups"), CheckStatus.WARNED)
    assert others == {"TLS": CheckStatus.SKIPPED, **nothing}
    assert items["domain controller"].detail == f"dc1.{REALM}, holds {BASE}"
    assert items["synchronization"].detail == "changes by DirSync as they happen, deletions too"
    assert items["users"].detail == "1 would be read"
    assert items["account lockout"].detail == "the domain locks an account after 3 wrong passwords within 30 minutes"
    fine = f"CN=strict,CN=Password Settings Container,CN=System,{BASE}"
    scratch.server.add(fine, "msDS-PasswordSettings", PASSWORD_SETTINGS)
    lockouts = {item.name: item for item in scratch.source().check()}["account lockout"].lockouts
    assert lockouts == (Lockout("the domain", 3, 1800), Lockout("the policy 'strict'", 2, 600))
    scratch.server.delete(fine)


def test_check_names_the_right_that_the_account_lacks(scratch: ScratchUnit) -> None:
    reader = scratch.add_user("reader", password="Secret-1")
    upstream = scratch.upstream(bind_dn=reader, password="Secret-1")

    def synchronization(**changes: object) -> CheckItem:
        [found] = [item for item in scratch.source(upstream=upstream, **changes).check() if item.name == "synchronization"]
        return found

    found = synchronization(mode=ActiveDirectoryMode.DIRSYNC)
    assert found.status is CheckStatus.FAILED
    assert '"Replicating Directory Changes"' in found.cure
    found = synchronization(poll_seconds=7.0)
    hidden = "; deletions by comparing every 7 s (less often in a large domain) because bind_dn is shown no deleted objects"
    assert (found.status, found.detail) == (CheckStatus.WARNED, f"changes by uSNChanged as they happen{hidden}")
    assert f'dsacls "CN=Deleted Objects,{BASE}" /G "ACCOUNT:LCRP"' in found.cure
    scratch.server.allow_dirsync(reader)
    found = synchronization(poll_seconds=7.0)
    assert (found.status, found.detail) == (CheckStatus.WARNED, f"changes by DirSync as they happen{hidden}")
    scratch.server.show_deleted(reader)
    found = synchronization()
    assert (found.status, found.detail) == (CheckStatus.PASSED, "changes by DirSync as they happen, deletions too")
