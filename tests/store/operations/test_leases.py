"""A lease has one holder until it expires."""

from datetime import UTC, datetime, timedelta

from gateway.store.engine.database import Database
from gateway.store.operations import leases

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_a_lease_has_one_holder_until_it_ends(database: Database) -> None:
    def acquire(holder: str, now: datetime = NOW) -> bool:
        return database.write_blocking(lambda c: leases.acquire(c, "source:hr", holder, 30, now))

    assert acquire("a")
    assert acquire("a")
    assert not acquire("b")
    assert database.read_blocking(lambda c: leases.holder_of(c, "source:hr", NOW)) == "a"
    assert acquire("b", LATER)
    assert not database.write_blocking(lambda c: leases.renew(c, "source:hr", "a", 30, LATER))
    database.write_blocking(lambda c: leases.release(c, "source:hr", "a"))
    assert not acquire("a", LATER), "who lost it cannot give it back"
    database.write_blocking(lambda c: leases.release(c, "source:hr", "b"))
    assert acquire("a", LATER)
