"""Users as they are stored, found and listed."""

import importlib
from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, update

from gateway.model.objects import Attributes, Origin
from gateway.store.engine.database import Database
from gateway.store.objects import organizations, scoped_queries, users
from gateway.store.tables.objects import user_names
from gateway.store.tables.objects import users as users_table
from tests.store.samples import NOW, organization, user


def test_a_user_comes_back_as_it_was_stored_binary_values_included(database: Database) -> None:
    attributes: Attributes = {
        "photo": (b"\xff\xd8\x00",),
        "title": ('a "quoted" {"base64": trap',),
        "common_name": ("Zoë", "佐藤"),
    }
    stored = replace(user(1), attributes=attributes, gone_at=NOW)
    database.write_blocking(lambda c: users.insert(c, [stored]))
    assert database.read_blocking(lambda c: users.get(c, stored.id)) == stored


def test_unknown_objects_are_none_or_left_out(database: Database) -> None:
    assert database.read_blocking(lambda c: users.get(c, "nobody")) is None
    assert database.read_blocking(lambda c: users.get_many(c, ["nobody"])) == {}
    assert database.read_blocking(lambda c: organizations.ancestors(c, "nowhere")) == ()
    assert database.read_blocking(lambda c: users.page(c, [], 0, 10)) == ([], 0)


def test_a_user_is_found_by_name_however_it_is_written(database: Database) -> None:
    database.write_blocking(lambda c: users.insert(c, [user(1), user(2)]))
    assert database.read_blocking(lambda c: users.id_by_username(c, "uSER1")) == user(1).id
    assert database.read_blocking(lambda c: users.id_by_username(c, "99")) is None


def by_email(database: Database, address: str) -> list[str]:
    return database.read_blocking(lambda c: scoped_queries.ids_by_email(c, address))


def test_a_user_is_found_by_every_mail_address_and_principal_until_it_has_it_no_more(database: Database) -> None:
    first = user(1, email=("anna@example.test", "Second@example.test"), user_principal_name=("anna@corp.test",))
    database.write_blocking(lambda c: users.insert(c, [first, user(2, email=("second@example.test",))]))
    assert by_email(database, "ANNA@example.test") == [first.id]
    assert by_email(database, "second@EXAMPLE.test") == [user(2).id, first.id], "those whose main address it is, first"
    assert database.read_blocking(lambda c: users.ids_by_principal(c, "ANNA@corp.test")) == [first.id]
    other = replace(first, attributes={"email": ("anna@example.test", "third@example.test")})
    for stored in (None, {first.id: other}):
        database.write_blocking(lambda c, stored=stored: users.update(c, [other], (), stored))  # type: ignore[misc]
    assert (by_email(database, "second@example.test"), by_email(database, "third@example.test")) == ([user(2).id], [first.id])
    assert database.read_blocking(lambda c: users.ids_by_principal(c, "anna@corp.test")) == []
    database.write_blocking(lambda c: users.delete(c, [first.id]))
    assert by_email(database, "third@example.test") == []


@pytest.mark.parametrize(
    ("stored", "asked", "found"),
    [
        ("a@bücher.test", "A@xn--bcher-kva.test", True),
        ("a@xn--bcher-kva.test", "a@BÜCHER.test", True),
        ("a@mail.xn--bcher-kva.test", "a@mail.bücher.test", True),
        ("a@xn--bcher-kva.test", "a@bucher.test", False),
        ("a@xn--.test", "a@xn--.test", True),
        ("xn--bcher-kva@a.test", "bücher@a.test", False),
    ],
)
def test_a_domain_in_ascii_and_in_letters_is_one(database: Database, stored: str, asked: str, found: bool) -> None:
    database.write_blocking(lambda c: users.insert(c, [user(1, email=("main@a.test", stored)), user(2, email=(stored,))]))
    assert by_email(database, asked) == ([user(2).id, user(1).id] if found else [])


def test_a_store_of_before_gets_the_names_of_its_users(database: Database) -> None:
    first = user(1, email=("a@xn--bcher-kva.test", "b@example.test"), user_principal_name=("a@corp.test",))
    database.write_blocking(lambda c: users.insert(c, [first, user(2)]))
    migration = importlib.import_module("gateway.store.migrations.versions.v0015_user_names")

    def as_before(connection: Connection) -> None:
        connection.execute(delete(user_names))
        connection.execute(update(users_table).values(email_key="a@xn--bcher-kva.test").where(users_table.c.id == first.id))
        migration._fill(connection)

    database.write_blocking(as_before)
    assert by_email(database, "b@example.test") == by_email(database, "a@bücher.test") == [first.id]
    assert database.read_blocking(lambda c: users.ids_by_principal(c, "a@corp.test")) == [first.id]


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


def test_a_set_of_many_thousand_ids_is_one_parameter(database: Database) -> None:
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
