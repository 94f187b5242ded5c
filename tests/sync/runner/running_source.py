"""A source runner that has started, with its scripted source, on a clock that the test turns."""

from __future__ import annotations

from gateway.store.objects import users
from gateway.store.operations import source_state, sync_requests, sync_runs
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.runner.runner_group import RunnerGroup
from gateway.sync.runner.source_runner import Schedule, SourceRunner
from tests.sync.scripted import ScriptedSource, Wait, World, reached, until

SCHEDULE = Schedule(seconds=100, full_seconds=100_000)


class RunningSource:
    """A runner that has started, and its source. Use it as an async context: at the end the runner stops."""

    def __init__(self, world: World, source: ScriptedSource, schedule: Schedule = SCHEDULE, guard: Guard | None = None) -> None:
        self.world, self.source = world, source
        settings = InboundSettings(guard=guard or Guard())
        self.inbound = Inbound(source.id, source.source_type, settings, world.now)
        process = world.process()
        self.runner = SourceRunner(source, self.inbound, schedule, process)
        self.runners = RunnerGroup([self.runner], process)

    async def __aenter__(self) -> RunningSource:
        self.runners.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runners.stop()

    async def pausing(self) -> None:
        """The runner waits for its next turn, not for the source."""
        await until(
            lambda: any(getattr(call, "func", None) == self.runner._interrupt for call in self.world.clock.getDelayedCalls())
        )

    async def handled(self, wait: Wait) -> None:
        """The source has come to this step of its script, and the batch before it is committed if it is worth a transaction."""
        await reached(wait)  # the runner has the batch in hand, and the store has its transaction in line
        await self.world.database.write(lambda _: None)

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
