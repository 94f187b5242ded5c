"""A store for each test, and its writer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.engine.database import Database
from tests.directory.application_scope.stored_directory import StoredDirectory, empty_store, open_store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of an empty store: migrating costs more than most tests."""
    return empty_store(tmp_path_factory.mktemp("store") / "empty.db")


@pytest.fixture
def database(tmp_path: Path, migrated: bytes) -> Iterator[Database]:
    """An empty store."""
    opened = open_store(tmp_path / "gateway.db", migrated)
    yield opened
    opened.close()


@pytest.fixture
def directory(database: Database) -> StoredDirectory:
    """The store's writer."""
    return StoredDirectory(database)
