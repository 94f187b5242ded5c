"""The entries of a view and their places when the directory changes: chosen organizations and groups, the tree, private
groups, several views of the same people."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from gateway.directory.access import Access, of_user
from gateway.directory.directory import Directory, Party
from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import active_directory, openldap, tree
from gateway.directory.projection.view_overrides import Posix, with_members, with_posix
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import WHOLE_SUBTREE
from tests.directory.worlds import BASE, START, World, contents, group, organization, user

EVERYTHING = Access(Scope())
EUROPE, SALES, ASIA = organization(1, "Europe"), organization(2, "Sales", organization(1, "").id), organization(3, "Asia")
ANNA = user(11, "anna", [SALES.id], display_name=["Anna A"], uid_number=["11"], gid_number=["11"])
BEN = user(12, "ben", [ASIA.id, EUROPE.id], display_name=["Ben"])
CY = user(13, "cy", [], display_name=["Ben"])
STAFF, OTHERS = group(21, "staff", gid_number=["500"]), group(22, "others")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.put(EUROPE, SALES, ASIA, ANNA, BEN, CY, STAFF, OTHERS)
    world.join(STAFF, ANNA, BEN, OTHERS)
    world.join(OTHERS, CY)
    yield world
    world.close()


class Shown:
    """A view of a world, followed."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self.view = view
        self.updater = world.build(view, view.name)
        self.reader = ViewReader(ViewFile(world.folder / view.name, view))

    def close(self) -> None:
        self.reader.close()
        self.updater.close()

    def follow(self) -> "Shown":
        """Applies what has happened, and is then the same as a new one."""
        self.updater.apply(self._world.log(self.updater.position))
        built: LogApplier = self._world.build(self.view, "again")
        assert contents(self.updater) == contents(built)
        built.close()
        self.reader.refresh()
        return self

    def find(self, text: str, *attributes: str, access: Access = EVERYTHING) -> dict[str, dict[str, list[bytes]]]:
        """A subtree search: attributes by DN, without the base."""
        base = self.view.base
        query = Query(base, base.key, WHOLE_SUBTREE, filters.parse(text), attributes or ("1.1",))
        found = Search(ViewSearcher(self.reader, access), query).at_once()
        assert found is not None
        decoded = [entries.decode_entry(entry) for entry in found]
        return {
            name.decode().removesuffix(f",{base}"): {kind.decode(): values for kind, values in given.items()}
            for name, given in decoded
        }

    def names(self, text: str = "(|(objectClass=person)(objectClass=groupOfNames)(objectClass=group))") -> set[str]:
        return set(self.find(text))


@pytest.fixture
def show(world: World) -> Iterator[Any]:
    views: list[Shown] = []

    def shown(view: View) -> Shown:
        views.append(Shown(world, view))
        return views[-1]

    yield shown
    for one in views:
        one.close()


def plain(**given: Any) -> View:
    return replace(openldap("plain", DN.parse(BASE)), **given)


def test_a_view_of_one_organization_has_its_people_and_lists_no_others(show: Any) -> None:
    view = show(plain(organizations=("Europe",)))
    assert view.names("(objectClass=person)") == {"uid=anna,ou=people", "uid=ben,ou=people"}
    assert view.names("(objectClass=organizationalUnit)") == {
        *("ou=people", "ou=groups", "ou=organizations"),
        *("ou=Europe,ou=organizations", "ou=Sales,ou=Europe,ou=organizations"),
    }
    assert view.find("(uid=ben)", "ou") == {"uid=ben,ou=people": {"ou": [b"Europe"]}}, "Asia is not in the view"
    assert view.find("(cn=others)", "member") == {"cn=others,ou=groups": {}}


@pytest.mark.parametrize("named", [("Europe/Sales",), ("/europe/SALES/",), (SALES.id,), ("Nowhere", "Europe/Sales")])
def test_organizations_are_named_by_path_or_id(show: Any, named: tuple[str, ...]) -> None:
    view = show(plain(organizations=named))
    assert view.names("(objectClass=person)") == {"uid=anna,ou=people"}
    assert "ou=Sales,ou=organizations" in view.names("(ou=Sales)"), "what is above is not in the view"


def test_people_come_into_the_view_and_leave_it_with_their_organizations(world: World, show: Any) -> None:
    view = show(plain(organizations=("Europe",)))
    world.put(replace(ANNA, organization_ids=(ASIA.id,)), replace(CY, organization_ids=(SALES.id,)))
    assert view.follow().names("(objectClass=person)") == {"uid=ben,ou=people", "uid=cy,ou=people"}
    assert view.find("(cn=staff)", "member")["cn=staff,ou=groups"]["member"] == [
        f"uid=ben,ou=people,{BASE}".encode(),
        f"cn=others,ou=groups,{BASE}".encode(),
    ]
    world.put(replace(SALES, parent_id=ASIA.id))
    assert view.follow().names("(objectClass=person)") == {"uid=ben,ou=people"}
    world.put(replace(EUROPE, name="Old"), replace(ASIA, name="Europe"))
    assert view.follow().names("(objectClass=person)") == {"uid=anna,ou=people", "uid=ben,ou=people", "uid=cy,ou=people"}


def test_a_view_of_some_groups_has_all_people_and_these_groups(world: World, show: Any) -> None:
    view = show(plain(groups=("Staff", OTHERS.id)))
    assert len(view.names("(objectClass=person)")) == 3
    assert view.names("(objectClass=groupOfNames)") == {"cn=staff,ou=groups", "cn=others,ou=groups"}
    world.put(replace(STAFF, name="crew"))
    assert view.follow().names("(objectClass=groupOfNames)") == {"cn=others,ou=groups"}
    world.put(replace(STAFF, name="staff"))
    assert view.follow().names("(member=*)") == {"cn=others,ou=groups", "cn=staff,ou=groups"}


def test_a_missing_organization_is_logged_once(world: World, show: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        view = show(plain(organizations=("Nowhere",)))
        world.put(replace(ASIA, name="Elsewhere"))
        view.follow()
    told = [log["organization"] for log in logs if log["event"] == "a view names an organization that there is not"]
    assert told == ["Nowhere"] * 2, "once by each of the two that looked: the one that follows and the one built to compare"
    assert view.names("(objectClass=person)") == set()


def test_in_the_tree_people_move_with_their_first_organization(world: World, show: Any) -> None:
    view = show(tree("tree", DN.parse(BASE)))
    assert view.names("(objectClass=person)") == {"uid=anna,ou=Sales,ou=Europe", "uid=ben,ou=Asia", "uid=cy,ou=people"}
    world.put(replace(EUROPE, name="EMEA"), replace(BEN, organization_ids=(EUROPE.id, ASIA.id)))
    assert view.follow().names("(objectClass=person)") == {"uid=anna,ou=Sales,ou=EMEA", "uid=ben,ou=EMEA", "uid=cy,ou=people"}
    assert view.find("(cn=staff)", "member")["cn=staff,ou=groups"]["member"][0] == f"uid=anna,ou=Sales,ou=EMEA,{BASE}".encode()
    world.put(replace(SALES, parent_id=ASIA.id), replace(CY, organization_ids=(ASIA.id,)))
    assert view.follow().names("(objectClass=person)") == {"uid=anna,ou=Sales,ou=Asia", "uid=ben,ou=EMEA", "uid=cy,ou=Asia"}


def test_an_organization_takes_the_place_of_a_container_of_its_name_but_not_that_of_the_applications(
    world: World, show: Any
) -> None:
    people, groups, applications = organization(4, "People"), organization(5, "groups"), organization(6, "applications")
    view = show(tree("tree", DN.parse(BASE)))
    world.put(people, groups, applications, replace(BEN, organization_ids=(people.id,)), user(14, "dee", [applications.id]))
    found = view.follow().names()
    elsewhere = f"uid=dee,ou=applications+entryUUID={applications.id}"
    assert {"uid=cy,ou=People", "uid=ben,ou=People", "cn=staff,ou=groups", elsewhere} <= found
    units = view.find("(&(objectClass=organizationalUnit)(|(ou=people)(ou=groups)))", "entryUUID")
    assert units == {
        "ou=People": {"entryUUID": [people.id.encode()]},
        "ou=groups": {"entryUUID": [groups.id.encode()]},
    }
    assert view.find("(&(objectClass=organizationalUnit)(ou=people))", "hasSubordinates") == {
        "ou=People": {"hasSubordinates": [b"TRUE"]}
    }
    world.put(replace(people, name="Folk"), replace(groups, name="Flocks"))
    assert {"uid=cy,ou=people", "uid=ben,ou=Folk", "cn=staff,ou=groups"} <= view.follow().names()


def test_active_directory_is_searched_as_its_programs_do(show: Any) -> None:
    view = show(active_directory("windows", DN.parse(BASE)))
    anna = "CN=Anna A,CN=Users"
    for text in (
        "(sAMAccountName=ANNA)",
        "(userPrincipalName=anna@example.test)",
        "(&(objectCategory=person)(objectClass=user)(sAMAccountName=anna))",
        f"(&(objectCategory=CN=Person,CN=Schema,CN=Configuration,{BASE})(sAMAccountName=anna))",
        "(&(objectCategory=user)(sAMAccountName=anna))",
        f"(distinguishedName={anna},{BASE})",
        r"(objectGUID=\0b\00\00\00\00\00\00\40\80\00\00\00\00\00\00\00)",
        "(&(objectClass=user)(!(userAccountControl=514))(sAMAccountName=ann*))",
    ):
        assert view.names(text) == {anna}, text
    assert view.names("(objectCategory=group)") == {"CN=staff,OU=Groups", "CN=others,OU=Groups"}
    assert view.names("(&(objectCategory=person)(objectClass=group))") == set()
    assert view.names("(name=Ben)") == view.names("(cn=Ben)") == {"CN=Ben,CN=Users", f"CN=Ben+entryUUID={CY.id},CN=Users"}
    assert view.find("(sAMAccountName=anna)", "memberOf")[anna] == {"memberOf": [f"CN=staff,OU=Groups,{BASE}".encode()]}


def test_a_person_who_is_renamed_keeps_the_memberships_in_active_directory(world: World, show: Any) -> None:
    view = show(active_directory("windows", DN.parse(BASE), "tree"))
    world.put(replace(ANNA, attributes={"display_name": ("Anna B",)}, enabled=False))
    found = view.follow().find("(sAMAccountName=anna)", "userAccountControl", "memberOf")
    assert found == {
        "CN=Anna B,OU=Sales,OU=Europe": {
            "userAccountControl": [b"514"],
            "memberOf": [f"CN=staff,OU=Groups,{BASE}".encode()],
        }
    }
    assert f"CN=Anna B,OU=Sales,OU=Europe,{BASE}".encode() in view.find("(cn=staff)", "member")["CN=staff,OU=Groups"]["member"]


def test_members_by_login_follow_a_renamed_login_even_where_it_is_not_in_the_name(world: World, show: Any) -> None:
    view = show(with_members(plain(), ("member", "uniqueMember", "memberUid")))
    listed = view.find("(cn=staff)", "uniqueMember", "memberUid")["cn=staff,ou=groups"]
    assert listed["memberUid"] == [b"anna", b"ben"]
    assert f"cn=others,ou=groups,{BASE}".encode() in listed["uniqueMember"], "groups in groups are members"
    world.put(replace(BEN, username="benjamin"))
    assert view.follow().find("(cn=staff)", "memberUid")["cn=staff,ou=groups"]["memberUid"] == [b"anna", b"benjamin"]


def test_a_private_group_comes_and_goes_with_its_person_and_gives_way_to_a_group_of_that_name(world: World, show: Any) -> None:
    view = show(with_posix(plain(), Posix(home="/home/{username}", private_groups=True)))
    assert view.find("(gidNumber=11)", "cn", "gidNumber") == {
        "uid=anna,ou=people": {"cn": [b"Anna A"], "gidNumber": [b"11"]},
        "cn=anna,ou=groups": {"cn": [b"anna"], "gidNumber": [b"11"]},
    }
    same = group(30, "Anna")
    world.put(same)
    assert set(view.follow().find("(&(objectClass=posixGroup)(gidNumber=11))")) - {"cn=anna,ou=groups"}, "it has another name"
    assert view.names("(&(cn=anna)(!(gidNumber=11)))") == {"cn=Anna,ou=groups"}
    world.delete(same)
    world.put(replace(ANNA, username="ann"))
    assert view.follow().names("(&(objectClass=posixGroup)(gidNumber=11))") == {"cn=ann,ou=groups"}
    world.put(replace(ANNA, attributes={"uid_number": ("11",), "gid_number": ("500",)}))
    assert view.follow().names("(objectClass=posixGroup)") == {"cn=staff,ou=groups"}
    world.put(ANNA)
    world.delete(ANNA)
    assert view.follow().names("(objectClass=posixGroup)") == {"cn=staff,ou=groups"}


def test_a_party_that_sees_a_person_sees_the_private_group(show: Any) -> None:
    view = show(with_posix(plain(), Posix(home="/home/{username}", private_groups=True)))
    text = "(gidNumber=11)"
    both = {"uid=anna,ou=people", "cn=anna,ou=groups"}
    assert set(view.find(text, access=of_user(ANNA.id))) == both
    assert set(view.find(text, access=Access(Scope((EUROPE.id,), ())))) == both
    assert set(view.find(text, access=Access(Scope((ASIA.id,), None)))) == set()
    assert set(view.find(text, access=of_user(BEN.id))) == set()


def test_the_longest_base_decides_in_which_of_several_views_a_name_lies() -> None:
    outer, inner = openldap("outer", DN.parse(BASE)), active_directory("inner", DN.parse(f"dc=ad,{BASE}"))
    directory = Directory([SimpleNamespace(view=outer, reader=None), SimpleNamespace(view=inner, reader=None)])
    located = [
        directory.view_at(DN.parse(name).key) for name in (f"uid=a,ou=people,{BASE}", f"CN=a,CN=Users,dc=ad,{BASE}", "dc=x")
    ]
    assert [view and view.name for view in located] == ["outer", "inner", None]
    for granted, expected in ((("outer", "inner"), "inner"), (("outer",), "outer")):
        seen = directory.view_of(Party("cn=x", granted, EVERYTHING), DN.parse(f"dc=ad,{BASE}").key)
        assert seen is not None and seen.name == expected


def test_leavers_are_in_a_view_only_when_it_asks_for_them(world: World, show: Any) -> None:
    view, all_of_them = show(plain(private_groups=True)), show(replace(plain(private_groups=True), name="all", leavers=True))
    everybody = {"uid=anna,ou=people", "uid=ben,ou=people", "uid=cy,ou=people"}
    world.put(replace(ANNA, enabled=False, gone_at=START))
    assert view.follow().names("(|(objectClass=person)(cn=anna))") == everybody - {"uid=anna,ou=people"}
    assert all_of_them.follow().names("(|(objectClass=person)(cn=anna))") == {*everybody, "cn=anna,ou=groups"}
    listed = view.find("(cn=staff)", "member")["cn=staff,ou=groups"]["member"]
    assert f"uid=anna,ou=people,{BASE}".encode() not in listed
    world.put(ANNA)
    assert view.follow().names("(|(objectClass=person)(cn=anna))") == {*everybody, "cn=anna,ou=groups"}
    listed = view.find("(cn=staff)", "member")["cn=staff,ou=groups"]["member"]
    assert f"uid=anna,ou=people,{BASE}".encode() in listed


def test_another_view_file_is_built_only_for_the_view_that_shows_leavers() -> None:
    assert plain().fingerprint == replace(plain(), leavers=False).fingerprint != replace(plain(), leavers=True).fingerprint
