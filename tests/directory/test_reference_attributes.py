"""Attributes that name other entries (manager, owner): DNs of the view that is asked, of visible entries, no text of a source.
No question reveals a name that is not shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory.access import Access, UserAccess, of_user
from gateway.directory.journal.journal_reader import EventKind
from gateway.directory.projection import view_overrides
from gateway.directory.projection.attribute_rules import first_of
from gateway.directory.projection.view_kinds import active_directory
from gateway.directory.projection.view_overrides import EntryOverrides
from gateway.directory.search.sort_keys import CannotSort, order
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.attributes import reference_to
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries
from gateway.wire.controls import SortKey
from tests.directory.company import ANNA, BEN, EVERYTHING, GROUPS, IN_NORTH, NORTH, PEOPLE, SOUTH, STAFF, Company
from tests.directory.journal.test_journal import journal, told
from tests.directory.worlds import openldap_view, user

MANAGER, OWNER = reference_to("manager"), reference_to("owner")
MANAGED = replace(ANNA, attributes={**ANNA.attributes, MANAGER: (BEN.id,), "manager": ("uid=ben,ou=Secret,o=upstream",)})
OWNED = replace(STAFF, attributes={**STAFF.attributes, OWNER: (BEN.id,)})
ANNA_DN, BEN_DN, STAFF_DN = f"uid=anna,{PEOPLE}", f"uid=ben,{PEOPLE}", f"cn=Staff,{GROUPS}"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    made.world.put(MANAGED, OWNED)
    made.follow()
    yield made
    made.close()


def test_a_manager_is_a_name_of_the_view_that_follows_renames_and_ends_with_the_entry(company: Company) -> None:
    assert company.values(EVERYTHING, ANNA_DN, "manager") == [BEN_DN.encode()]
    assert company.values(EVERYTHING, STAFF_DN, "owner") == [BEN_DN.encode()]
    assert company.found(EVERYTHING, f"(manager={BEN_DN})") == [ANNA_DN]
    company.world.put(replace(BEN, username="benjamin"))
    company.follow()
    assert company.found(EVERYTHING, f"(|(manager=uid=benjamin,{PEOPLE})(owner=uid=benjamin,{PEOPLE}))") == [STAFF_DN, ANNA_DN]
    assert company.found(EVERYTHING, f"(manager={BEN_DN})") == []
    company.world.delete(BEN)
    company.follow()
    assert company.values(EVERYTHING, ANNA_DN, "manager") == company.values(EVERYTHING, STAFF_DN, "owner") == []
    company.world.put(BEN)
    company.follow()
    assert company.values(EVERYTHING, ANNA_DN, "manager") == [BEN_DN.encode()]


def test_a_view_that_is_built_anew_names_the_same(company: Company) -> None:
    first = replace(user(9, "aaron", [SOUTH.id]), attributes={MANAGER: (BEN.id,)})  # before the manager, in the order of ids
    company.world.put(first)
    company.follow()
    built = company.world.build(openldap_view(), "again")
    query = "SELECT dn, encoded FROM entry ORDER BY dn_key"
    assert built.connection.execute(query).fetchall() == company.reader.execute(query).fetchall()
    assert built.connection.execute("SELECT count(*) FROM link").fetchone() == (3,)
    built.close()


def test_each_view_names_its_own_entries(company: Company) -> None:
    built = company.world.build(active_directory("ad", DN.parse("dc=ad,dc=test")), "ad")
    [(encoded,)] = built.connection.execute("SELECT encoded FROM entry WHERE object_id = ?", (ANNA.id,)).fetchall()
    assert entries.values(encoded, b"manager") == [b"CN=ben,CN=Users,dc=ad,dc=test"]
    [(encoded,)] = built.connection.execute("SELECT encoded FROM entry WHERE object_id = ?", (STAFF.id,)).fetchall()
    assert entries.values(encoded, b"managedby") == [b"CN=ben,CN=Users,dc=ad,dc=test"]
    built.close()


@pytest.mark.parametrize(
    "text",
    [
        f"(manager={BEN_DN})",
        "(manager=*)",
        f"(manager:distinguishedNameMatch:={BEN_DN})",
        f"(&(uid=anna)(!(!(manager={BEN_DN}))))",
        f"(owner={BEN_DN})",
        "(owner=*)",
    ],
)
def test_no_question_reveals_an_entry_out_of_scope(company: Company, text: str) -> None:
    assert company.found(EVERYTHING, text)
    for narrow in (IN_NORTH, of_user(ANNA.id, UserAccess.OWN), of_user(ANNA.id)):
        assert company.found(narrow, text) == []
    seeing = Access(Scope((NORTH.id, SOUTH.id), (STAFF.id,)))
    assert company.found(seeing, text) == company.found(EVERYTHING, text)


def test_entries_do_not_show_names_out_of_scope(company: Company) -> None:
    for access in (IN_NORTH, of_user(ANNA.id, UserAccess.OWN)):
        assert company.values(access, ANNA_DN, "manager") == company.values(access, STAFF_DN, "owner") == []
    seeing = Access(Scope((NORTH.id, SOUTH.id)))
    assert company.values(seeing, ANNA_DN, "manager") == [BEN_DN.encode()]


def test_names_of_others_have_no_order(company: Company) -> None:
    with pytest.raises(CannotSort):
        order([SortKey("manager")], None)


def test_a_reader_is_told_when_a_manager_comes_into_sight_and_leaves_it(company: Company) -> None:
    north = journal(company.reader, IN_NORTH, base=PEOPLE)
    with told(company, north) as found:
        company.world.put(replace(BEN, organization_ids=(NORTH.id,)))
    assert found[0] == [(EventKind.ADDED, BEN_DN, None), (EventKind.MODIFIED, ANNA_DN, None)]
    with told(company, north) as found:
        company.world.put(BEN)
    assert found[0] == [(EventKind.REMOVED, BEN_DN, None), (EventKind.MODIFIED, ANNA_DN, None)]


def test_texts_of_a_source_are_never_shown_as_names(company: Company, tmp_path: Path) -> None:
    override = EntryOverrides(attributes={"seeAlso": first_of("manager"), "description": first_of("manager")})
    view = view_overrides.with_overrides(openldap_view(), {Kind.USER: override})
    built = company.world.build(view, "mapped")
    [(encoded,)] = built.connection.execute("SELECT encoded FROM entry WHERE object_id = ?", (ANNA.id,)).fetchall()
    assert entries.values(encoded, b"seealso") == [BEN_DN.encode()], "the person, not the text"
    assert entries.values(encoded, b"description") == [b"uid=ben,ou=Secret,o=upstream"], "a text where a text is asked for"
    built.close()
    assert ViewFile(tmp_path, view).view.reference_attributes == {"manager", "secretary", "seeAlso", "owner"}
