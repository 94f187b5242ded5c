"""The follower: a view is built, follows the log, and is built again when its file is unusable, each with one clear log
line."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs

from gateway.changelog.tail import Tail
from gateway.directory.directory import Directory, ViewNotReady
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.view_file.view_file import ViewFile
from gateway.store.engine.database import Connection
from gateway.twisted_internals.reactor import IReactor, installed
from tests.directory.nodes import Node, RecordingReactor, events, name, until
from tests.directory.worlds import World, openldap_view, user


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.put(user(1, "anna"))
    yield made
    made.close()


async def restarted(world: World) -> tuple[list[Any], set[str]]:
    """Return the log lines and the users found when the node comes up again."""
    with capture_logs() as logs:
        node = Node(world)
        await node.up_to_date()
    found = node.names()
    await node.stop()
    return logs, found


@ensureDeferred
async def test_a_view_is_built_and_then_follows_each_commit(world: World) -> None:
    node = Node(world)
    with pytest.raises(ViewNotReady):
        Directory([node.follower]).reader("main")
    await node.up_to_date()
    world.put(user(2, "ben"))
    await node.up_to_date()
    assert node.names() == {name("anna"), name("ben")}
    world.delete(user(1, "anna"))
    await node.up_to_date()
    assert node.names() == {name("ben")}
    await node.stop()


@ensureDeferred
async def test_after_a_restart_a_view_goes_on_where_it_was(world: World) -> None:
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    world.put(user(2, "ben"))
    world.delete(user(1, "anna"))
    logs, found = await restarted(world)
    assert found == {name("ben")}
    assert events(logs) == ["view serves"]


def damage_nothing_left(path: Path) -> None:
    path.write_bytes(b"")


def damage_no_database(path: Path) -> None:
    path.write_bytes(b"this is not a database, but it is long enough to look like one" * 100)


def damage_torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def damage_zeroed_pages(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))


@pytest.mark.parametrize("damage", [damage_nothing_left, damage_no_database, damage_torn, damage_zeroed_pages])
@ensureDeferred
async def test_law_5_a_file_of_no_use_is_built_again_from_the_store(world: World, damage: Callable[[Path], None]) -> None:
    node = Node(world)
    await node.up_to_date()
    await node.stop()
    (path,) = world.folder.glob("view-main-*.sqlite")
    damage(path)
    logs, found = await restarted(world)
    assert found == {name("anna")}
    complaints = [entry for entry in logs if entry["log_level"] in ("warning", "error")]
    assert len(complaints) == (0 if damage is damage_nothing_left else 1)
    for complaint in complaints:
        assert complaint["view"] == "main"
        assert complaint["cure"] == "none needed: it is built again from the store"
    assert events(logs)[-2:] == ["building view", "view serves"]


@ensureDeferred
async def test_a_build_that_was_cut_off_is_begun_again(world: World) -> None:
    updater = LogApplier(ViewFile(world.folder, openldap_view()), world.database)
    pages = iter([True, False])
    updater.build(lambda: next(pages, False))
    assert not updater.is_usable()
    updater.close()
    logs, found = await restarted(world)
    assert events(logs) == ["building view", "view serves"]
    assert found == {name("anna")}


@ensureDeferred
async def test_another_shape_is_another_file_and_the_old_one_goes_when_the_new_one_serves(world: World) -> None:
    old = Node(world, openldap_view(base="dc=old,dc=test"))
    await old.up_to_date()
    await old.stop()
    (before,) = world.folder.glob("view-main-*.sqlite")
    other_view = world.folder / "view-other-0123456789abcdef.sqlite"
    other_view.touch()
    node = Node(world)
    assert before.exists()
    await node.up_to_date()
    assert not before.exists()
    assert other_view.exists()
    await node.stop()


@ensureDeferred
async def test_a_store_restored_from_a_backup_is_followed_from_its_own_state(world: World) -> None:
    backup = world.folder / "backup.db"
    source, target = sqlite3.connect(world.folder / "gateway.db"), sqlite3.connect(backup)
    source.backup(target)
    source.close()
    target.close()
    world.put(user(2, "ben"), user(3, "cy"))
    await restarted(world)
    world.close()
    for suffix in ("-wal", "-shm"):
        (world.folder / f"gateway.db{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, world.folder / "gateway.db")
    restored = World(world.folder, fresh=False)
    logs, found = await restarted(restored)
    assert found == {name("anna")}
    assert events(logs) == ["building view", "view serves"]
    restored.close()


@ensureDeferred
async def test_the_view_of_another_store_is_not_taken_for_this_ones(world: World) -> None:
    await restarted(world)

    def rename(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE meta SET value = 'idaas_other' WHERE name = 'instance_id'")

    world.database.write_blocking(rename)
    logs, _ = await restarted(world)
    assert events(logs) == ["building view", "view serves"]


@ensureDeferred
async def test_a_page_that_turns_out_to_be_torn_while_following_is_no_more_than_a_new_build(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(world)
    await node.up_to_date()
    apply = LogApplier.apply
    torn = iter([True])

    def apply_torn(updater: LogApplier, log: Any) -> None:
        if next(torn, False):
            raise sqlite3.DatabaseError("database disk image is malformed")
        apply(updater, log)

    monkeypatch.setattr(LogApplier, "apply", apply_torn)
    before = node.follower.reader
    with capture_logs() as logs:
        world.put(user(2, "ben"))
        await until(lambda: node.follower.reader not in (before, None))
        await node.up_to_date()
    assert node.names() == {name("anna"), name("ben")}
    assert events(logs) == ["view does not follow the log", "building view", "view serves"]
    assert logs[0]["cure"] == "none needed: it is built again from the store"
    await node.stop()


@ensureDeferred
async def test_stopping_ends_a_build_between_two_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    page = LogApplier._page

    def slow_page(updater: LogApplier, kind: Any, after: str) -> Any:
        asked.append(after)
        return page(updater, kind, "")

    monkeypatch.setattr(LogApplier, "_page", slow_page)  # the pages never end
    world.put(user(2, "ben"))
    node = Node(world)
    await until(lambda: len(asked) > 2)
    await node.stop()
    assert node.follower.reader is None


@ensureDeferred
async def test_a_folder_that_cannot_be_written_is_named_with_its_cure(world: World) -> None:
    missing = world.folder / "missing"
    tail = Tail(world.database, installed())
    reactor = RecordingReactor()
    follower = LogFollower(openldap_view(), missing, world.database, tail, cast(IReactor, reactor))
    with capture_logs() as logs:
        follower.start()
        await until(lambda: bool(reactor.delays))
    assert str(missing) in logs[0]["error"]
    assert "check that the folder is writable" in logs[0]["error"]
    missing.mkdir()
    await until(lambda: follower.reader is not None)
    tail.close()
    await follower.stop()
