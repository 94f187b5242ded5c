"""Passwords in the store: hashes only, gone with their user; application passwords, one person's for one application each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.model.applications import Application
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import Origin, User
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import passwords, users
from gateway.store.objects.passwords import Verifier
from gateway.store.tables.clients import application_passwords as application_passwords_table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANN = User("11111111-0000-4000-8000-000000000001", "ann", Origin("ldap", "hr", "ann"), NOW, NOW)
BOB = User("11111111-0000-4000-8000-000000000002", "bob", Origin("ldap", "hr", "bob"), NOW, NOW)


@pytest.fixture
def people(database: Database) -> Database:
    database.write_blocking(lambda c: users.insert(c, [ANN, BOB]))
    return database


@pytest.fixture
def portal(people: Database) -> Application:
    made, _ = people.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    return made


def test_a_local_password_is_set_replaced_and_cleared(people: Database) -> None:
    def work(c: Connection) -> list[object]:
        seen: list[object] = [passwords.local_hash(c, ANN.id), passwords.any_local(c)]
        passwords.set_local(c, ANN.id, "first", by="test", now=NOW)
        passwords.set_local(c, ANN.id, "second", by="test", now=NOW)
        seen += [passwords.local_hash(c, ANN.id), passwords.any_local(c), passwords.set_among(c, [ANN.id, BOB.id])]
        return [*seen, passwords.clear_local(c, ANN.id), passwords.clear_local(c, ANN.id), passwords.local_hash(c, ANN.id)]

    assert people.write_blocking(work) == [None, False, "second", True, frozenset({ANN.id}), True, False, None]


def test_nobody_who_does_not_exist_gets_a_local_password(people: Database) -> None:
    with pytest.raises(NotFound):
        people.write_blocking(lambda c: passwords.set_local(c, "nobody", "hash", by="test", now=NOW))


def test_a_verifier_is_kept_for_who_may_log_in_only_and_the_newest_counts(people: Database) -> None:
    def work(c: Connection) -> list[Verifier | None]:
        passwords.keep_verifier(c, ANN.id, "hr", "old", NOW)
        passwords.keep_verifier(c, ANN.id, "hr", "new", NOW + timedelta(seconds=1))
        users.update(c, [replace(BOB, enabled=False)], ())
        passwords.keep_verifier(c, BOB.id, "hr", "hash", NOW)
        passwords.keep_verifier(c, "nobody", "hr", "hash", NOW)
        return [passwords.verifier(c, ANN.id, "hr"), passwords.verifier(c, ANN.id, "crm"), passwords.verifier(c, BOB.id, "hr")]

    assert people.write_blocking(work) == [Verifier("new", NOW + timedelta(seconds=1)), None, None]


def test_what_is_kept_of_passwords_goes_with_the_user_and_with_the_application(people: Database, portal: Application) -> None:
    def fill(c: Connection) -> None:
        passwords.set_local(c, ANN.id, "hash", by="test", now=NOW)
        passwords.keep_verifier(c, ANN.id, "hr", "hash", NOW)
        for user in (ANN, BOB):
            application_passwords.add(c, user.id, portal.id, "phone", now=NOW)

    people.write_blocking(fill)
    people.write_blocking(lambda c: users.delete(c, [ANN.id]))
    assert people.read_blocking(lambda c: passwords.local_hash(c, ANN.id)) is None
    assert people.read_blocking(lambda c: passwords.verifier(c, ANN.id, "hr")) is None
    assert people.read_blocking(lambda c: application_passwords.of_user(c, ANN.id)) == []
    people.write_blocking(lambda c: applications.remove(c, portal.id))
    assert people.read_blocking(lambda c: application_passwords.of_user(c, BOB.id)) == []


def test_an_application_password_is_its_users_until_it_is_revoked(people: Database, portal: Application) -> None:
    made, password = people.write_blocking(lambda c: application_passwords.add(c, ANN.id, portal.id, "phone", now=NOW))
    octets = password.encode()
    assert application_passwords.has_form(octets)
    verify = application_passwords.verify
    assert people.read_blocking(lambda c: verify(c, ANN.id, octets)) == made
    assert people.read_blocking(lambda c: verify(c, BOB.id, octets)) is None
    assert people.read_blocking(lambda c: verify(c, ANN.id, octets[:-1] + b"!")) is None
    people.write_blocking(lambda c: application_passwords.remove(c, ANN.id, made.id))
    assert people.read_blocking(lambda c: verify(c, ANN.id, octets)) is None
    with pytest.raises(NotFound):
        people.write_blocking(lambda c: application_passwords.remove(c, ANN.id, made.id))


def test_an_application_password_rests_while_its_user_or_application_is_disabled(people: Database, portal: Application) -> None:
    _, password = people.write_blocking(lambda c: application_passwords.add(c, ANN.id, portal.id, "phone", now=NOW))

    def counts() -> bool:
        return people.read_blocking(lambda c: application_passwords.verify(c, ANN.id, password.encode())) is not None

    assert counts()
    people.write_blocking(lambda c: applications.set_enabled(c, portal.id, False))
    assert not counts()
    people.write_blocking(lambda c: applications.set_enabled(c, portal.id, True))
    people.write_blocking(lambda c: users.update(c, [replace(ANN, enabled=False)], ()))
    assert not counts()


def test_an_application_password_is_stored_nowhere(people: Database, portal: Application) -> None:
    _, password = people.write_blocking(lambda c: application_passwords.add(c, ANN.id, portal.id, "phone", now=NOW))
    rows = people.read_blocking(lambda c: c.execute(sa.select(application_passwords_table)).all())
    assert password not in repr(rows) and password.split("_", 2)[2] not in repr(rows)


def test_names_of_application_passwords_are_names_and_not_taken_twice(
    people: Database, portal: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(name: str, user: User = ANN) -> None:
        people.write_blocking(lambda c: application_passwords.add(c, user.id, portal.id, name, now=NOW))

    add("phone")
    add("phone", BOB)
    for name in ("", "  ", "x" * 65, "a\nb"):
        with pytest.raises(InvalidInput):
            add(name)
    with pytest.raises(Conflict, match="'PHONE' for this application"):
        add("PHONE")
    monkeypatch.setattr(application_passwords, "MAX_PER_USER", 2)
    add("tablet")
    with pytest.raises(Conflict, match="has 2 application passwords"):
        add("watch")


@pytest.mark.parametrize(
    "password", [b"", b"gwap_", b"gwap_abcdefgh_short", b"gwap_abcdefg1_" + b"x" * 32, b"xgwap_abcdefgh_" + b"x" * 32]
)
def test_what_only_resembles_an_application_password_is_none(password: bytes) -> None:
    assert not application_passwords.has_form(password)
    assert not application_passwords.has_form(b"gwap_abcdefgh_" + b"x" * 32 + b"\n")
