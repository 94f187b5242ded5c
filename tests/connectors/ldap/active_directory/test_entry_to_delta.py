"""Entries of Active Directory: what names other entries is a reference, by GUID where the controller tells it."""

from datetime import UTC, datetime

import pytest

from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.settings import active_directory_kind_settings
from gateway.model.ldap import dn as names
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm

BOSS = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (b"CN=Boss,DC=corp", (Reference(ReferenceForm.DN, names.key("CN=Boss,DC=corp")),)),
        (f"<GUID={BOSS}>;CN=Boss,DC=corp".encode(), (Reference(ReferenceForm.ID, BOSS),)),
        (b"", ()),
    ],
)
def test_a_manager_is_a_reference(value: bytes, reference: tuple[Reference, ...]) -> None:
    settings = active_directory_kind_settings(Kind.USER, ("DC=corp",))
    mapper = ActiveDirectoryEntryMapper("ad", settings, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert {"manager", "secretary"} <= set(mapper.identified_attributes)
    entry = [("objectGUID", [bytes(16)]), ("sAMAccountName", [b"anna"]), *((("manager", [value]),) if value else ())]
    delta = mapper.to_entry(b"CN=Anna,DC=corp", entry).delta
    assert delta is not None
    assert (delta.references["manager"], delta.references["secretary"]) == (reference, ())
    assert delta.attributes["manager"] == (), "no text of the domain"
