"""Users as they are stored, found and listed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.model.errors import Conflict
from gateway.model.objects import Attributes, Origin
from gateway.store.engine.database import Database
from gateway.store.objects import organizations, users
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


@pytest.mark.parametrize(
    ("look_up", "asked"),
    [
        (users.id_by_username, "uSER1"),
        (users.id_by_email, "ANNA@Example.test"),
    ],
)
def test_a_user_is_found_by_name_and_mail_however_they_are_written(
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
