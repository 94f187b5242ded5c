"""Leases: one holder of many, fencing numbers, and the database's clock; on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from gateway.store.engine.database import Database
from gateway.store.operations import leases
from gateway.store.tables.operations import leases as leases_table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEASE = "source:hr"


def acquire(database: Database, holder: str, now: datetime = NOW) -> int | None:
    return database.write_blocking(lambda c: leases.acquire(c, LEASE, holder, 30, now))


def expire(database: Database) -> None:
    """Let the time of the lease be over."""
    database.write_blocking(lambda c: c.execute(sa.update(leases_table).values(expires_at=0)))


def test_a_lease_has_one_holder_until_it_ends_and_a_number_that_grows_with_each(database: Database) -> None:
    assert acquire(database, "a") == 1
    assert acquire(database, "a") == 1
    assert acquire(database, "b") is None
    assert database.read_blocking(lambda c: leases.holder_of(c, LEASE, NOW)) == "a"
    expire(database)
    assert acquire(database, "b") == 2
    assert not database.write_blocking(lambda c: leases.renew(c, LEASE, 1, 30, NOW))
    database.write_blocking(lambda c: leases.release(c, LEASE, 1))
    assert acquire(database, "a") is None, "a holder that lost it cannot give it back"
    database.write_blocking(lambda c: leases.release(c, LEASE, 2))
    assert database.read_blocking(leases.all_holders) == []
    assert acquire(database, "a") == 3, "no number is given twice"


def test_a_lease_whose_time_is_over_is_current_until_another_holder_takes_it(database: Database) -> None:
    assert acquire(database, "a") == 1
    expire(database)
    assert database.read_blocking(lambda c: leases.is_current(c, LEASE, 1))
    assert acquire(database, "b") == 2
    assert not database.read_blocking(lambda c: leases.is_current(c, LEASE, 1))
    database.write_blocking(lambda c: leases.release(c, LEASE, 2))
    assert not database.read_blocking(lambda c: leases.is_current(c, LEASE, 2))


def test_on_postgresql_the_databases_clock_decides_and_never_a_nodes(database: Database) -> None:
    assert acquire(database, "a") == 1
    ahead = NOW + timedelta(days=400)
    assert acquire(database, "b", ahead) == (2 if database.embedded else None)
