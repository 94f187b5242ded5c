"""Nested groups: the in-chain rule, transitive memberOf, cycles, and groups that a party does not see on the way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory.access import Access, of_user
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import BASE_OBJECT, WHOLE_SUBTREE
from tests.directory.worlds import BASE, World, group, openldap_view, user

PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
POSIX = {"gid_number": ["100"], "home_directory": ["/home/x"]}
ANNA, BEN = user(10, "anna", uid_number=["6"], **POSIX), user(11, "ben", uid_number=["-2147483646"], **POSIX)
TEAM, UNIT, ALL, LOOP = (group(20 + number, name) for number, name in enumerate(("team", "unit", "all", "loop")))
EVERYTHING = Access(Scope())
WITHOUT_UNIT = Access(Scope(group_ids=(TEAM.id, ALL.id, LOOP.id)))
"""Sees the first and the last group of a chain, and not the one between them."""
IN_CHAIN = "1.2.840.113556.1.4.1941"


class Chained:
    """anna → team → unit → all; loop and all list each other; ben is in all."""

    def __init__(self, folder: Path, *, transitive: bool, attributes: tuple[str, ...] = ("member", "memberUid")) -> None:
        self.world = World(folder)
        self.world.put(ANNA, BEN, TEAM, UNIT, ALL, LOOP)
        self.world.join(TEAM, ANNA)
        self.world.join(UNIT, TEAM)
        self.world.join(ALL, UNIT, BEN, LOOP)
        self.world.join(LOOP, ALL)
        view = replace(openldap_view(), transitive_member_of=transitive, member_attributes=attributes)
        self.updater = self.world.build(view, "view")
        self.reader = ViewReader(ViewFile(folder / "view", view))

    def found(self, text: str, access: Access = EVERYTHING) -> list[str]:
        """The RDNs' values of the entries found."""
        search = Search(ViewSearcher(self.reader, access), self._query(BASE, WHOLE_SUBTREE, text))
        names = [entries.object_name(entry).decode() for entry in search.at_once() or ()]
        return sorted(name.partition(",")[0].partition("=")[2] for name in names)

    def member_of(self, name: str, access: Access = EVERYTHING) -> list[str]:
        search = Search(ViewSearcher(self.reader, access), self._query(name, BASE_OBJECT, "(objectClass=*)"))
        found = search.at_once()
        assert found is not None
        (entry,) = found
        return [value.decode().partition(",")[0].partition("=")[2] for value in entries.values(entry, b"memberof")]

    @staticmethod
    def _query(name: str, scope: int, text: str) -> Query:
        base = DN.parse(name)
        return Query(base, base.key, scope, filters.parse(text), ("memberOf",))

    def close(self) -> None:
        self.reader.close()
        self.updater.close()
        self.world.close()


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Chained]:
    made = Chained(tmp_path, transitive=False)
    yield made
    made.close()


@pytest.fixture
def transitive(tmp_path: Path) -> Iterator[Chained]:
    made = Chained(tmp_path, transitive=True)
    yield made
    made.close()


def test_the_in_chain_rule_finds_the_groups_that_hold_a_user_directly_or_through_groups(bed: Chained) -> None:
    assert bed.found(f"(member=uid=anna,{PEOPLE})") == ["team"]
    assert bed.found(f"(member:{IN_CHAIN}:=UID=Anna,{PEOPLE})") == ["all", "loop", "team", "unit"]
    assert bed.found(f"(member:inChainMatch:=cn=team,{GROUPS})") == ["all", "loop", "unit"]
    assert bed.found(f"(&(cn=u*)(member:{IN_CHAIN}:=uid=anna,{PEOPLE}))") == ["unit"]
    assert bed.found(f"(&(objectClass=groupOfNames)(!(member:{IN_CHAIN}:=uid=anna,{PEOPLE})))") == []
    assert bed.found(f"(member:{IN_CHAIN}:=uid=nobody,{PEOPLE})") == []
    assert bed.found(f"(!(member:{IN_CHAIN}:=no name))") == [], "Undefined stays so"


def test_everything_that_is_in_a_group_directly_or_through_groups(bed: Chained) -> None:
    assert bed.found(f"(memberOf=cn=all,{GROUPS})") == ["ben", "loop", "unit"]
    assert bed.found(f"(memberOf:{IN_CHAIN}:=cn=unit,{GROUPS})") == ["anna", "team"]
    assert bed.found(f"(&(objectClass=person)(memberOf:{IN_CHAIN}:=cn=all,{GROUPS}))") == ["anna", "ben"]
    assert bed.found(f"(&(uid=anna)(memberOf:{IN_CHAIN}:=cn=all,{GROUPS}))") == ["anna"]
    assert bed.found(f"(&(uid=ben)(memberOf:{IN_CHAIN}:=cn=unit,{GROUPS}))") == []


def test_groups_that_list_each_other_are_in_each_other_and_the_search_ends(bed: Chained) -> None:
    assert bed.found(f"(member:{IN_CHAIN}:=cn=all,{GROUPS})") == ["all", "loop"]
    assert bed.found(f"(memberOf:{IN_CHAIN}:=cn=loop,{GROUPS})") == ["all", "anna", "ben", "loop", "team", "unit"]


def test_a_way_through_a_group_that_is_not_seen_leads_nowhere(bed: Chained) -> None:
    assert bed.found(f"(member:{IN_CHAIN}:=uid=anna,{PEOPLE})", WITHOUT_UNIT) == ["team"]
    assert bed.found(f"(memberOf:{IN_CHAIN}:=cn=all,{GROUPS})", WITHOUT_UNIT) == ["all", "ben", "loop"]
    assert bed.found(f"(memberOf:{IN_CHAIN}:=cn=unit,{GROUPS})", WITHOUT_UNIT) == []
    assert bed.found(f"(member:{IN_CHAIN}:=cn=unit,{GROUPS})", WITHOUT_UNIT) == []


def test_the_rule_is_of_the_links_between_groups_and_members_alone(bed: Chained) -> None:
    assert bed.found(f"(!(seeAlso:{IN_CHAIN}:=cn=all,{GROUPS}))") == []
    assert bed.found(f"(:{IN_CHAIN}:=cn=unit,{GROUPS})") == ["all", "anna", "loop", "team"]


def test_a_transitive_view_shows_and_matches_the_groups_reached_through_groups(transitive: Chained) -> None:
    assert transitive.member_of(f"uid=anna,{PEOPLE}") == ["all", "loop", "team", "unit"]
    assert transitive.found(f"(memberOf=cn=all,{GROUPS})") == ["all", "anna", "ben", "loop", "team", "unit"]
    assert transitive.found("(memberOf=*)") == ["all", "anna", "ben", "loop", "team", "unit"]
    assert transitive.member_of(f"uid=anna,{PEOPLE}", WITHOUT_UNIT) == ["team"]
    assert transitive.found(f"(memberOf=cn=all,{GROUPS})", WITHOUT_UNIT) == ["all", "ben", "loop"]
    assert transitive.member_of(f"uid=anna,{PEOPLE}", of_user(ANNA.id)) == ["all", "loop", "team", "unit"]
    assert transitive.found(f"(memberOf=cn=all,{GROUPS})", of_user(ANNA.id)) == ["anna"]


def test_other_views_show_the_groups_that_list_a_user(bed: Chained) -> None:
    assert bed.member_of(f"uid=anna,{PEOPLE}") == ["team"]


def test_unique_members_are_found_like_members_where_a_view_shows_them_and_not_elsewhere(tmp_path: Path, bed: Chained) -> None:
    assert bed.found(f"(uniqueMember=uid=anna,{PEOPLE})") == bed.found(f"(uniqueMember:{IN_CHAIN}:=uid=anna,{PEOPLE})") == []
    (tmp_path / "other").mkdir()
    other = Chained(tmp_path / "other", transitive=False, attributes=("uniqueMember",))
    try:
        assert other.found(f"(uniqueMember=uid=anna,{PEOPLE})") == ["team"]
        assert other.found(f"(uniqueMember=uid=anna,{PEOPLE}#'0101'B)") == []
        assert other.found(f"(uniqueMember:{IN_CHAIN}:=uid=anna,{PEOPLE})") == ["all", "loop", "team", "unit"]
        assert other.found(f"(member=uid=anna,{PEOPLE})") == other.found("(member=*)") == []
    finally:
        other.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(uidNumber:1.2.840.113556.1.4.803:=2)", ["anna", "ben"]),
        ("(uidNumber:1.2.840.113556.1.4.803:=6)", ["anna"]),
        ("(uidNumber:1.2.840.113556.1.4.804:=5)", ["anna"]),
        ("(uidNumber:1.2.840.113556.1.4.803:=2147483648)", ["ben"]),
        ("(uidNumber:1.2.840.113556.1.4.803:=-2147483648)", ["ben"]),
        ("(uidNumber:1.2.840.113556.1.4.803:=0)", ["anna", "ben"]),
        ("(uidNumber:1.2.840.113556.1.4.804:=0)", []),
        ("(&(objectClass=person)(!(uidNumber:integerBitAndMatch:=4)))", ["ben"]),
        ("(!(uidNumber:1.2.840.113556.1.4.803:=two))", []),
        ("(!(uid:1.2.840.113556.1.4.803:=2))", []),
        ("(:1.2.840.113556.1.4.804:=4)", ["anna", "ben"]),
        ("(:1.2.840.113556.1.4.803:=6)", ["anna"]),
    ],
)
def test_bits_of_integers(bed: Chained, text: str, expected: list[str]) -> None:
    assert bed.found(text) == expected
