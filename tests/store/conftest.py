"""Every test of the store runs twice: on SQLite and on a real PostgreSQL, each empty and migrated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.applications import Application
from gateway.store.clients import applications
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from gateway.store.objects import users
from tests.store.samples import ANN, BOB, NOW


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_database"))
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """An open, migrated store."""
    opened = Database(store_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def people(database: Database) -> Database:
    database.write_blocking(lambda c: users.insert(c, [ANN, BOB]))
    return database


@pytest.fixture
def portal(people: Database) -> Application:
    made, _ = people.write_blocking(lambda c: applications.add(c, "portal", now=NOW))
    return made
