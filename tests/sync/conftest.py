"""The door's tests run on SQLite; those that are about the database itself run on PostgreSQL too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from tests.sync.synced_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty directory."""
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)
    yield Store(database)
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def both_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty directory, on SQLite and on PostgreSQL."""
    url = f"sqlite:///{tmp_path}/gateway.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    database = Database(url)
    migrate(database)
    yield Store(database)
    database.close()
