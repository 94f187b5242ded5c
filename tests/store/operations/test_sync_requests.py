"""Sync requests are taken once and answered with their run."""

from datetime import UTC, datetime, timedelta

from gateway.store.engine.database import Database
from gateway.store.operations import sync_requests

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def test_a_request_is_taken_once_and_answered_with_its_run(database: Database) -> None:
    number = database.write_blocking(lambda c: sync_requests.place(c, "hr", full=True, allow_deletions=False, now=NOW))
    assert database.write_blocking(lambda c: sync_requests.take(c, "other", "node")) is None
    taken = database.write_blocking(lambda c: sync_requests.take(c, "hr", "node"))
    assert taken is not None
    assert (taken.id, taken.full, taken.allow_deletions, taken.requested_at) == (number, True, False, NOW)
    assert database.write_blocking(lambda c: sync_requests.take(c, "hr", "node")) is None
    assert not database.write_blocking(lambda c: sync_requests.withdraw(c, number))
    database.write_blocking(lambda c: sync_requests.answer(c, number, 7))
    answered = database.read_blocking(lambda c: sync_requests.get(c, number))
    assert answered is not None
    assert (answered.taken_by, answered.run_id) == ("node", 7)


def test_a_request_that_nobody_took_can_be_withdrawn(database: Database) -> None:
    number = database.write_blocking(lambda c: sync_requests.place(c, "hr", full=False, allow_deletions=True, now=NOW))
    assert database.write_blocking(lambda c: sync_requests.withdraw(c, number))
    assert database.read_blocking(lambda c: sync_requests.get(c, number)) is None
