"""The access of a party: its part of the tree, no more of a group than its visible members, and no filter that reveals more."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory.access import Access, of_application, of_user
from gateway.directory.projection.view_kinds import active_directory
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Application, Scope
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import WHOLE_SUBTREE
from tests.directory.company import ANNA, BEN, EVERYTHING, GROUPS, IN_NORTH, INSIDE, NORTH, PEOPLE, SOUTH, UNITS, Company
from tests.directory.worlds import START


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    yield made
    made.close()


def test_an_application_sees_its_organizations_with_everything_below_and_only_visible_members(bed: Company) -> None:
    assert bed.found(IN_NORTH, "(|(objectClass=person)(objectClass=groupOfNames)(ou=North)(ou=South)(ou=Inside))") == [
        f"cn=Staff,{GROUPS}",
        f"ou=Inside,ou=North,{UNITS}",
        f"ou=North,{UNITS}",
        f"uid=anna,{PEOPLE}",
    ]
    assert bed.values(IN_NORTH, f"cn=Staff,{GROUPS}", "member") == [f"uid=anna,{PEOPLE}".encode()]
    assert bed.values(IN_NORTH, f"cn=Staff,{GROUPS}", "memberUid") == [b"anna"]
    assert bed.values(IN_NORTH, f"uid=anna,{PEOPLE}", "memberOf") == [f"cn=Staff,{GROUPS}".encode()]


@pytest.mark.parametrize(
    "text",
    [
        f"(member=uid=ben,{PEOPLE})",
        "(memberUid=ben)",
        f"(memberOf=cn=Secret,{GROUPS})",
        f"(member:distinguishedNameMatch:=uid=ben,{PEOPLE})",
        f"(&(cn=Staff)(!(!(member=uid=ben,{PEOPLE}))))",
    ],
)
def test_no_filter_reveals_a_membership_that_is_not_visible(bed: Company, text: str) -> None:
    assert bed.found(EVERYTHING, text)
    assert bed.found(IN_NORTH, text) == []


def test_attributes_that_may_not_be_read_are_neither_shown_nor_asked_for(bed: Company) -> None:
    narrow = replace(EVERYTHING, attributes=frozenset({"cn", "uid"}))
    assert bed.found(narrow, "(mail=anna@example.test)") == bed.found(narrow, "(!(mail=anna@example.test))") == []
    assert bed.found(narrow, "(uid=anna)") == [f"uid=anna,{PEOPLE}"]
    assert bed.values(narrow, f"uid=anna,{PEOPLE}", "mail") == []


def test_a_group_shows_the_visible_members_only(bed: Company) -> None:
    assert bed.values(IN_NORTH, f"cn=Staff,{GROUPS}", "member") == [f"uid=anna,{PEOPLE}".encode()]


def test_a_person_sees_the_own_entry_and_the_names_of_the_own_groups(bed: Company) -> None:
    herself = of_user(ANNA.id)
    assert bed.found(herself, "(|(objectClass=person)(objectClass=groupOfNames))") == [f"uid=anna,{PEOPLE}"]
    assert bed.values(herself, f"uid=anna,{PEOPLE}", "memberOf") == [
        f"cn=Secret,{GROUPS}".encode(),
        f"cn=Staff,{GROUPS}".encode(),
    ]
    assert bed.found(of_application(Application("a", "a", START)), "(uid=ben)") == [f"uid=ben,{PEOPLE}"]


def test_a_scope_follows_the_organizations_as_they_move(bed: Company) -> None:
    assert bed.found(IN_NORTH, "(uid=anna)")
    bed.world.put(replace(INSIDE, parent_id=SOUTH.id))
    bed.follow()
    assert bed.found(IN_NORTH, "(|(uid=anna)(ou=Inside))") == []
    bed.world.put(replace(BEN, organization_ids=(NORTH.id,)))
    bed.follow()
    assert bed.found(IN_NORTH, "(objectClass=person)") == [f"uid=ben,{PEOPLE}"]


@pytest.mark.parametrize(
    ("base", "matched"),
    [
        (f"uid=nobody,{PEOPLE}", PEOPLE),
        (f"uid=ben,{PEOPLE}", PEOPLE),
        (f"ou=x,ou=South,{UNITS}", UNITS),
        (f"ou=x,ou=Inside,ou=North,{UNITS}", f"ou=Inside,ou=North,{UNITS}"),
        (f"cn=Secret,{GROUPS}", GROUPS),
        ("dc=elsewhere", ""),
    ],
)
def test_a_base_that_is_hidden_is_as_if_it_did_not_exist(bed: Company, base: str, matched: str) -> None:
    with pytest.raises(NoSuchObject) as caught:
        bed.search(IN_NORTH, "(objectClass=*)", base)
    assert caught.value.matched_dn == matched


@pytest.mark.parametrize("kind", ["objectCategory=person", "sAMAccountType=805306368", "objectClass=user"])
def test_programs_for_active_directory_may_ask_for_a_kind_whatever_attributes_they_are_granted(bed: Company, kind: str) -> None:
    view = active_directory("ad", DN.parse("dc=ad,dc=test"))
    updater = bed.world.build(view, "ad")
    reader = ViewReader(ViewFile(bed.world.folder / "ad", view))
    names = replace(EVERYTHING, attributes=frozenset({"cn"}))
    name = DN.parse("dc=ad,dc=test")

    def found(text: str) -> list[dict[bytes, list[bytes]]]:
        query = Query(name, name.key, WHOLE_SUBTREE, filters.parse(text), ())
        return [entries.decode_entry(one)[1] for one in Search(ViewSearcher(reader, names), query).at_once() or ()]

    people = found(f"(&({kind})(cn=*))")
    assert [one[b"cn"] for one in people] == [[b"anna"], [b"ben"]]
    assert {key for one in people for key in one} == {b"objectClass", b"objectCategory", b"sAMAccountType", b"cn"}
    assert found("(userAccountControl=512)") == [], "which is of the person, not of the kind"
    reader.close()
    updater.close()


IN_SALES = Access(Scope(("sales",), ()), attributes=frozenset({"cn", "sn"}))


@pytest.mark.parametrize(
    ("acted_for", "both"),
    [
        (Access(Scope()), IN_SALES),
        (Access(), Access()),
        (of_user("anna"), Access(IN_SALES.scope, frozenset({"anna"}), IN_SALES.attributes)),
        (
            Access(only=frozenset({"anna"}), attributes=frozenset({"cn", "mail"})),
            Access(IN_SALES.scope, frozenset({"anna"}), frozenset({"cn"})),
        ),
    ],
)
def test_two_accesses_together_show_what_both_show(acted_for: Access, both: Access) -> None:
    assert acted_for.within(IN_SALES) == both
    assert not both.is_everything
