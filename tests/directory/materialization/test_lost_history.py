"""Views of a store that went back in time: they are built anew, and give out nothing that the store does not have."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.directory.view_file import history
from gateway.directory.view_file.csn import Moment
from gateway.store.engine.database import Connection
from gateway.store.log import changes, epoch
from gateway.store.objects import users
from tests.directory.nodes import Node, events, name, until
from tests.directory.worlds import World, user


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world with one user, in a store of each kind."""
    url = str(request.getfixturevalue("postgres_database")) if request.param == "postgresql" else ""
    made = World(tmp_path, url=url)
    made.put(user(1, "anna"))
    yield made
    made.close()


def lose(world: World, *lost: int) -> None:
    """Take back the creations of these users, the last changes of the log, as a server has it that did not receive them."""

    def work(connection: Connection) -> None:
        last = changes.last(connection) - len(lost)
        users.delete(connection, [user(number, "").id for number in lost])
        connection.exec_driver_sql(f"DELETE FROM changes WHERE number > {last}")
        connection.exec_driver_sql(f"UPDATE log_head SET number = {last}")

    world.database.write_blocking(work)


def latest(node: Node) -> Moment:
    assert node.follower.reader is not None
    return history.latest(node.follower.reader.connection)


OTHERS = [
    pytest.param([], id="shorter"),
    pytest.param([(4, "dan")], id="shorter with another"),
    pytest.param([(4, "dan"), (5, "eve")], id="as long"),
    pytest.param([(4, "dan"), (5, "eve"), (6, "fay")], id="longer"),
]


@pytest.mark.parametrize("others", OTHERS)
@ensureDeferred
async def test_law_5_a_running_view_whose_store_fell_back_is_built_anew(world: World, others: list[tuple[int, str]]) -> None:
    world.put(user(2, "ben"), user(3, "cy"))
    with capture_logs() as logs:
        node = Node(world)
        await node.up_to_date()
        cookie = latest(node)
        lose(world, 2, 3)
        world.put(*(user(number, login) for number, login in others))
        right = {name("anna"), *(name(login) for _, login in others)}
        await until(lambda: node.follower.reader is not None and node.names() == right)
        await until(lambda: node.tail.last == node.follower.position == 2 + len(others))
    reader = node.follower.reader
    assert reader is not None
    assert not history.knows(reader.connection, cookie)
    assert events(logs)[-3:] == ["view belongs to another history", "building view", "view serves"]
    world.put(user(7, "gil"))
    await until(lambda: node.names() == right | {name("gil")})
    await node.stop()


@pytest.mark.parametrize("others", OTHERS)
@ensureDeferred
async def test_law_5_a_view_that_starts_on_another_history_is_built_anew(world: World, others: list[tuple[int, str]]) -> None:
    world.put(user(2, "ben"), user(3, "cy"))
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    lose(world, 2, 3)
    world.put(*(user(number, login) for number, login in others))
    node = Node(world)
    await node.up_to_date()
    assert node.names() == {name("anna"), *(name(login) for _, login in others)}
    await node.stop()


@ensureDeferred
async def test_a_view_behind_what_was_lost_is_kept(world: World) -> None:
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    world.put(user(2, "ben"))
    lose(world, 2)
    world.put(user(3, "cy"))
    with capture_logs() as logs:
        node = Node(world)
        await node.up_to_date()
    assert node.names() == {name("anna"), name("cy")}
    assert events(logs) == ["view serves"]
    await node.stop()


@ensureDeferred
async def test_a_new_epoch_builds_a_running_view_anew(world: World) -> None:
    with capture_logs() as logs:
        node = Node(world)
        await node.up_to_date()
        await until(lambda: node.tail.last == 2)
        world.database.write_blocking(epoch.renew)
        await until(lambda: events(logs).count("view serves") == 2)
    assert node.names() == {name("anna")}
    await node.stop()


@ensureDeferred
async def test_law_5_a_restored_copy_that_has_grown_past_the_view_is_followed_from_its_own_state(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(user(1, "anna"))
    store, copy = tmp_path / "gateway.db", tmp_path / "copy.db"
    source, target = sqlite3.connect(store), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    world.put(user(2, "ben"), user(3, "cy"))
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    world.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, store)
    world = World(tmp_path, fresh=False)
    world.put(user(4, "dan"), user(5, "eve"), user(6, "fay"))  # a `gateway sync` before `serve`
    node = Node(world)
    await node.up_to_date()
    assert node.names() == {name(login) for login in ("anna", "dan", "eve", "fay")}
    await node.stop()
    world.close()
