"""A store that takes no writes although every read passes."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.model.errors import StoreUnavailable
from gateway.store.engine import dialects
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.operations import write_probe
from gateway.store.operations.instance import instance_id


def test_a_store_that_takes_writes_has_no_failure(database: Database) -> None:
    assert [write_probe.failure(database) for _ in range(2)] == ["", ""]


def test_a_disk_that_is_almost_full_is_a_failure_until_there_is_room(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)

    def leave(pages: int, connection: Connection) -> None:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}")

    database.write_blocking(lambda connection: leave(2, connection))
    assert "the disk is full: make room" in write_probe.failure(database)
    assert database.read_blocking(instance_id)
    database.write_blocking(lambda connection: leave(1000, connection))
    assert write_probe.failure(database) == ""
    database.close()


def test_a_store_that_others_write_to_has_no_failure(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialects, "BUSY_MILLISECONDS", 50)
    monkeypatch.setitem(dialects.SESSION, "lock_timeout", "50ms")
    write_probe.failure(database)
    other = Database(f"sqlite:///{database.name}" if database.embedded else str(database.listening_url))

    def beside(connection: Connection) -> None:
        connection.execute(sa.text("UPDATE meta SET value = value"))
        assert write_probe.failure(other) == ""
        with pytest.raises(StoreUnavailable, match="locked"):
            other.write_blocking(write_probe.probe)

    database.write_blocking(beside)
    other.close()
