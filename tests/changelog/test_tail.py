"""The tail of the change log: waiting for changes, and waking on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, Deferred

from gateway.changelog.tail import Tail, TailClosed
from gateway.model.changes import Change, ChangeType
from gateway.model.errors import HistoryChanged, StoreUnavailable
from gateway.model.objects import Kind
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from gateway.store.log import changes
from gateway.twisted_internals.reactor import installed
from tests.changelog.stand_ins import NOW, Reactor, Store


def begin(waiting: Any) -> "Deferred[list[Change]]":
    return Deferred.fromCoroutine(waiting)


def outcome(deferred: "Deferred[Any]") -> list[Any]:
    """Return the deferred's result as a list; empty while it waits."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    return found


def test_existing_changes_are_returned_at_once_and_no_more_than_the_limit(store: Store, tail: Tail) -> None:
    store.append(5)
    (found,) = outcome(begin(tail.after(1, 3)))
    assert [change.number for change in found] == [2, 3, 4]


def test_a_reader_at_the_end_waits_until_something_is_committed(store: Store, tail: Tail) -> None:
    found = outcome(begin(tail.after(0, 10)))
    assert found == []
    store.append(2)
    assert [change.number for change in found[0]] == [1, 2]


def test_a_commit_wakes_every_reader_that_waits(store: Store, tail: Tail) -> None:
    waiting = [outcome(begin(tail.after(0, 10))) for _ in range(3)]
    store.append()
    assert [len(found) for found in waiting] == [1, 1, 1]


def test_a_commit_of_another_process_is_found_by_polling(store: Store, tail: Tail, clock: Reactor) -> None:
    found = outcome(begin(tail.after(0, 10)))
    store.append(announced=False)
    assert found == []
    clock.advance(1.0)
    assert len(found) == 1
    assert tail.last == 1


def test_many_waiting_readers_cost_one_poll_a_second(store: Store, tail: Tail, clock: Reactor) -> None:
    for _ in range(50):
        outcome(begin(tail.after(0, 10)))
    before = store.reads
    clock.pump([1.0] * 10)
    assert store.reads - before == 10


def test_a_reader_that_waits_with_a_limit_gets_nothing_after_it(store: Store, tail: Tail, clock: Reactor) -> None:
    found = outcome(begin(tail.after(0, 10, timeout_seconds=30)))
    clock.advance(29.9)
    assert found == []
    clock.advance(0.1)
    assert found == [[]]


def test_a_reader_that_got_something_leaves_no_timer_behind(store: Store, tail: Tail, clock: Reactor) -> None:
    found = outcome(begin(tail.after(0, 10, timeout_seconds=30)))
    store.append()
    assert len(found[0]) == 1
    assert len(clock.getDelayedCalls()) == 1, "the tail's own question"


def test_a_reader_that_gives_up_ends_alone(store: Store, tail: Tail) -> None:
    leaving, staying = begin(tail.after(0, 10)), begin(tail.after(0, 10))
    left, stayed = outcome(leaving), outcome(staying)
    leaving.cancel()
    assert left[0].check(CancelledError)
    store.append()
    assert len(stayed[0]) == 1


def test_a_store_that_is_away_does_not_end_the_following(store: Store, tail: Tail, clock: Reactor) -> None:
    found = outcome(begin(tail.after(0, 10)))
    store.broken = StoreUnavailable("down")
    clock.advance(1.0)
    store.append(announced=False)
    store.broken = None
    clock.advance(1.0)
    assert len(found[0]) == 1


def test_changes_that_cannot_be_read_are_an_error_and_not_an_empty_list(store: Store, tail: Tail) -> None:
    found = outcome(begin(tail.after(0, 10)))
    store.broken = StoreUnavailable("down")
    store.append()
    assert found[0].check(StoreUnavailable)


def test_closing_ends_waiting_and_later_readers(store: Store, tail: Tail, clock: Reactor) -> None:
    found = outcome(begin(tail.after(0, 10)))
    tail.close()
    tail.close()
    assert found[0].check(TailClosed)
    assert outcome(begin(tail.after(0, 10)))[0].check(TailClosed)
    assert store.callbacks == []
    assert clock.getDelayedCalls() == []


# ---- with a real store


def migrated(url: str) -> str:
    database = Database(url)
    migrate(database)
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    found = request.getfixturevalue("postgres_database") if request.param == "postgresql" else f"sqlite:///{tmp_path}/g.db"
    yield migrated(found)


def deletion(connection: Any) -> int:
    return changes.append(connection, [Change(0, NOW, Kind.USER, "u", ChangeType.DELETE, "hr", None)])


@ensureDeferred
async def test_a_commit_of_this_process_wakes_without_polling(url: str) -> None:
    database = Database(url, reactor=installed())
    tail = Tail(database, installed(), poll_seconds=3600)
    assert [change.number for change in await tail.after(0, 10)] == [1]
    waiting = begin(tail.after(1, 10))
    await database.write(deletion)
    assert [change.number for change in await waiting] == [2]
    tail.close()
    database.close()


@ensureDeferred
async def test_a_commit_of_another_node_wakes_over_postgresql(postgres_database: str) -> None:
    migrated(postgres_database)
    here, there = Database(postgres_database, reactor=installed()), Database(postgres_database, reactor=installed())
    tail = Tail(here, installed(), poll_seconds=3600)
    assert len(await tail.after(0, 10)) == 1
    waiting = begin(tail.after(1, 10))
    await there.write(deletion)
    assert [change.number for change in await waiting] == [2]
    tail.close()
    here.close()
    there.close()


def test_a_reader_behind_the_beginning_of_a_shortened_log_is_told_and_misses_nothing_silently(store: Store, tail: Tail) -> None:
    for _ in range(4):
        store.append()
    del store.log[:2]
    assert outcome(begin(tail.after(1, 10)))[0].check(HistoryChanged)
    assert [change.number for change in outcome(begin(tail.after(2, 10)))[0]] == [3, 4]
