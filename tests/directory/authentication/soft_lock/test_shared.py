"""The soft lock of several nodes: all of them together let through what one may, and no failure is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock, deferLater

from gateway.directory.authentication.bind_names import is_application_key, is_user_key, lock_keys
from gateway.directory.authentication.soft_lock.shared import SharedSoftLock
from gateway.directory.authentication.soft_lock.shown import ShownSoftLock
from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from gateway.store.operations import soft_locks
from tests.sync.scripted import until

KEY = "user:anna"
MOST, WINDOW = 5, 60.0


class Nodes:
    """Nodes with one store, each with its own connections and memory."""

    def __init__(self, url: str, number: int) -> None:
        self.databases = [Database(url) for _ in range(number)]
        migrate(self.databases[0])
        self.locks = [SharedSoftLock(database, Clock().seconds, MOST, WINDOW) for database in self.databases]
        self.asked = 0

    async def bind(self, node: int, right: bool | None, key: str = KEY) -> bool:
        """A bind whose source takes a moment; `right` None: it has no answer. Returns whether it was let through."""
        lock = self.locks[node]
        if not await lock.enter(key):
            return False
        self.asked += 1
        try:
            await deferLater(reactor, 0.005)
            if right is not None:
                (lock.succeeded if right else lock.failed)(key)
        finally:
            lock.leave(key)
        return True

    def failures(self, key: str = KEY) -> int:
        found = self.databases[0].read_blocking(lambda c: soft_locks.among(c, [key]))
        return found[key].failures if key in found else 0

    def is_quiet(self) -> bool:
        return not any(lock._turns for lock in self.locks)

    def close(self) -> None:
        for database in self.databases:
            database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nodes]:
    is_sqlite = request.param == "sqlite"
    made = Nodes(f"sqlite:///{tmp_path}/gateway.db" if is_sqlite else request.getfixturevalue("postgres_database"), 3)
    yield made
    made.close()


@ensureDeferred
async def test_law_13_all_nodes_together_let_through_as_many_guesses_as_one_may_and_one_for_each_other_node(
    nodes: Nodes,
) -> None:
    guesses = [Deferred.fromCoroutine(nodes.bind(node, False)) for _ in range(8) for node in range(3)]
    let_through = await gatherResults(guesses)
    await until(nodes.is_quiet)
    assert nodes.asked == sum(let_through) == nodes.failures()
    assert MOST <= nodes.asked <= MOST + 2, "those that two slow nodes had begun before the first was counted"
    assert not await nodes.bind(0, True), "nor does a right one go through before its time"
    assert await nodes.bind(1, True, "user:ben")


@ensureDeferred
async def test_right_passwords_write_nothing_and_forget_the_failures_of_all_nodes(nodes: Nodes) -> None:
    assert all(await gatherResults([Deferred.fromCoroutine(nodes.bind(0, True)) for _ in range(6)]))
    assert nodes.failures() == 0
    for node in range(3):
        await nodes.bind(node, False)
        await until(nodes.is_quiet)
    assert nodes.failures() == 3
    assert await nodes.bind(2, True)
    await until(nodes.is_quiet)
    assert nodes.failures() == 0


@ensureDeferred
async def test_a_bind_that_had_no_answer_counts_for_nothing(nodes: Nodes) -> None:
    for _ in range(2):
        await nodes.bind(0, None)
    assert nodes.failures() == 0
    await nodes.bind(0, False)
    for _ in range(6):
        await nodes.bind(1, None)
        await until(nodes.is_quiet)
    assert nodes.failures() == 1


@ensureDeferred
async def test_a_window_ends_by_the_stores_clock_and_a_person_ends_a_lock(nodes: Nodes) -> None:
    for _ in range(MOST):
        await nodes.bind(0, False)
    await until(nodes.is_quiet)
    assert not await nodes.bind(1, True)
    nodes.databases[0].write_blocking(lambda c: soft_locks.forget(c, [KEY]))
    assert await nodes.bind(1, True)
    nodes.databases[0].write_blocking(lambda c: soft_locks.count(c, KEY, -1.0, number=MOST))
    assert await nodes.bind(2, False), "what has ended is as if it were not there"
    await until(nodes.is_quiet)
    assert nodes.failures() == 1


@ensureDeferred
async def test_one_that_waits_for_its_turn_and_goes_stops_nobody(nodes: Nodes) -> None:
    lock = nodes.locks[0]
    assert await lock.enter(KEY)
    waiting = [Deferred.fromCoroutine(lock.enter(KEY)) for _ in range(2)]
    waiting[0].cancel()
    with pytest.raises(CancelledError):
        await waiting[0]
    lock.leave(KEY)
    assert await waiting[1]
    lock.leave(KEY)
    assert nodes.is_quiet()


@ensureDeferred
async def test_law_8_a_store_that_is_away_is_no_lock(nodes: Nodes) -> None:
    nodes.databases[0].close()
    with pytest.raises(StoreUnavailable):
        await nodes.locks[0].enter(KEY)
    assert nodes.is_quiet()


@ensureDeferred
async def test_names_of_applications_are_counted_without_the_store(nodes: Nodes) -> None:
    key = "application:cn=mail"
    entered = await gatherResults([Deferred.fromCoroutine(nodes.locks[0].enter(key)) for _ in range(MOST)])
    assert all(entered), "they do not wait for each other"
    for _ in range(MOST):
        nodes.locks[0].failed(key)
        nodes.locks[0].leave(key)
    assert not await nodes.locks[0].enter(key)
    assert nodes.failures(key) == 0


def test_keys_say_whose_they_are() -> None:
    assert all(is_user_key(key) for key in lock_keys("1"))
    assert not is_user_key("application:cn=mail") and is_application_key("application:cn=mail")


@ensureDeferred
async def test_one_node_alone_shows_the_locks_of_users_and_lifts_those_that_are_taken_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)
    clock = Clock()
    lock = ShownSoftLock(database, clock.seconds, 2, WINDOW)
    database.write_blocking(lambda c: soft_locks.keep(c, "user:left by an earlier process", 2, WINDOW))

    def shown() -> set[str]:
        keys = [KEY, "login:made up", "user:left by an earlier process"]
        return set(database.read_blocking(lambda c: soft_locks.among(c, keys)))

    async def fail(key: str) -> None:
        if await lock.enter(key):
            lock.failed(key)
            lock.leave(key)

    for key in (KEY, "login:made up") * 2:
        await fail(key)
    await until(lambda: shown() == {KEY})
    assert not await lock.enter(KEY) and not await lock.enter("login:made up")
    database.write_blocking(lambda c: soft_locks.forget(c, [KEY]))
    assert await lock.enter(KEY)
    lock.leave(KEY)
    for _ in range(2):
        await fail(KEY)
    await until(lambda: shown() == {KEY})
    clock.advance(WINDOW)
    assert await lock.enter(KEY)
    lock.leave(KEY)
    await until(lambda: shown() == set())
    database.close()
