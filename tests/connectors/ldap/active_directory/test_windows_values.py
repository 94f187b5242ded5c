"""Values as Active Directory writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.ldap.active_directory import windows_values
from gateway.model.records import Reference, ReferenceForm


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
def test_a_filetime_that_means_never_has_no_text(value: bytes) -> None:
    assert windows_values.time_text([value]) == []


def test_a_link_is_a_reference_by_guid_where_the_value_has_one_and_else_by_dn() -> None:
    guid = "0c1e6b1e-0b0f-4b6e-9b57-5b6b3f0b2c11"
    assert windows_values.link_reference(f"<GUID={guid}>;<SID=S-1-5-21-1-2-3-4>;CN=a\\;b,DC=x".encode()) == Reference(
        ReferenceForm.ID, guid
    )
    assert windows_values.link_reference(b"CN=A,DC=x") == Reference(ReferenceForm.DN, "dc=x,cn=a,")
    assert windows_values.link_reference(b"nonsense") is None
    assert windows_values.plain_dn(f"<GUID={guid}>;CN=a,DC=x") == windows_values.plain_dn("CN=a,DC=x") == "CN=a,DC=x"


def test_a_primary_group_is_of_the_accounts_own_domain() -> None:
    account = bytes.fromhex("0105000000000005150000000a0000000b0000000c000000e8030000")
    assert windows_values.relative_id(account) == 1000
    assert windows_values.primary_group(account, 513) == account[:-4] + bytes.fromhex("01020000")
