"""Group commit: writes that wait are committed together, each with an outcome of its own."""

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, DeferredList

from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.dialects import STORE_ERRORS
from gateway.store.engine.group_commit import MAX_GROUP, GroupCommit
from gateway.store.engine.migrate import migrate
from gateway.store.engine.transaction_notes import savepoint
from gateway.store.tables.change_log import positions
from gateway.twisted_internals.reactor import installed

Work = Callable[[Connection], str]


class Groups:
    """A store whose writer is held until the test lets it go, with the sizes of the transactions."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, reactor=installed())
        migrate(self.database)
        self.sizes: list[int] = []
        self.commits: GroupCommit[Work, str] = GroupCommit(self.database, self._carry_out)
        self._held = Event()

    def _carry_out(self, connection: Connection, group: Sequence[Work]) -> list[str | Exception]:
        self.sizes.append(len(group))
        return [self._one(connection, work) for work in group]

    def _one(self, connection: Connection, work: Work) -> str | Exception:
        try:
            with savepoint(connection):
                return work(connection)
        except STORE_ERRORS:
            raise
        except Exception as error:
            return error

    def hold(self) -> "Deferred[str]":
        """Begin a write that lasts until `go`."""
        self._held.clear()

        def held(_connection: Connection) -> str:
            self._held.wait(30)
            return "held"

        return self.commits.write(held)

    def go(self) -> None:
        self._held.set()

    def names(self) -> list[str]:
        return self.database.read_blocking(lambda c: list(c.execute(sa.select(positions.c.name)).scalars()))


@pytest.fixture
def groups(store_url: str) -> Iterator[Groups]:
    made = Groups(store_url)
    yield made
    made.go()
    made.database.close()


def put(name: str) -> Work:
    def work(connection: Connection) -> str:
        connection.execute(sa.insert(positions), {"name": name, "number": 1, "updated_at": 1})
        return name

    return work


def refused(name: str) -> Work:
    def work(connection: Connection) -> str:
        put(name)(connection)
        raise LookupError(name)

    return work


async def outcomes(waiting: "list[Deferred[str]]") -> list[str]:
    found: list[tuple[bool, Any]] = await DeferredList(waiting, consumeErrors=True)
    return [value if good else type(value.value).__name__ for good, value in found]


@ensureDeferred
async def test_what_waits_is_one_transaction_and_a_failure_takes_nothing_of_the_others_along(groups: Groups) -> None:
    waiting = [groups.hold(), *map(groups.commits.write, [put("a"), refused("b"), put("c")])]
    groups.go()
    assert await outcomes(waiting) == ["held", "a", "LookupError", "c"]
    assert groups.sizes == [1, 3]
    assert sorted(groups.names()) == ["a", "c"]


@ensureDeferred
async def test_nothing_is_answered_before_the_commit(groups: Groups) -> None:
    seen: list[list[str]] = []
    waiting = [groups.hold(), *map(groups.commits.write, [put("a"), put("b")])]

    def look(name: str) -> str:
        seen.append(sorted(groups.names()))
        return name

    waiting[1].addCallback(look)
    groups.go()
    await outcomes(waiting)
    assert seen == [["a", "b"]]


@ensureDeferred
async def test_when_the_store_gives_a_group_up_each_is_tried_alone(groups: Groups) -> None:
    twice = [put("a"), put("same"), put("same"), put("b")]
    waiting = [groups.hold(), *map(groups.commits.write, twice)]
    groups.go()
    assert await outcomes(waiting) == ["held", "a", "same", "IntegrityError", "b"]
    assert groups.sizes == [1, 4, 1, 1, 1, 1]
    assert sorted(groups.names()) == ["a", "b", "same"]


@ensureDeferred
async def test_a_commit_that_fails_fails_them_all_and_is_not_tried_again(
    groups: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(connection: Connection) -> None:
        del connection
        raise StoreUnavailable("the disk is full")

    waiting = [groups.hold(), *map(groups.commits.write, [put("a"), put("b")])]
    with monkeypatch.context() as patch:
        patch.setattr("gateway.store.engine.database.notify", lost)  # the last step before the commit
        groups.go()
        assert await outcomes(waiting) == ["StoreUnavailable"] * 3
    assert groups.sizes == [1, 2]
    assert groups.names() == []
    assert await groups.commits.write(put("later")) == "later"


@ensureDeferred
async def test_a_group_has_at_most_so_many_writes_and_keeps_their_order(groups: Groups) -> None:
    ended: list[str] = []
    waiting = [groups.hold(), *(groups.commits.write(put(f"{number:03}")) for number in range(MAX_GROUP + 1))]

    def note(name: str) -> str:
        ended.append(name)
        return name

    for one in waiting:
        one.addCallback(note)
    groups.go()
    await outcomes(waiting)
    assert groups.sizes == [1, MAX_GROUP, 1]
    assert ended == ["held", *(f"{number:03}" for number in range(MAX_GROUP + 1))]
