"""A full disk: a view stops where it is, logs it, and goes on by itself when there is room again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.directory.materialization.follower import RETRY_DELAYS
from gateway.directory.view_file.view_file import ViewFile
from tests.directory.nodes import Node, name, until
from tests.directory.worlds import World, user


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.put(user(1, "anna"))
    yield made
    made.close()


class FullDisk:
    """While it `is_full` no view file grows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        opened = ViewFile._writer

        def writer(file: ViewFile) -> sqlite3.Connection:
            connection = opened(file)
            if self.is_full:
                connection.execute("PRAGMA max_page_count = 1")  # no less than there are
            return connection

        monkeypatch.setattr(ViewFile, "_writer", writer)


@ensureDeferred
async def test_a_full_disk_stops_the_view_where_it_is_and_it_goes_on_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    disk.is_full = True
    node = Node(world)
    await until(lambda: node.follower.reader is not None)
    many = [user(number, f"user{number}", description=["x" * 500]) for number in range(10, 60)]
    with capture_logs() as logs:
        world.put(*many)
        await until(lambda: len(node.reactor.delays) >= 8)
    assert node.names() == {name("anna")} | {name(one.username) for one in many if name(one.username) in node.names()}
    assert len(node.names()) < len(many), "what was there is still served, what does not fit is not"
    complaint = logs[0]
    assert (complaint["event"], complaint["view"]) == ("view does not follow the log", "main")
    assert "full" in complaint["error"]
    assert str(world.folder) in complaint["cure"]
    assert node.reactor.delays[-1] > node.reactor.delays[-3], "each attempt waits longer"
    assert max(node.reactor.delays) <= RETRY_DELAYS.cap_seconds
    disk.is_full = False
    await node.up_to_date()
    assert node.names() == {name("anna"), *(name(one.username) for one in many)}
    await node.stop()


@ensureDeferred
async def test_a_disk_that_is_full_while_a_view_is_built_does_not_end_the_building(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    disk.is_full = True
    world.put(*(user(number, f"user{number}", description=["x" * 2000]) for number in range(10, 90)))
    node = Node(world)
    await until(lambda: len(node.reactor.delays) >= 2)
    assert node.follower.reader is None
    disk.is_full = False
    await node.up_to_date()
    assert len(node.names()) == 81
    await node.stop()
