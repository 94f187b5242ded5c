"""Passwords in the store: hashes only, deleted with their user."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.model.applications import Application
from gateway.model.errors import NotFound
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import passwords, users
from gateway.store.objects.passwords import Verifier
from tests.store.samples import ANN, BOB, NOW


def test_a_local_password_is_set_replaced_and_cleared(people: Database) -> None:
    def work(c: Connection) -> list[object]:
        seen: list[object] = [passwords.local_hash(c, ANN.id), passwords.any_local(c)]
        passwords.set_local(c, ANN.id, "first", by="test", now=NOW)
        passwords.set_local(c, ANN.id, "second", by="test", now=NOW)
        seen += [passwords.local_hash(c, ANN.id), passwords.any_local(c), passwords.set_among(c, [ANN.id, BOB.id])]
        return [*seen, passwords.clear_local(c, ANN.id), passwords.clear_local(c, ANN.id), passwords.local_hash(c, ANN.id)]

    assert people.write_blocking(work) == [None, False, "second", True, frozenset({ANN.id}), True, False, None]


def test_a_user_who_does_not_exist_gets_no_local_password(people: Database) -> None:
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


def test_passwords_are_deleted_with_the_user_and_with_the_application(people: Database, portal: Application) -> None:
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
