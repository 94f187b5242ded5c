"""Values as Active Directory writes them, and what the pure parts make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.account_expiry import AHEAD, Expiring
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntry
from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryMode,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.connectors.ldap.active_directory.watermark import Position, decode, encode
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import Delta, DeltaType, Watermark
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SETTINGS = ActiveDirectorySettings(
    id="corp",
    upstream=Upstream(urls=("ldap://dc1",), bind_dn="reader@corp.example", password="secret"),
    kinds=(active_directory_kind_settings(Kind.USER, ("DC=corp,DC=example",)),),
)
POSITION = Position("ldap://dc1", "0c1e", "dirsync", {"cookies": {"DC=corp,DC=example": "TVNEUw=="}}, 7)


@given(st.binary(min_size=16, max_size=16))
def test_a_guid_is_written_in_its_canonical_form_and_read_back(octets: bytes) -> None:
    assert windows_values.guid_text(octets) == str(UUID(bytes_le=octets))
    assert windows_values.guid_octets(windows_values.guid_text(octets)) == octets


@given(st.integers(0, 7 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_filetime_is_the_moment_that_it_names(moment: datetime) -> None:
    ticks = str(windows_values.filetime(moment)).encode()
    assert windows_values.time_text([ticks]) == [f"{moment:%Y%m%d%H%M%SZ}".encode()]


@pytest.mark.parametrize(
    "value", [b"0", str(windows_values.NEVER).encode(), b"-1", b"", b"soon", str(windows_values.NEVER - 1).encode()]
)
def test_what_is_no_moment_has_no_text(value: bytes) -> None:
    assert windows_values.time_text([value]) == []


def test_a_link_is_followed_by_guid_where_it_is_told_and_else_by_name() -> None:
    guid = "0c1e6b1e-0b0f-4b6e-9b57-5b6b3f0b2c11"
    assert windows_values.pointer(f"<GUID={guid}>;<SID=S-1-5-21-1-2-3-4>;CN=a\\;b,DC=x".encode()) == Reference(
        ReferenceForm.ID, guid
    )
    assert windows_values.pointer(b"CN=A,DC=x") == Reference(ReferenceForm.DN, "dc=x,cn=a,")
    assert windows_values.pointer(b"nonsense") is None
    assert windows_values.plain_dn(f"<GUID={guid}>;CN=a,DC=x") == windows_values.plain_dn("CN=a,DC=x") == "CN=a,DC=x"


def test_a_primary_group_is_of_the_accounts_own_domain() -> None:
    account = bytes.fromhex("0105000000000005150000000a0000000b0000000c000000e8030000")
    assert windows_values.relative_id(account) == 1000
    assert windows_values.primary_group(account, 513) == account[:-4] + bytes.fromhex("01020000")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def account(name: str, moment: datetime) -> ActiveDirectoryEntry:
    return ActiveDirectoryEntry(name, Delta(DeltaType.UPSERT, Kind.USER, name), expires=windows_values.filetime(moment))


def test_who_expires_is_due_once_and_in_the_moment() -> None:
    clock = Clock()
    expiring = Expiring(clock)
    expiring.all_are_told()
    assert expiring.window() is None
    for name, moment in (("soon", NOON + timedelta(minutes=5)), ("past", NOON - timedelta(minutes=5))):
        expiring.note(account(name, moment))
    expiring.note(account("later", NOON + 2 * AHEAD))
    assert not expiring.due()
    clock.time += timedelta(minutes=6)
    assert expiring.is_due
    assert list(expiring.due().changed) == ["soon"]
    assert not expiring.due()


def test_the_controller_is_asked_for_what_lies_beyond_and_for_what_was_missed() -> None:
    clock = Clock()
    missed_since = windows_values.filetime(NOON - timedelta(days=1))
    expiring = Expiring(clock, missed_since)
    assert expiring.window() == (missed_since, windows_values.filetime(NOON + AHEAD))
    expiring.note(account("missed", NOON - timedelta(hours=1)))
    assert list(expiring.due().changed) == ["missed"]
    clock.time += AHEAD
    assert expiring.window() == (windows_values.filetime(NOON + AHEAD), windows_values.filetime(NOON + 2 * AHEAD))


def test_a_position_is_kept_and_holds_only_for_the_settings_that_it_was_read_under() -> None:
    mark = encode(SETTINGS, POSITION)
    assert decode(SETTINGS, mark) == POSITION
    wider = ActiveDirectorySettings(
        id="corp", upstream=SETTINGS.upstream, kinds=(active_directory_kind_settings(Kind.USER, ("DC=example",)),)
    )
    excluding = active_directory_kind_settings(Kind.USER, ("DC=corp,DC=example",), exclude=("OU=x,DC=corp,DC=example",))
    for other in (wider, ActiveDirectorySettings(id="corp", upstream=SETTINGS.upstream, kinds=(excluding,))):
        assert decode(other, mark) is None
    assert decode(
        ActiveDirectorySettings(id="corp", upstream=SETTINGS.upstream, kinds=SETTINGS.kinds, mode=ActiveDirectoryMode.USN), mark
    )


@pytest.mark.parametrize("mark", [None, b"", b"{}", b"nonsense", b'{"version": 1}', b"[]", b'{"version": 1, "kinds": 7}'])
def test_a_watermark_that_is_not_ours_is_no_position(mark: bytes | None) -> None:
    assert decode(SETTINGS, None if mark is None else Watermark(mark)) is None


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: active_directory_kind_settings(Kind.USER, ()), "at least one base"),
        (
            lambda: active_directory_kind_settings(Kind.USER, ("DC=a",), exclude=("OU=x,DC=b",)),
            "lies below no base of the users",
        ),
        (lambda: active_directory_kind_settings(Kind.USER, ("DC=a",), "(cn="), "."),
        (lambda: ActiveDirectorySettings(id="corp", upstream=SETTINGS.upstream, kinds=()), "are needed"),
        (lambda: Upstream(urls=("ldap://h",), bind_dn="a@b@c", password="x"), "not a distinguished name"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object, complaint: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize(
    ("dn", "contained"),
    [
        ("CN=a,OU=in,DC=x", True),
        ("CN=a,OU=out,OU=in,DC=x", False),
        ("CN=a,DC=y", True),
        ("CN=a,OU=other,DC=x", False),
    ],
)
def test_scope_is_below_a_base_and_not_below_what_is_excluded(dn: str, contained: bool) -> None:
    assert (
        active_directory_kind_settings(Kind.USER, ("OU=in,DC=x", "DC=y"), exclude=("ou=OUT,OU=in,DC=x",)).contains(dn)
        is contained
    )


def test_the_attributes_that_a_filter_looks_at_are_known() -> None:
    text = "(&(objectClass=user)(|(memberOf:1.2.840.113556.1.4.1941:=CN=x,DC=y)(!(title=*a*)))(employeeType=staff))"
    kind = active_directory_kind_settings(Kind.USER, ("DC=x",), text)
    assert kind.filter_attributes == {"objectclass", "memberof", "title", "employeetype"}
