"""Application passwords: one user's for one application each, hashes only, ended with user and application."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.model.applications import Application
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import User
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Database
from gateway.store.objects import users
from gateway.store.tables.clients import application_passwords as application_passwords_table
from tests.store.samples import ANN, BOB, NOW


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


def test_a_clear_application_password_is_not_stored(people: Database, portal: Application) -> None:
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
def test_a_password_that_only_resembles_an_application_password_is_none(password: bytes) -> None:
    assert not application_passwords.has_form(password)
    assert not application_passwords.has_form(b"gwap_abcdefgh_" + b"x" * 32 + b"\n")
