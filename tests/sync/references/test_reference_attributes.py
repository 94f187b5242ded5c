"""A manager is told by a source as the name of an entry, and kept as a link to the object: whatever becomes of its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gateway.model.attributes import reference_to
from gateway.model.deltas import Delta
from gateway.model.ldap import dn
from gateway.model.objects import Kind, User
from gateway.model.records import Reference, ReferenceForm
from gateway.store.objects import groups, users
from gateway.sync.rules.authority import Authority
from tests.sync.synced_store import BASE, Store, gone, group, person


def referring(delta: Delta, **names: str) -> Delta:
    """The delta with references by DN: attribute → RDNs below the base, "" for none."""
    told = {name: (Reference(ReferenceForm.DN, dn.key(f"{rdns},{BASE}")),) if rdns else () for name, rdns in names.items()}
    return replace(delta, references={**delta.references, **told}, attributes={**delta.attributes, **dict.fromkeys(told, ())})


def people(store: Store) -> Mapping[str, User]:
    found = store.database.read_blocking(lambda c: users.iterate(c, "", 100))
    return {user.username: user for user in found}


def manager(store: Store, username: str = "anna") -> list[str]:
    """The login names of a person's managers."""
    known = people(store)
    names = {user.id: user.username for user in known.values()}
    return [names.get(str(one), str(one)) for one in known[username].attributes.get(reference_to("manager"), ())]


def test_a_manager_is_found_before_or_after_the_person(both_stores: Store) -> None:
    both_stores.apply(referring(person("anna"), manager="uid=boss"))
    assert manager(both_stores) == []
    both_stores.apply(person("boss"), referring(person("ben"), manager="uid=boss"))
    assert manager(both_stores) == manager(both_stores, "ben") == ["boss"]


def test_the_link_is_kept_when_the_manager_or_the_person_changes_otherwise(store: Store) -> None:
    store.apply(referring(person("anna"), manager="uid=boss"), person("boss"))
    store.apply(person("chief", external_id="u:boss"))
    assert manager(store) == ["chief"]
    store.apply(person("anna", email="a@example.test"))
    assert manager(store) == ["chief"], "nothing was said of it"
    assert people(store)["anna"].first("email") == "a@example.test"


@pytest.mark.parametrize("end", ["cleared", "another", "gone"])
def test_the_link_ends_with_what_said_it(store: Store, end: str) -> None:
    store.apply(referring(person("anna"), manager="uid=boss"), person("boss"), person("ben"))
    if end == "gone":
        store.apply(gone(Kind.USER, "u:boss"))
    else:
        store.apply(referring(person("anna"), manager="" if end == "cleared" else "uid=ben"))
    assert manager(store) == (["ben"] if end == "another" else [])


def test_a_text_of_the_same_name_that_was_kept_before_is_cleared(store: Store) -> None:
    store.apply(person("anna", manager="uid=boss,ou=Secret,o=upstream"), person("boss"))
    store.apply(referring(person("anna"), manager="uid=boss"))
    assert manager(store) == ["boss"]
    assert "manager" not in people(store)["anna"].attributes


def test_a_group_has_an_owner_and_members(store: Store) -> None:
    store.apply(person("anna"), referring(group("staff", "uid=anna"), owner="uid=anna"))
    [staff] = store.database.read_blocking(lambda c: groups.page(c, "", None, "", 10))
    anna = people(store)["anna"].id
    assert staff.attributes[reference_to("owner")] == (anna,)
    assert store.log()[-1].added_members
    store.apply(gone(Kind.USER, "u:anna"))
    [staff] = store.database.read_blocking(lambda c: groups.page(c, "", None, "", 10))
    assert reference_to("owner") not in staff.attributes


def test_the_first_source_of_the_authority_that_has_a_manager_decides(store: Store) -> None:
    store.authority = Authority(("crm", "hr"))
    store.correlate("crm", "username = username")
    store.apply(referring(person("anna"), manager="uid=boss"), person("boss"))
    store.apply(person("chief"), referring(person("anna"), manager="uid=chief"), source="crm")
    assert manager(store) == ["chief"]
    store.apply(referring(person("anna"), manager=""), source="crm")
    assert manager(store) == ["boss"]
