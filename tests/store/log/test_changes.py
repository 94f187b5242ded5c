"""Law 3: change numbers are in commit order and gapless, and a reader at n has seen all up to n."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Group, Kind, Member, Origin, User
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.engine.postgres.notify import Listener
from gateway.store.log import changes

NOW = datetime(2099, 11, 23, 12, 0, 0, 5000, UTC)  # after the change that the migration makes
ORIGIN = Origin("ldap", "hr", "x")


def change(object_id: str, source: str = "hr") -> Change:
    return Change(0, NOW, Kind.USER, object_id, ChangeType.DELETE, source, None, ("o1",))


def test_changes_come_back_as_they_were_appended(database: Database) -> None:
    group = Group("g", "Group", ORIGIN, NOW, NOW, {"description": ("d",)})
    user = User("u", "anna", ORIGIN, NOW, NOW, False, {"photo": (b"\xff",)}, ("o1", "o2"), NOW)
    members = (Member(Kind.USER, "u"), Member(Kind.GROUP, "g2"))
    appended = [
        Change(0, NOW, Kind.GROUP, "g", ChangeType.UPDATE, "hr", group, (), members, members[:1]),
        Change(0, NOW, Kind.USER, "u", ChangeType.CREATE, "hr", user, ("o3",)),
        change("u"),
    ]
    assert database.write_blocking(lambda c: changes.append(c, appended)) == 4
    found = database.read_blocking(lambda c: changes.after(c, 1, 10))
    assert [one.number for one in found] == [2, 3, 4]
    for stored, given in zip(found, appended, strict=True):
        assert (stored.object, stored.organizations_before) == (given.object, given.organizations_before)
        assert (stored.added_members, stored.removed_members) == (given.added_members, given.removed_members)
        assert (stored.time, stored.source_id, stored.type) == (NOW, "hr", given.type)
    assert [one.number for one in database.read_blocking(lambda c: changes.after(c, 2, 1))] == [3]


def test_a_transaction_that_fails_leaves_no_gap(database: Database) -> None:
    def fail(connection: Connection) -> None:
        changes.append(connection, [change("lost")])
        raise LookupError

    with pytest.raises(LookupError):
        database.write_blocking(fail)
    assert database.write_blocking(lambda c: changes.append(c, [change("kept")])) == 2


def test_times_in_the_log_never_go_backwards(database: Database) -> None:
    def at(seconds: int) -> Change:
        return replace(change("anna"), time=NOW + timedelta(seconds=seconds))

    database.write_blocking(lambda c: changes.append(c, [at(0), at(-5), at(3)]))
    database.write_blocking(lambda c: changes.append(c, [at(1), at(4)]))

    times = [one.time for one in database.read_blocking(lambda c: changes.after(c, 1, 10))]
    assert times == [NOW + timedelta(seconds=seconds) for seconds in (0, 0, 3, 3, 4)]


def test_callbacks_get_the_last_number_after_the_commit_and_no_call_without_changes(database: Database) -> None:
    heard: list[tuple[int, int]] = []
    database.on_commit(lambda number: heard.append((number, database.read_blocking(changes.last))))
    database.write_blocking(lambda c: changes.append(c, [change("a"), change("b")]))
    database.write_blocking(lambda c: changes.append(c, []))
    database.write_blocking(changes.lock)
    assert heard == [(3, 3)]


@pytest.fixture
def nodes(postgres_database: str) -> Iterator[list[Database]]:
    """Four nodes over one PostgreSQL."""
    opened = [Database(postgres_database) for _ in range(4)]
    migrate(opened[0])
    yield opened
    for database in opened:
        database.close()


def test_law_3_concurrent_writers_on_postgresql_leave_no_gap_and_no_reader_behind(nodes: list[Database]) -> None:
    """Writers that commit at odd moments; a reader that follows must never find a number below one that it has seen."""
    batches, size = 40, 3
    stop = threading.Event()
    missed: list[tuple[int, list[int]]] = []
    order: list[int] = []

    def write(database: Database, writer: int) -> None:
        def work(connection: Connection) -> int:
            last = changes.append(connection, [change(f"{writer}-{n}", f"source-{writer}") for n in range(size)])
            connection.exec_driver_sql(f"SELECT pg_sleep({(writer * 7 + last) % 5 / 1000})")  # commits drift apart
            return last

        for _ in range(batches):
            order.append(database.write_blocking(work))

    def read(database: Database) -> None:
        position = 1
        while not (stop.is_set() and position == database.read_blocking(changes.last)):
            found = [one.number for one in database.read_blocking(lambda c, p=position: changes.after(c, p, 50))]  # type: ignore[misc]
            if found and found != list(range(position + 1, position + 1 + len(found))):
                missed.append((position, found))
            position = found[-1] if found else position

    reader = threading.Thread(target=read, args=(nodes[0],))
    writers = [threading.Thread(target=write, args=(node, number)) for number, node in enumerate(nodes)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert missed == []
    assert nodes[0].read_blocking(changes.last) == 1 + len(nodes) * batches * size
    assert sorted(order) == [1 + size * n for n in range(1, len(nodes) * batches + 1)]


def test_law_3_a_reader_never_sees_a_number_before_the_ones_below_it(nodes: list[Database]) -> None:
    """The slow first writer holds the lock; the quick second one gets its number only after the commit of the first."""
    first, second, reader, _ = nodes
    entered, finish = threading.Event(), threading.Event()
    done = threading.Event()

    def slow(connection: Connection) -> None:
        changes.append(connection, [change("slow")])
        entered.set()
        finish.wait(10)

    def quick() -> None:
        second.write_blocking(lambda c: changes.append(c, [change("quick")]))
        done.set()

    threads = [threading.Thread(target=first.write_blocking, args=(slow,)), threading.Thread(target=quick)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    assert not done.wait(0.2), "the second got a number while the first was open"
    assert reader.read_blocking(changes.last) == 1
    finish.set()
    for thread in threads:
        thread.join()
    found = reader.read_blocking(lambda c: changes.after(c, 1, 10))
    assert [one.object_id for one in found] == ["slow", "quick"]


def test_a_node_is_notified_of_the_commits_of_another(nodes: list[Database]) -> None:
    heard: list[None] = []
    once, again = threading.Event(), threading.Event()

    def hear() -> None:
        heard.append(None)
        (again if once.is_set() else once).set()

    url = nodes[0].listening_url
    assert url is not None
    listener = Listener(url, hear)
    listener.start()
    assert once.wait(10), "it listens"
    nodes[1].write_blocking(lambda c: changes.append(c, [change("a")]))
    assert again.wait(10)
    listener.stop()
