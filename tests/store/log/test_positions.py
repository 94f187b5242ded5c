"""Positions of the change log's readers."""

from datetime import UTC, datetime, timedelta

from gateway.store.engine.database import Database
from gateway.store.log import positions

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_a_position_is_moved_and_forgotten(database: Database) -> None:
    assert database.read_blocking(lambda c: positions.get(c, "push")) is None
    for number in (3, 5):
        database.write_blocking(lambda c, n=number: positions.set_position(c, "push", n, NOW))  # type: ignore[misc]
    assert database.read_blocking(positions.all_positions) == {"push": 5}
    database.write_blocking(lambda c: positions.forget(c, "push"))
    assert database.read_blocking(lambda c: positions.get(c, "push")) is None
