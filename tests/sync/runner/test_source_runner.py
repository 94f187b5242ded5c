"""The life of one source: what is read when, what is noted of it, and that nothing but the gateway's end ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_twisted
import structlog
from twisted.internet.defer import ensureDeferred

from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.model.runs import Outcome, RunStatus
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.objects import users
from gateway.store.operations import leases, source_state, sync_requests, sync_runs
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.runner.lease import LEASE_SECONDS, RENEW_SECONDS
from gateway.sync.runner.lease_name import name_for
from gateway.sync.runner.source_runner import LEASE_RETRY_SECONDS, Schedule, SourceRunner
from gateway.sync.runner.source_runners import SourceRunners
from tests.sync.scripted import HEARTBEAT, ScriptedSource, Wait, World, batch, everybody, reached, until

SCHEDULE = Schedule(seconds=100, full_seconds=100_000)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database(f"sqlite:///{tmp_path}/store.sqlite")
    migrate(database)
    yield World(database)
    database.close()


class Life:
    """A runner that has started, and its source. Use it as an async context: at the end the runner stops."""

    def __init__(self, world: World, source: ScriptedSource, schedule: Schedule = SCHEDULE, guard: Guard | None = None) -> None:
        self.world, self.source = world, source
        settings = InboundSettings(guard=guard or Guard())
        self.inbound = Inbound(source.id, source.source_type, settings, world.now)
        process = world.process()
        self.runner = SourceRunner(source, self.inbound, schedule, process)
        self.runners = SourceRunners([self.runner], process)

    async def __aenter__(self) -> Life:
        self.runners.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runners.stop()

    async def pausing(self) -> None:
        """The runner waits for its next turn, not for the source."""
        await until(
            lambda: any(getattr(call, "func", None) == self.runner._interrupt for call in self.world.clock.getDelayedCalls())
        )

    def names(self) -> set[str]:
        everybody = self.world.database.read_blocking(lambda c: users.iterate(c, "", 100))
        return {user.username for user in everybody if user.gone_at is None}

    def state(self) -> source_state.SourceState:
        state = self.world.database.read_blocking(lambda c: source_state.get(c, self.source.id))
        assert state is not None
        return state

    def runs(self) -> list[tuple[str, str, str]]:
        """Mode, trigger and status of each run, oldest first."""
        found = self.world.database.read_blocking(lambda c: sync_runs.latest(c, self.source.id, 100))
        return [(run.mode, run.trigger, run.status.value) for run in reversed(found)]

    def request(self, *, full: bool = False, allow_deletions: bool = False) -> int:
        return self.world.database.write_blocking(
            lambda c: sync_requests.place(c, self.source.id, full=full, allow_deletions=allow_deletions, now=self.world.now())
        )

    def run_of(self, request: int) -> int | None:
        found = self.world.database.read_blocking(lambda c: sync_requests.get(c, request))
        assert found is not None
        return found.run_id


@pytest_twisted.ensureDeferred
async def test_a_source_that_cannot_push_is_read_again_on_the_schedule_from_where_it_was(world: World) -> None:
    source = ScriptedSource([everybody("ada", "bob", watermark="1")], [batch("cleo", watermark="2")])
    async with Life(world, source) as life:
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
        async with Life(world, source) as life:
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
        async with Life(world, source) as life:
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
    async with Life(world, source) as life:
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
    async with Life(world, source) as life:
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
    async with Life(world, source) as life:
        await world.ended.get()
        began = life.state().heard_at
        world.pass_time(5)
        waits[0].let_go()
        await reached(waits[1])
        assert life.state().heard_at == began
        world.pass_time(20)
        waits[1].let_go()
        await until(lambda: life.state().heard_at != began)
        assert life.state().caught_up_at == world.now()
    assert life.runs() == [("full", "start", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_stopping_ends_a_blocked_read_and_gives_the_lease_back(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([everybody("ada"), silent])
    async with Life(world, source) as life:
        await reached(silent)
        assert world.database.read_blocking(lambda c: leases.holder_of(c, name_for("hr"), world.now())) == "node-one"
    assert source.closed == 1
    assert world.database.read_blocking(lambda c: leases.holder_of(c, name_for("hr"), world.now())) is None
    assert life.runs() == [("full", "start", "succeeded")]
    assert life.state().last_error == ""


@pytest_twisted.ensureDeferred
async def test_stopping_waits_for_the_batch_in_progress(world: World) -> None:
    delivered, silent = Wait(), Wait()
    source = ScriptedSource([delivered, everybody("ada"), silent])
    life = Life(world, source)
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
    async with Life(world, source) as life:
        await until(lambda: life.runs() == [("full", "start", "running")])
        await reached(silent)
    assert life.runs() == [("full", "start", "failed")]


@pytest_twisted.ensureDeferred
async def test_a_source_that_another_node_reads_is_left_alone_until_that_node_is_gone(world: World) -> None:
    world.database.write_blocking(lambda c: leases.acquire(c, name_for("hr"), "node-two", LEASE_SECONDS, world.now()))
    source = ScriptedSource([everybody("ada")])
    async with Life(world, source) as life:
        for _ in range(int(LEASE_SECONDS / LEASE_RETRY_SECONDS)):
            await life.pausing()
            assert source.reads == []
            world.pass_time(LEASE_RETRY_SECONDS)
        await world.ended.get()
        await life.pausing()
    assert life.names() == {"ada"}


@pytest_twisted.ensureDeferred
async def test_a_lease_that_is_lost_ends_the_read_at_once(world: World) -> None:
    silent = Wait()
    source = ScriptedSource([everybody("ada"), silent])
    async with Life(world, source) as life:
        await reached(silent)
        world.database.write_blocking(lambda c: leases.release(c, name_for("hr"), "node-one"))
        world.database.write_blocking(lambda c: leases.acquire(c, name_for("hr"), "node-two", 1000, world.now()))
        world.pass_time(10)
        await until(lambda: source.closed)
        await life.pausing()
        world.pass_time(60)
        assert len(source.reads) == 1


@pytest_twisted.ensureDeferred
async def test_a_lease_is_kept_however_long_the_source_is_silent(world: World) -> None:
    silent = Wait()
    async with Life(world, ScriptedSource([everybody("ada"), silent])) as life:
        await reached(silent)
        for _ in range(5):
            world.pass_time(RENEW_SECONDS)
            await until(lambda: life.runner._lease._renewal.call is not None)  # the renewal is done, the next is due
            just_before = world.now() + timedelta(seconds=LEASE_SECONDS - 1)
            assert world.database.read_blocking(partial(_holder, just_before)) == world.holder


def _holder(moment: datetime, connection: Connection) -> str | None:
    return leases.holder_of(connection, name_for("hr"), moment)


@pytest_twisted.ensureDeferred
async def test_a_request_is_picked_up_within_a_second_and_answered_with_its_run(world: World) -> None:
    source = ScriptedSource([everybody("ada", watermark="1")], [batch("bob", watermark="2")])
    async with Life(world, source) as life:
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
    async with Life(world, source) as life:
        await reached(silent)
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
    async with Life(world, source) as life:
        await reached(silent)
        await until(lambda: life.state().caught_up_at)
        life.request(full=True)
        world.pass_time(1)
        assert (await world.ended.get()).run.trigger == "manual"
        await life.pausing()


@pytest_twisted.ensureDeferred
async def test_a_request_does_not_cut_short_a_read_that_is_still_behind(world: World) -> None:
    behind = Wait()
    source = ScriptedSource([batch("ada", caught_up=False), behind, batch("bob", watermark="1")], [batch(watermark="2")])
    async with Life(world, source) as life:
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
async def test_a_run_that_the_guard_refuses_is_tried_again_on_the_schedule_and_passes_when_the_source_is_whole(
    world: World,
) -> None:
    source = ScriptedSource([everybody("ada", "bob", "cleo")], [everybody("ada")], [everybody("ada", "bob", "cleo", "dora")])
    async with Life(world, source, guard=Guard(users=1)) as life:
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
async def test_a_person_lets_deletions_pass_once(world: World) -> None:
    source = ScriptedSource([everybody("ada", "bob", "cleo")], [everybody("ada")])
    async with Life(world, source, guard=Guard(users=1)) as life:
        await world.ended.get()
        await life.pausing()
        life.request(allow_deletions=True)
        world.pass_time(1)
        ended = await world.ended.get()
        assert (ended.status, ended.run.statistics.total(Outcome.DELETED)) == (RunStatus.SUCCEEDED, 2)
        await life.pausing()
    assert life.names() == {"ada"}


@pytest_twisted.ensureDeferred
async def test_everything_is_compared_when_it_is_due_also_while_the_source_is_followed(world: World) -> None:
    beat, silent = Wait(), Wait()
    source = ScriptedSource([everybody("ada", watermark="1"), beat, HEARTBEAT, silent], [everybody("ada", watermark="2")])
    async with Life(world, source, Schedule(100, full_seconds=1000)) as life:
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
    async with Life(world, source) as life:
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
    async with Life(world, source) as life:
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
    async with Life(world, ScriptedSource([everybody("ada")])) as life:
        await world.ended.get()
        await life.pausing()
    assert life.runs() == [("full", "start", "failed"), ("full", "start", "succeeded")]


@pytest_twisted.ensureDeferred
async def test_the_next_batch_is_fetched_while_one_is_applied_and_dropped_when_that_one_fails(world: World) -> None:
    source = ScriptedSource(
        [everybody("ada", "bob", "cleo", watermark="1")],
        [everybody("ada", watermark="2"), batch("zoe", watermark="3"), Wait()],
    )
    async with Life(world, source, guard=Guard(users=1)) as life:
        await world.ended.get()
        await life.pausing()
        world.pass_time(100)
        assert (await world.ended.get()).status is RunStatus.REFUSED
        await life.pausing()
    assert life.names() == {"ada", "bob", "cleo"}
    assert life.state().watermark == b"1"
