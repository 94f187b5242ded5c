"""Retention of the change log: what is deleted, what stays, and who is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.store.engine.database import Database
from gateway.store.log import changes, positions, retention
from tests.store.log.test_changes import NOW, change


@pytest.fixture
def days(database: Database) -> Database:
    """A log with a change on each of the days 1 to 9, numbered 2 to 10, behind the first of all."""
    one_each = [replace(change(f"u{day}"), time=at(day)) for day in range(1, 10)]
    database.write_blocking(lambda c: changes.append(c, one_each))
    return database


def at(day: float) -> datetime:
    return NOW + timedelta(days=day)


def pruned(database: Database, before: datetime, limit: int = 1000) -> int:
    return database.write_blocking(lambda c: retention.prune(c, before, limit))


def numbers(database: Database) -> list[int]:
    return [one.number for one in database.read_blocking(lambda c: changes.after(c, 0, 100))]


def test_what_is_older_goes_but_for_the_change_that_was_the_end_until_then(days: Database) -> None:
    assert pruned(days, at(4)) == 3
    assert numbers(days) == [4, 5, 6, 7, 8, 9, 10]
    assert (days.read_blocking(retention.first), pruned(days, at(4))) == (4, 0)


def test_a_transaction_deletes_no_more_than_its_share(days: Database) -> None:
    assert [pruned(days, at(7), 2) for _ in range(4)] == [2, 2, 2, 0]
    assert numbers(days)[0] == 7


def test_a_clock_that_is_ahead_leaves_the_end_of_the_log(days: Database) -> None:
    pruned(days, at(4000))
    assert numbers(days) == [9, 10]
    days.write_blocking(lambda c: changes.append(c, [replace(change("next"), time=at(1))]))
    assert numbers(days) == [9, 10, 11]


def test_what_a_named_reader_has_not_handled_stays(days: Database) -> None:
    days.write_blocking(lambda c: positions.set_position(c, "slow", 3, NOW))
    pruned(days, at(9))
    assert numbers(days)[0] == 3
    days.write_blocking(lambda c: positions.forget(c, "slow"))
    pruned(days, at(9))
    assert numbers(days)[0] == 9
