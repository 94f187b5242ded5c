"""A store that does not answer: whoever asks is told in time, threads come free again, and nothing is guessed."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest
import sqlalchemy as sa
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, DeferredList

from gateway.model.errors import OutcomeUnknown, StoreUnavailable
from gateway.store.engine import store_threads
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.engine.postgres import silence
from gateway.store.tables.change_log import positions
from gateway.twisted_internals.reactor import installed
from tests.servers.postgres import Postgres
from tests.store.engine.test_database import names, put

SECONDS = 0.3


@pytest.fixture
def paused(postgres: Postgres) -> Iterator[Callable[[], None]]:
    """Pauses the server; it goes on at the end of the test."""
    yield postgres.suspend
    postgres.resume()


@pytest.fixture
def nodes_database(postgres_database: str) -> Iterator[Database]:
    opened = Database(postgres_database, reactor=installed())
    migrate(opened)
    yield opened
    opened.close()


@ensureDeferred
async def test_every_question_to_a_silent_server_is_answered_in_time_and_it_is_asked_again_when_it_goes_on(
    nodes_database: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_threads, "GRACE_SECONDS", SECONDS)
    await nodes_database.read(names)
    postgres.suspend()
    try:
        asked: list[Deferred[object]] = [
            Deferred.fromCoroutine(_outcome(nodes_database.read(names, SECONDS))) for _ in range(20)
        ]
        asked += [Deferred.fromCoroutine(_outcome(nodes_database.write(put("x"), SECONDS))) for _ in range(5)]
        began = monotonic()
        outcomes = [outcome for _, outcome in await DeferredList(asked)]
        took = monotonic() - began
    finally:
        postgres.resume()
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}, "none of the writes had come to its commit"
    assert all("not answer" in str(outcome) for outcome in outcomes)
    assert took < silence.CONNECT_SECONDS, "and none waited for another's turn"
    assert await nodes_database.read(names) == []
    await nodes_database.write(put("y"))
    assert await nodes_database.read(names) == ["y"]


async def _outcome(asked: "Deferred[object]") -> object:
    try:
        return await asked
    except StoreUnavailable as error:
        return error


@ensureDeferred
async def test_a_commit_that_is_not_answered_in_time_is_reported_as_unknown(
    nodes_database: Database, paused: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_threads, "GRACE_SECONDS", 0.0)  # the reactor's clock comes before the thread's

    def to_its_commit(connection: Connection) -> None:
        put("done or not")(connection)
        paused()

    with pytest.raises(OutcomeUnknown, match="whether the work was done is not known"):
        await nodes_database.write(to_its_commit, SECONDS)


def test_a_commit_that_is_not_answered_is_reported_as_unknown_and_what_came_before_it_as_not_done(
    nodes_database: Database, paused: Callable[[], None], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", SECONDS)

    def to_its_commit(connection: Connection) -> None:
        put("done or not")(connection)
        paused()

    with pytest.raises(OutcomeUnknown, match="whether the work was done is not known"):
        nodes_database.write_blocking(to_its_commit)
    postgres.resume()

    def in_the_middle(connection: Connection) -> None:
        put("not done")(connection)
        paused()
        put("never sent")(connection)

    with pytest.raises(StoreUnavailable, match="no answer after") as refused:
        nodes_database.write_blocking(in_the_middle)
    assert not isinstance(refused.value, OutcomeUnknown)
    postgres.resume()
    assert set(nodes_database.read_blocking(names)) <= {"done or not"}


def test_a_long_answer_and_a_long_transaction_are_no_silence(nodes_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", SECONDS)

    def long_one(connection: Connection) -> int:
        began = monotonic()
        count = 0
        while monotonic() - began < 2 * SECONDS:
            count += len(connection.execute(sa.text("SELECT repeat('x', 1000) FROM generate_series(1, 5000)")).all())
        return count

    assert nodes_database.read_blocking(long_one) >= 5000


@ensureDeferred
async def test_work_that_could_not_begin_in_time_is_never_done(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_threads, "GRACE_SECONDS", 0.0)
    database = Database(store_url, reactor=installed())
    migrate(database)
    going_on = threading.Event()

    def wait(connection: Connection) -> None:
        going_on.wait(30)

    others = [database.write(wait), database.write(wait)]
    with pytest.raises(StoreUnavailable, match="did not answer within") as refused:
        await database.write(put("late"), SECONDS)
    assert not isinstance(refused.value, OutcomeUnknown)
    going_on.set()
    await DeferredList(others)
    await database.write(put("next"))
    assert await database.read(lambda c: list(c.execute(sa.select(positions.c.name)).scalars())) == ["next"]
    database.close()


@ensureDeferred
async def test_a_write_that_does_not_come_to_its_commit_in_time_is_not_done(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_threads, "GRACE_SECONDS", 0.0)
    database = Database(store_url, reactor=installed())
    migrate(database)
    going_on = threading.Event()

    def wait(connection: Connection) -> None:
        put("late")(connection)
        going_on.wait(30)

    with pytest.raises(StoreUnavailable, match="did not answer within") as refused:
        await database.write(wait, SECONDS)
    assert not isinstance(refused.value, OutcomeUnknown)
    going_on.set()
    await database.write(put("next"))
    assert await database.read(names) == ["next"]
    database.close()
