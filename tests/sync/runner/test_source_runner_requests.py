"""A source runner serves the requests of administrators."""

from __future__ import annotations

import pytest_twisted

from gateway.model.deltas import Batch, Delta, DeltaType, Watermark
from gateway.model.objects import Kind
from gateway.model.runs import Outcome, RunStatus
from gateway.sync.deletion_guard import Guard
from tests.sync.runner.running_source import RunningSource
from tests.sync.scripted import HEARTBEAT, ScriptedSource, Wait, World, batch, everybody, reached, until


@pytest_twisted.ensureDeferred
async def test_a_request_is_picked_up_within_a_second_and_answered_with_its_run(world: World) -> None:
    source = ScriptedSource([everybody("ada", watermark="1")], [batch("bob", watermark="2")])
    async with RunningSource(world, source) as life:
        await world.ended.get()
        await life.pausing()
        asked = life.request()
        world.pass_time(1)
        ended = await world.ended.get()
        assert ended.run.trigger == "manual"
        assert life.run_of(asked) == ended.run.id
        await life.pausing()
    assert source.reads == [None, b"1"]


@pytest_twisted.ensureDeferred
async def test_a_request_interrupts_a_source_that_is_being_followed(world: World) -> None:
    silent, again = Wait(), Wait()
    source = ScriptedSource([everybody("ada", watermark="1"), silent], [everybody("ada", watermark="2"), again])
    async with RunningSource(world, source) as life:
        await life.handled(silent)
        asked = life.request(full=True)
        world.pass_time(1)
        await reached(again)
        assert source.reads == [None, None]
        await until(lambda: life.run_of(asked))
    assert life.runs() == [("full", "start", "succeeded"), ("full", "manual", "succeeded")]
    assert life.state().last_error == ""


@pytest_twisted.ensureDeferred
async def test_a_request_is_served_at_once_when_the_source_had_nothing_to_report(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([HEARTBEAT, silent], [everybody("ada", watermark="1")])
    async with RunningSource(world, source) as life:
        await life.handled(silent)
        assert life.state().caught_up_at
        life.request(full=True)
        world.pass_time(1)
        assert (await world.ended.get()).run.trigger == "manual"
        await life.pausing()


@pytest_twisted.ensureDeferred
async def test_a_request_does_not_cut_short_a_read_that_is_still_behind(world: World) -> None:
    behind = Wait()
    source = ScriptedSource([batch("ada", caught_up=False), behind, batch("bob", watermark="1")], [batch(watermark="2")])
    async with RunningSource(world, source) as life:
        await reached(behind)
        life.request()
        world.pass_time(3)
        assert source.closed == 0
        behind.let_go()
        await world.ended.get()
        await world.ended.get()
        await life.pausing()
    assert life.names() == {"ada", "bob"}
    assert life.runs() == [("full", "start", "succeeded"), ("incremental", "manual", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_law_8_a_person_lets_deletions_pass_once(world: World) -> None:
    more, silent = Wait(), Wait()
    leaving = Batch(tuple(Delta(DeltaType.DELETE, Kind.USER, name) for name in ("ada", "dora")), caught_up=True)
    source = ScriptedSource(
        [everybody("ada", "bob", "cleo", "dora", watermark="1")],
        [Batch(tuple(Delta(DeltaType.DELETE, Kind.USER, name) for name in ("bob", "cleo")), Watermark(b"2"), caught_up=True)],
        [everybody("ada", "dora", watermark="3"), more, leaving, silent],
    )
    async with RunningSource(world, source, guard=Guard(users=1)) as life:
        await world.ended.get()
        await life.pausing()
        world.pass_time(100)
        assert (await world.ended.get()).status is RunStatus.REFUSED
        await life.pausing()
        life.request(allow_deletions=True)
        world.pass_time(1)
        ended = await world.ended.get()
        assert (ended.status, ended.run.statistics.total(Outcome.DELETED)) == (RunStatus.SUCCEEDED, 2)
        assert source.reads[-1] is None, "everything is compared, else what was refused might never be reported again"
        assert (life.names(), life.state().last_error) == ({"ada", "dora"}, "")
        more.let_go()
        await reached(silent)
        await until(lambda: life.state().last_error != "")
        assert life.names() == {"ada", "dora"}, "what is pushed afterwards is guarded again"
