"""A migrated store and a clock for each test of the runners."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from tests.sync.scripted import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database(f"sqlite:///{tmp_path}/store.sqlite")
    migrate(database)
    yield World(database)
    database.close()
