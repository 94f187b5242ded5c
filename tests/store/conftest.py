"""Every test of the store runs twice: on SQLite and on a real PostgreSQL, each empty and migrated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate


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
