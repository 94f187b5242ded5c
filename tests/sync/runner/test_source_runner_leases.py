"""A source runner's lease, and its stop."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial
from math import ceil

import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.store.engine.database import Connection
from gateway.store.operations import leases
from gateway.sync.runner.lease import LEASE_SECONDS, RENEW_SECONDS
from gateway.sync.runner.lease_name import name_for
from gateway.sync.runner.source_runner import LEASE_RETRY_SECONDS
from tests.sync.runner.running_source import RunningSource
from tests.sync.scripted import ScriptedSource, Wait, World, batch, everybody, reached, until


@pytest_twisted.ensureDeferred
async def test_stopping_ends_a_blocked_read_and_gives_the_lease_back(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([everybody("ada"), silent])
    async with RunningSource(world, source) as life:
        await life.handled(silent)
        assert world.database.read_blocking(lambda c: leases.holder_of(c, name_for("hr"), world.now())) == "node-one"
    assert source.closed == 1
    assert world.database.read_blocking(lambda c: leases.holder_of(c, name_for("hr"), world.now())) is None
    assert life.runs() == [("full", "start", "succeeded")]
    assert life.state().last_error == ""


@pytest_twisted.ensureDeferred
async def test_stopping_waits_for_the_batch_in_progress(world: World) -> None:
    delivered, silent = Wait(), Wait()
    source = ScriptedSource([delivered, everybody("ada"), silent])
    life = RunningSource(world, source)
    life.runners.start()
    await reached(delivered)
    writing, done = threading.Event(), threading.Event()

    def keep_the_writer_busy(_: object) -> None:
        writing.set()
        done.wait(10)

    busy = world.database.write(keep_the_writer_busy)
    await until(writing.is_set)
    delivered.let_go()
    await reached(silent)
    stopping = ensureDeferred(life.runners.stop())
    await until(lambda: source.closed)
    assert not stopping.called
    done.set()
    await busy
    await stopping
    assert life.names() == {"ada"}


@pytest_twisted.ensureDeferred
async def test_a_read_that_is_stopped_half_way_is_no_success(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([batch("ada", caught_up=False), silent])
    async with RunningSource(world, source) as life:
        await until(lambda: life.runs() == [("full", "start", "running")])
        await reached(silent)
    assert life.runs() == [("full", "start", "failed")]


@pytest_twisted.ensureDeferred
async def test_a_source_that_another_node_reads_is_left_alone_until_that_node_is_gone(world: World) -> None:
    world.database.write_blocking(lambda c: leases.acquire(c, name_for("hr"), "node-two", LEASE_SECONDS, world.now()))
    source = ScriptedSource([everybody("ada")])
    async with RunningSource(world, source) as life:
        for _ in range(ceil(LEASE_SECONDS / LEASE_RETRY_SECONDS)):
            await life.pausing()
            assert source.reads == []
            world.pass_time(LEASE_RETRY_SECONDS)
        await world.ended.get()
        await life.pausing()
    assert life.names() == {"ada"}
    assert LEASE_SECONDS + LEASE_RETRY_SECONDS < 10.0, "a node that is dead or paused is replaced within ten seconds"


@pytest_twisted.ensureDeferred
async def test_a_lease_that_is_lost_ends_the_read_at_once(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([everybody("ada"), silent])
    async with RunningSource(world, source) as life:
        await life.handled(silent)
        world.database.write_blocking(lambda c: leases.free(c, name_for("hr"), "node-one"))
        world.database.write_blocking(lambda c: leases.acquire(c, name_for("hr"), "node-two", 1000, world.now()))
        world.pass_time(10)
        await until(lambda: source.closed)
        await life.pausing()
        world.pass_time(60)
        assert len(source.reads) == 1


@pytest_twisted.ensureDeferred
async def test_law_2_a_node_that_lost_its_lease_without_knowing_writes_nothing_of_what_it_had_in_hand(world: World) -> None:
    paused, silent = Wait(), Wait()
    source = ScriptedSource([everybody("ada"), paused, batch("stale", watermark="9"), silent])
    async with RunningSource(world, source) as life:
        await life.handled(paused)
        world.database.write_blocking(lambda c: leases.free(c, name_for("hr"), "node-one"))
        world.database.write_blocking(lambda c: leases.acquire(c, name_for("hr"), "node-two", 1000, world.now()))
        paused.let_go()
        await until(lambda: source.closed)
        await life.pausing()
        assert life.names() == {"ada"}
        assert life.state().watermark != b"9"
        assert len(source.reads) == 1


@pytest_twisted.ensureDeferred
async def test_a_lease_is_kept_however_long_the_source_is_silent(world: World) -> None:
    silent = Wait()
    async with RunningSource(world, ScriptedSource([everybody("ada"), silent])) as life:
        await life.handled(silent)
        for _ in range(5):
            world.pass_time(RENEW_SECONDS)
            await until(lambda: life.runner._lease._renewal.call is not None)  # the renewal is done, the next is due
            just_before = world.now() + timedelta(seconds=LEASE_SECONDS - 1)
            assert world.database.read_blocking(partial(_holder, just_before)) == world.holder


def _holder(moment: datetime, connection: Connection) -> str | None:
    return leases.holder_of(connection, name_for("hr"), moment)
