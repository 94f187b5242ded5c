"""Inline reads of the store, in the reactor's thread; tests/directory/authentication/test_account_status.py compares login
states with what is read."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pytest_twisted import ensureDeferred

from gateway.model.applications import Application, Scope
from gateway.model.errors import StoreUnavailable
from gateway.model.objects import Origin, User
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.sql_types import SelectConnection
from gateway.store.engine.sqlite.inline_reads import UNKNOWN_USER, InlineReader, InlineReadUnavailable, LoginState
from gateway.store.objects import passwords, users

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANN = User("11111111-0000-4000-8000-000000000001", "ann", Origin("ldap", "hr", "ann"), NOW, NOW)


class Portal:
    """An application with every kind of right, and a password of Ann's for it."""

    def __init__(self, connection: Connection) -> None:
        users.insert(connection, [ANN])
        scope = Scope(("one",), ("staff",))
        rights: dict[str, Any] = {"scope": scope, "views": ["v"], "attributes": ["cn"], "grants": ["write"]}
        self.application, self.secret = applications.add(connection, "Portal", now=NOW, certificate_names=["cn=p"], **rights)
        self.password, secret = application_passwords.add(connection, ANN.id, self.application.id, "laptop", now=NOW)
        self.password_secret = secret.encode()


@pytest.fixture
def portal(database: Database) -> Portal:
    return database.write_blocking(Portal)


def test_only_an_embedded_store_is_read_inline(database: Database) -> None:
    assert database.login_state_inline("nobody") == (UNKNOWN_USER if database.embedded else None)


def test_a_missing_store_is_neither_read_nor_created(tmp_path: Path) -> None:
    reader = InlineReader(str(tmp_path / "store.sqlite"))
    assert reader.login_state("anybody") is None
    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_is_not_read_any_more(database: Database) -> None:
    database.login_state_inline("nobody")
    database.close()
    assert database.login_state_inline("nobody") is None


def test_a_store_of_another_schema_is_not_read_until_it_has_ours(database: Database) -> None:
    if database.embedded:
        database.write_blocking(lambda c: c.execute(sa.text("ALTER TABLE users RENAME TO people")))
        assert database.login_state_inline("nobody") is None
        database.write_blocking(lambda c: c.execute(sa.text("ALTER TABLE people RENAME TO users")))
        assert database.login_state_inline("nobody") == UNKNOWN_USER


def test_a_login_state_prints_no_hash() -> None:
    assert "argon2" not in repr(LoginState(True, True, "$argon2id$v=19$", ()))


@ensureDeferred
async def test_an_inline_read_finds_the_same_as_a_read(database: Database, portal: Portal) -> None:
    works: list[Callable[[SelectConnection], object]] = [
        lambda c: applications.verify(c, "portal", portal.secret, NOW),
        lambda c: applications.verify(c, portal.application.id, portal.secret, NOW),
        lambda c: applications.verify(c, "portal", "wrong", NOW),
        lambda c: applications.verify(c, "nobody", portal.secret, NOW),
        lambda c: application_passwords.verify(c, ANN.id, portal.password_secret),
        lambda c: application_passwords.verify(c, "nobody", portal.password_secret),
        lambda c: application_passwords.of_user(c, ANN.id),
        lambda c: passwords.verifier(c, ANN.id, "hr"),
        passwords.any_local,
    ]
    looked = [await database.read_inline(work) for work in works]
    assert looked == [await database.read(work) for work in works]
    found, by_id, wrong, nobody, password, *_ = looked
    assert found == by_id == portal.application and wrong is nobody is None
    assert isinstance(found, Application) and found.enabled is True
    assert password == portal.password


@ensureDeferred
async def test_a_revoked_secret_is_refused_by_the_next_inline_read(database: Database, portal: Portal) -> None:
    async def counts() -> tuple[bool, bool]:
        application = await database.read_inline(lambda c: applications.verify(c, "portal", portal.secret, NOW))
        password = await database.read_inline(lambda c: application_passwords.verify(c, ANN.id, portal.password_secret))
        return application is not None, password is not None

    def write(work: Callable[[Connection], object]) -> None:
        other = Database(f"sqlite:///{database.name}") if database.embedded else database
        other.write_blocking(work)
        if other is not database:
            other.close()

    identifier = portal.application.id
    assert await counts() == (True, True)
    write(lambda c: applications.set_enabled(c, identifier, False))
    assert await counts() == (False, False)
    write(lambda c: applications.set_enabled(c, identifier, True))
    write(lambda c: applications.replace_secret(c, identifier))
    assert await counts() == (False, True)
    write(lambda c: users.update(c, [replace(ANN, enabled=False)], ()))
    assert await counts() == (False, False)
    write(lambda c: users.update(c, [ANN], ()))
    write(lambda c: application_passwords.remove(c, ANN.id, portal.password.id))
    assert await counts() == (False, False)


@ensureDeferred
async def test_an_embedded_store_is_read_without_a_thread(database: Database) -> None:
    seen = await database.read_inline(lambda c: (passwords.any_local(c), threading.current_thread()))
    assert (seen[1] is threading.main_thread()) is database.embedded


@ensureDeferred
async def test_a_read_reports_the_error_where_an_inline_read_is_unavailable(database: Database) -> None:
    await database.read_inline(passwords.any_local)
    database.close()
    with pytest.raises(StoreUnavailable):
        await database.read_inline(passwords.any_local)


def test_errors_of_the_work_itself_pass_unchanged(tmp_path: Path, database: Database) -> None:
    def work(connection: SelectConnection) -> bool:
        if passwords.any_local(connection):
            return True
        raise LookupError("nobody")

    if database.embedded:
        with pytest.raises(LookupError):
            InlineReader(database.name).read(work)
    with pytest.raises(InlineReadUnavailable):
        InlineReader(str(tmp_path / "elsewhere.sqlite")).read(work)
