"""A source runner: the schedule, failures and their back-off, pushed changes; only the gateway's stop ends it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytest_twisted
import structlog
from structlog.testing import capture_logs

from gateway.model.deltas import Batch
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.model.runs import Outcome, RunStatus
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state, sync_runs
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Applied, Inbound
from gateway.sync.runner.source_runner import Schedule
from tests.sync.runner.running_source import RunningSource
from tests.sync.scripted import HEARTBEAT, ScriptedSource, Wait, World, batch, everybody, reached, until


@pytest_twisted.ensureDeferred
async def test_a_source_that_cannot_push_is_read_again_on_the_schedule_from_where_it_was(world: World) -> None:
    source = ScriptedSource([everybody("ada", "bob", watermark="1")], [batch("cleo", watermark="2")])
    async with RunningSource(world, source) as life:
        ended = await world.ended.get()
        assert (ended.run.mode, ended.run.trigger, ended.run.statistics.total(Outcome.CREATED)) == ("full", "start", 2)
        await life.pausing()
        world.pass_time(99)
        assert source.reads == [None]
        world.pass_time(1)
        await world.ended.get()
        assert source.reads == [None, b"1"]
        await life.pausing()
    assert life.names() == {"ada", "bob", "cleo"}
    assert life.state().watermark == b"2"
    assert life.runs() == [("full", "start", "succeeded"), ("incremental", "schedule", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_a_failing_source_is_tried_again_ever_more_slowly_and_makes_one_run_and_one_line(world: World) -> None:
    source = ScriptedSource([SourceUnavailable("source hr: ldap://x: connection refused")])
    with structlog.testing.capture_logs() as lines:
        async with RunningSource(world, source) as life:
            for delay in (1, 2, 4, 8, 16):
                await life.pausing()
                attempts = len(source.reads)
                world.clock.advance(delay - 0.01)
                assert len(source.reads) == attempts
                world.clock.advance(0.01)
                await until(partial(source.was_read_more_than, attempts))
            await life.pausing()
    assert life.runs() == [("full", "start", "failed")]
    assert life.state().last_error == "source hr: ldap://x: connection refused"
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["source hr: ldap://x: connection refused"]


@pytest_twisted.ensureDeferred
async def test_a_source_that_comes_back_is_logged_and_its_error_cleared(world: World) -> None:
    down = SourceUnavailable("source hr: down")
    source = ScriptedSource([down], [down], [everybody("ada", watermark="1")])
    with structlog.testing.capture_logs() as lines:
        async with RunningSource(world, source) as life:
            for delay in (1, 2):
                await life.pausing()
                world.clock.advance(delay)
            await until(lambda: len(source.reads) == 3)
            await life.pausing()
    assert life.state().last_error == ""
    assert {key: line[key] for line in lines if "again" in line["event"] for key in ("event", "failed_attempts")} == {
        "event": "source hr: is read again",
        "failed_attempts": 2,
    }


@pytest_twisted.ensureDeferred
async def test_a_refused_bind_waits_longer_than_a_lost_connection(world: World) -> None:
    source = ScriptedSource([SourceRefused("source hr: bind refused (49 invalidCredentials)")])
    async with RunningSource(world, source) as life:
        await life.pausing()
        world.pass_time(14)
        assert len(source.reads) == 1
        world.pass_time(1)
        await until(lambda: len(source.reads) == 2)


@pytest_twisted.ensureDeferred
async def test_pushed_changes_are_applied_as_they_come_and_are_one_run_until_it_is_quiet(world: World) -> None:
    quiet, follow = Wait(), Wait()
    source = ScriptedSource(
        [everybody("ada", watermark="1"), batch("bob", watermark="2"), batch("cleo", watermark="3"), quiet, HEARTBEAT, follow]
    )
    async with RunningSource(world, source) as life:
        await reached(quiet)
        await until(lambda: life.names() == {"ada", "bob", "cleo"})
        await until(lambda: life.runs()[1:] == [("incremental", "push", "running")])
        quiet.let_go()
        await world.ended.get()
        pushed = await world.ended.get()
        assert pushed.run.statistics.total(Outcome.CREATED) == 2
        await reached(follow)
    assert life.runs() == [("full", "start", "succeeded"), ("incremental", "push", "succeeded")]
    assert life.state().watermark == b"3"


@pytest_twisted.ensureDeferred
async def test_a_quiet_source_costs_no_transaction_but_a_heartbeat(world: World) -> None:
    waits = [Wait(), Wait(), Wait()]
    source = ScriptedSource([everybody("ada"), waits[0], HEARTBEAT, waits[1], HEARTBEAT, waits[2]])
    async with RunningSource(world, source) as life:
        await world.ended.get()
        began = life.state().heard_at
        world.pass_time(5)
        waits[0].let_go()
        await life.handled(waits[1])
        assert life.state().heard_at == began
        world.pass_time(20)
        waits[1].let_go()
        await until(lambda: life.state().heard_at != began)
        assert life.state().caught_up_at == world.now()
    assert life.runs() == [("full", "start", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_law_8_a_source_of_which_nothing_comes_is_not_heard_however_often_its_reader_beats(world: World) -> None:
    waits = [Wait(), Wait(), Wait()]
    silence = Batch(caught_up=True, heard=False)
    source = ScriptedSource([everybody("ada"), waits[0], silence, silence, waits[1], HEARTBEAT, waits[2]])
    async with RunningSource(world, source) as life:
        await world.ended.get()
        began = life.state()
        world.pass_time(65)
        waits[0].let_go()
        await life.handled(waits[1])
        assert (life.state().heard_at, life.state().caught_up_at) == (began.heard_at, began.caught_up_at)
        waits[1].let_go()
        await until(lambda: life.state().heard_at == world.now())
        assert life.state().caught_up_at == world.now()


@pytest_twisted.ensureDeferred
async def test_the_way_of_reading_is_kept_until_another_is_told(world: World) -> None:
    waits = [Wait(), Wait()]
    first = replace(everybody("ada"), reading="changes by a rumour")
    source = ScriptedSource([first, HEARTBEAT, waits[0], Batch(caught_up=True, reading="changes by letter"), waits[1]])
    async with RunningSource(world, source) as life:
        await life.handled(waits[0])
        assert life.state().reading == "changes by a rumour"
        waits[0].let_go()
        await until(lambda: life.state().reading == "changes by letter")


@pytest_twisted.ensureDeferred
async def test_a_run_that_the_guard_refuses_is_tried_again_on_the_schedule_and_passes_when_the_source_is_whole(
    world: World,
) -> None:
    source = ScriptedSource([everybody("ada", "bob", "cleo")], [everybody("ada")], [everybody("ada", "bob", "cleo", "dora")])
    async with RunningSource(world, source, guard=Guard(users=1)) as life:
        await world.ended.get()
        await life.pausing()
        world.pass_time(100)
        refused = await world.ended.get()
        assert refused.status is RunStatus.REFUSED
        assert "`gateway sync hr --allow-deletions`" in life.state().last_error
        await life.pausing()
        world.pass_time(99)
        assert len(source.reads) == 2
        world.pass_time(1)
        await world.ended.get()
        await life.pausing()
    assert life.names() == {"ada", "bob", "cleo", "dora"}
    assert life.state().last_error == ""


@pytest_twisted.ensureDeferred
async def test_law_8_held_deletions_are_told_by_every_later_run_and_all_else_goes_on(world: World) -> None:
    source = ScriptedSource(
        [everybody("ada", "bob", "cleo", watermark="1")],
        [everybody("ada", watermark="2")],
        [batch("dora", watermark="3", caught_up=True)],
        [Batch(caught_up=True)],
    )
    with capture_logs() as lines:
        async with RunningSource(world, source, guard=Guard(users=1)) as life:
            for _ in range(3):
                await world.ended.get()
                await life.pausing()
                world.pass_time(100)
            await life.pausing()
            assert [line["event"] for line in lines if "--allow-deletions" in line["event"]] == [life.state().last_error]
        assert life.names() == {"ada", "bob", "cleo", "dora"}
    assert [status for _, _, status in life.runs()] == ["succeeded", "refused", "refused"]


@pytest_twisted.ensureDeferred
async def test_a_comparison_of_which_deletions_are_held_is_not_due_again_at_once(world: World) -> None:
    source = ScriptedSource([everybody("ada", "bob", "cleo", watermark="1")], [everybody("ada", watermark="2")])
    async with RunningSource(world, source, Schedule(100, full_seconds=150), guard=Guard(users=1)) as life:
        await world.ended.get()
        for _ in range(2):
            await life.pausing()
            world.pass_time(100)
        assert (await world.ended.get()).status is RunStatus.REFUSED
        await life.pausing()
        reads = len(source.reads)
        world.pass_time(50)
        await life.pausing()
        assert len(source.reads) == reads


@pytest_twisted.ensureDeferred
async def test_everything_is_compared_when_it_is_due_also_while_the_source_is_followed(world: World) -> None:
    beat, silent = Wait(), Wait()
    source = ScriptedSource([everybody("ada", watermark="1"), beat, HEARTBEAT, silent], [everybody("ada", watermark="2")])
    async with RunningSource(world, source, Schedule(100, full_seconds=1000)) as life:
        await world.ended.get()
        await reached(beat)
        world.pass_time(1000)
        beat.let_go()
        await life.pausing()
        world.pass_time(1)
        await world.ended.get()
    assert source.reads == [None, None]


@pytest.mark.parametrize("failure", [ValueError("hunter2"), InvalidSourceData("people.ldif:7: no")])
@pytest_twisted.ensureDeferred
async def test_no_failure_of_a_source_ends_its_runner(world: World, failure: Exception) -> None:
    source = ScriptedSource([failure], [everybody("ada")])
    async with RunningSource(world, source) as life:
        await life.pausing()
        assert "hunter2" not in life.state().last_error
        world.clock.advance(1)
        await until(lambda: len(source.reads) == 2)
        await life.pausing()
    assert life.names() == {"ada"}


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_away_slows_the_runner_down_and_does_not_end_it(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([silent, everybody("ada")])
    async with RunningSource(world, source) as life:
        await reached(silent)
        world.database.close()
        silent.let_go()
        await life.pausing()
        for delay in (1, 2, 4):
            world.clock.advance(delay)
            await life.pausing()
    assert len(source.reads) == 1


@pytest_twisted.ensureDeferred
async def test_a_run_that_a_dead_process_left_behind_is_ended(world: World) -> None:
    world.database.write_blocking(lambda c: source_state.ensure(c, "hr", "ldap"))
    world.database.write_blocking(lambda c: sync_runs.start(c, "hr", "full", "start", world.now()))
    async with RunningSource(world, ScriptedSource([everybody("ada")])) as life:
        await world.ended.get()
        await life.pausing()
    assert life.runs() == [("full", "start", "failed"), ("full", "start", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_the_next_batch_is_fetched_while_one_is_applied_and_dropped_when_that_one_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Inbound.apply

    def fail_at_2(self: Inbound, connection: Connection, batch: Batch, **rest: Any) -> Applied:
        if batch.watermark == b"2":
            raise InvalidSourceData("source hr: broken")
        return apply(self, connection, batch, **rest)

    monkeypatch.setattr(Inbound, "apply", fail_at_2)
    source = ScriptedSource(
        [everybody("ada", "bob", "cleo", watermark="1")],
        [everybody("ada", watermark="2"), batch("zoe", watermark="3"), Wait()],
    )
    async with RunningSource(world, source) as life:
        await world.ended.get()
        await life.pausing()
        world.pass_time(100)
        assert (await world.ended.get()).status is RunStatus.FAILED
        await life.pausing()
    assert life.names() == {"ada", "bob", "cleo"}
    assert life.state().watermark == b"1"
