"""Users, organizations and groups as the readers find them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.model.errors import Conflict
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, Group, Kind, Member, Organization, Origin, User
from gateway.store.engine.database import Database
from gateway.store.objects import groups, memberships, organizations, users
from gateway.store.operations import source_state

NOW = datetime(2026, 11, 23, 12, 0, 0, 123000, UTC)


def user(number: int, *organization_ids: str, **attributes: tuple[str | bytes, ...]) -> User:
    origin = Origin("ldap", "hr", f"ext{number}")
    places = organization_ids or (ROOT_ORGANIZATION_ID,)
    return User(f"u{number:03}", f"User{number}", origin, NOW, NOW, True, attributes, places)


def organization(name: str, parent: str = ROOT_ORGANIZATION_ID, **attributes: tuple[str, ...]) -> Organization:
    return Organization(f"o-{name}", name, parent, Origin("ldap", "hr", f"ext-{name}"), NOW, NOW, attributes)


def group(number: int, name: str = "") -> Group:
    return Group(f"g{number:03}", name or f"Group {number}", Origin("ldap", "hr", f"ext{number}"), NOW, NOW)


def test_a_user_comes_back_as_it_was_stored_binary_values_included(database: Database) -> None:
    attributes: Attributes = {
        "photo": (b"\xff\xd8\x00",),
        "title": ('a "quoted" {"base64": trap',),
        "common_name": ("Zoë", "佐藤"),
    }
    stored = replace(user(1), attributes=attributes, gone_at=NOW)
    database.write_blocking(lambda c: users.insert(c, [stored]))
    assert database.read_blocking(lambda c: users.get(c, stored.id)) == stored


def test_what_does_not_exist_is_none_or_left_out(database: Database) -> None:
    assert database.read_blocking(lambda c: users.get(c, "nobody")) is None
    assert database.read_blocking(lambda c: users.get_many(c, ["nobody"])) == {}
    assert database.read_blocking(lambda c: organizations.ancestors(c, "nowhere")) == ()
    assert database.read_blocking(lambda c: users.page(c, [], 0, 10)) == ([], 0)


@pytest.mark.parametrize(
    ("look_up", "asked"),
    [
        (users.id_by_username, "uSER1"),
        (users.id_by_email, "ANNA@Example.test"),
        (users.id_by_phone_number, "0049 30/123-4"),
    ],
)
def test_a_user_is_found_by_name_mail_and_telephone_however_they_are_written(
    database: Database, look_up: Callable[..., str | None], asked: str
) -> None:
    stored = user(1, email=("anna@example.test", "second@example.test"), phone_number=("+49 (30) 1234",))
    database.write_blocking(lambda c: users.insert(c, [stored, user(2)]))
    assert database.read_blocking(lambda c: look_up(c, asked)) == stored.id
    assert database.read_blocking(lambda c: look_up(c, "99")) is None


def test_a_mail_address_that_several_users_have_is_a_conflict_and_not_a_guess(database: Database) -> None:
    database.write_blocking(lambda c: users.insert(c, [user(1, email=("a@b",)), user(2, email=("A@b",))]))
    with pytest.raises(Conflict):
        database.read_blocking(lambda c: users.id_by_email(c, "a@b"))


def test_users_are_found_by_the_triple_of_their_origin(database: Database) -> None:
    database.write_blocking(lambda c: users.insert(c, [user(1)]))
    assert database.read_blocking(lambda c: users.id_by_origin(c, Origin("ldap", "hr", "ext1"))) == "u001"
    assert database.read_blocking(lambda c: users.id_by_origin(c, Origin("ad", "hr", "ext1"))) is None


def test_users_of_organizations_come_in_pages_each_user_once(database: Database) -> None:
    a, b = organization("a"), organization("b")
    database.write_blocking(lambda c: organizations.insert(c, [a, b]))
    people = [user(n, *([a.id, b.id] if n % 3 == 0 else [a.id] if n % 3 == 1 else [])) for n in range(9)]
    database.write_blocking(lambda c: users.insert(c, people))
    first, total = database.read_blocking(lambda c: users.page(c, {a.id, b.id}, 0, 4))
    second, _ = database.read_blocking(lambda c: users.page(c, {a.id, b.id}, 4, 4))
    assert [found.id for found in first + second] == ["u000", "u001", "u003", "u004", "u006", "u007"]
    assert total == 6
    assert database.read_blocking(lambda c: users.page(c, None, 8, 4)) == ([people[8]], 9)


def test_a_set_of_many_thousand_ids_is_one_question(database: Database) -> None:
    database.write_blocking(lambda c: users.insert(c, [user(1)]))
    asked = [f"u{n:03}" for n in range(100_000)]
    assert list(database.read_blocking(lambda c: users.get_many(c, asked))) == ["u001"]


def test_users_may_swap_their_names_in_one_step(database: Database) -> None:
    one, two = user(1), user(2)
    database.write_blocking(lambda c: users.insert(c, [one, two]))
    swapped = [replace(one, username="User2"), replace(two, username="User1")]
    database.write_blocking(lambda c: users.update(c, swapped, ()))
    assert database.read_blocking(lambda c: users.id_by_username(c, "user1")) == two.id
    assert database.read_blocking(lambda c: users.id_by_username(c, "user2")) == one.id


def test_a_tree_of_organizations_is_walked_up_and_down(database: Database) -> None:
    tree = [organization("a"), organization("b", "o-a"), organization("c", "o-b"), organization("d")]
    database.write_blocking(lambda c: organizations.insert(c, tree))
    ancestors = database.read_blocking(lambda c: organizations.ancestors(c, "o-c"))
    assert ancestors == ("o-b", "o-a", ROOT_ORGANIZATION_ID)
    assert database.read_blocking(lambda c: organizations.subtree(c, ["o-a", "none"])) == {"o-a", "o-b", "o-c"}
    children, total = database.read_blocking(lambda c: organizations.children(c, ROOT_ORGANIZATION_ID, 1, 5))
    assert ([child.name for child in children], total) == (["d"], 2)


def test_organizations_of_one_name_are_told_apart_by_their_parent_and_age(database: Database) -> None:
    older = replace(organization("x"), name="Sales", created_at=NOW.replace(year=2020))
    tree = [organization("sales"), older, organization("sales2", "o-sales")]
    database.write_blocking(lambda c: organizations.insert(c, tree))
    found = database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, "SALES "))
    assert found == ["o-x", "o-sales"]


def test_groups_are_found_by_the_beginning_of_their_name(database: Database) -> None:
    database.write_blocking(lambda c: groups.insert(c, [group(1, "Admins"), group(2, "admin-b"), group(3, "Users")]))
    page = database.read_blocking(lambda c: groups.page(c, "ADMIN", None, "", 10))
    assert [found.name for found in page] == ["Admins", "admin-b"]
    assert database.read_blocking(lambda c: groups.count(c, "admin", ["g001", "g003"])) == 1
    assert [g.id for g in database.read_blocking(lambda c: groups.page(c, "", None, "g001", 1))] == ["g002"]


def test_a_member_that_two_sources_name_is_listed_once_and_stays_until_both_let_go(database: Database) -> None:
    member = Member(Kind.USER, "u001")
    pair = [("g001", member)]
    for source in ("crm", "hr"):
        database.write_blocking(lambda c, s=source: source_state.ensure(c, s, "ldap"))  # type: ignore[misc]
        database.write_blocking(lambda c, s=source: memberships.add(c, s, pair))  # type: ignore[misc]
        database.write_blocking(lambda c, s=source: memberships.add(c, s, pair))  # type: ignore[misc]
    assert database.read_blocking(lambda c: memberships.members(c, "g001", "", 10)) == [member]
    (membership,) = database.read_blocking(lambda c: memberships.groups_of(c, "u001", "", 10))
    assert (membership.source_id, membership.source_type) == ("crm", "ldap")
    database.write_blocking(lambda c: memberships.remove(c, "crm", pair))
    assert database.read_blocking(lambda c: memberships.existing(c, ["g001"], ["u001"])) == {("g001", "u001")}
    database.write_blocking(lambda c: memberships.remove(c, "hr", pair))
    assert database.read_blocking(lambda c: memberships.members_of(c, ["g001"])) == {}


def test_members_and_groups_come_in_pages(database: Database) -> None:
    pairs = [(f"g{g:03}", Member(Kind.USER, f"u{u:03}")) for g in range(3) for u in range(5)]
    database.write_blocking(lambda c: memberships.add(c, "hr", pairs))
    assert [m.id for m in database.read_blocking(lambda c: memberships.members(c, "g001", "u001", 2))] == ["u002", "u003"]
    found = database.read_blocking(lambda c: memberships.groups_of(c, "u004", "g000", 9))
    assert [membership.group_id for membership in found] == [
        "g001",
        "g002",
    ]
    assert database.read_blocking(lambda c: memberships.count_members(c, "g002", Kind.USER)) == 5
    assert database.read_blocking(lambda c: memberships.count_groups(c, "u000")) == 3
    assert database.read_blocking(lambda c: memberships.group_ids_of(c, ["u000"])) == {"u000": {"g000", "g001", "g002"}}
