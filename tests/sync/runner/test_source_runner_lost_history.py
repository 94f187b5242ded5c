"""A source whose store went back in time while it was read: the open stream is no continuation, so all is compared."""

from __future__ import annotations

import pytest
import pytest_twisted

from gateway.store.engine.database import Connection
from gateway.store.log import epoch
from tests.sync.runner.running_source import RunningSource
from tests.sync.scripted import HEARTBEAT, ScriptedSource, Wait, World, batch, everybody, reached, until


def tables(connection: Connection) -> list[str]:
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'kept%'"
    return [row[0] for row in connection.exec_driver_sql(names)]


def keep(connection: Connection) -> None:
    """Keep the store's content aside, in the store."""
    for table in tables(connection):
        connection.exec_driver_sql(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")


def go_back(connection: Connection) -> None:
    """Give the store the content that was kept."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for table in tables(connection):
        connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM kept_{table}")


@pytest.mark.parametrize("lost", [["ben"], []], ids=["a change", "only that it was heard"])
@pytest_twisted.ensureDeferred
async def test_law_2_a_read_whose_last_transaction_was_lost_ends_and_compares_in_full(world: World, lost: list[str]) -> None:
    before, between = Wait(), Wait()
    step = batch(*lost) if lost else HEARTBEAT
    source = ScriptedSource(
        [everybody("ada"), before, step, between, batch("cy"), Wait()], [everybody("ada", *lost, "cy"), Wait()]
    )
    async with RunningSource(world, source) as life:
        await reached(before)
        await until(lambda: life.runs() == [("full", "start", "succeeded")])
        world.database.write_blocking(keep)
        world.pass_time(30)
        before.let_go()
        await until(lambda: life.names() == {"ada", *lost} and life.state().heard_at == world.now())
        await reached(between)
        world.database.write_blocking(go_back)
        between.let_go()
        await life.pausing()
        assert life.names() == {"ada"}
        assert "went back in time" in life.state().last_error
        world.pass_time(2)
        await until(lambda: life.names() == {"ada", *lost, "cy"})
        await until(lambda: life.runs()[-1] == ("full", "schedule", "succeeded"))
        assert source.reads == [None, None]


@pytest_twisted.ensureDeferred
async def test_a_new_epoch_ends_the_read_and_compares_in_full(world: World) -> None:
    between = Wait()
    source = ScriptedSource(
        [everybody("ada", watermark="1"), between, batch("ben"), Wait()], [everybody("ada", "ben", watermark="2"), Wait()]
    )
    async with RunningSource(world, source) as life:
        await reached(between)
        await until(lambda: life.runs() == [("full", "start", "succeeded")])
        world.database.write_blocking(epoch.renew)
        between.let_go()
        await life.pausing()
        world.pass_time(2)
        await until(lambda: life.names() == {"ada", "ben"})
        assert source.reads == [None, None]
