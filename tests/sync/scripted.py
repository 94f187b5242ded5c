"""A source that does what a test says, and a runner's surroundings with a clock that only the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import DeferredQueue
from twisted.internet.task import Clock, deferLater

from gateway.model.connector import CheckItem
from gateway.model.deltas import Batch, Delta, DeltaType, Watermark
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from gateway.store.engine.database import Database
from gateway.sync.runner.runner_group import pool_for
from gateway.sync.runner.source_runner import ProcessServices
from gateway.sync.runner.sync_run import EndedRun

reactor: Any = real_reactor

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 10.0  # of the test, for what happens in real threads


class Wait:
    """A step of a script: the source is silent until the test lets it go on, or until it is closed."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = threading.Event()
        self._closed = False

    def let_go(self) -> None:
        self._go.set()

    def close(self) -> None:
        self._closed = True
        self._go.set()

    def pass_by(self) -> None:
        self.reached.set()
        self._go.wait(PATIENCE_SECONDS)
        if self._closed:
            raise SourceUnavailable("source hr: closed while it waited")


Step = Batch | Exception | Wait


class ScriptedSource:
    """Each read takes the next script; the last one is taken again and again. `reads` tells the watermarks asked with."""

    source_type = "ldap"

    def __init__(self, *scripts: Sequence[Step], source_id: str = "hr") -> None:
        self.id = source_id
        self.reads: list[Watermark | None] = []
        self.closed = 0
        self._scripts = list(scripts)
        self._waits: list[Wait] = []

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        assert follow
        script = self._scripts[min(len(self.reads), len(self._scripts) - 1)]
        self.reads.append(watermark)
        self._waits = [step for step in script if isinstance(step, Wait)]
        return self._play(script)

    def was_read_more_than(self, times: int) -> bool:
        return len(self.reads) > times

    def check(self) -> Iterator[CheckItem]:
        return iter(())

    def close(self) -> None:
        self.closed += 1
        for wait in self._waits:
            wait.close()

    def _play(self, script: Sequence[Step]) -> Iterator[Batch]:
        for step in script:
            if isinstance(step, Wait):
                step.pass_by()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step


@dataclass
class World:
    """The surroundings of a runner; `ended` holds the runs that have ended, in order."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    ended: DeferredQueue[EndedRun] = field(default_factory=DeferredQueue)
    holder: str = "node-one"

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.clock.seconds())

    def process(self) -> ProcessServices:
        return ProcessServices(
            self.database,
            self.clock,
            reactor,
            pool_for(1),
            self.now,
            self.holder,
            random=lambda: 0.5,
            on_run=lambda source_id, ended: self.ended.put(ended),
        )

    def pass_time(self, seconds: float) -> None:
        """Move the clock, second by second, as a real one would."""
        self.clock.pump([1.0] * int(seconds))


def person(uid: str, type: DeltaType = DeltaType.UPSERT) -> Delta:
    """Return the delta of a person whose id at the source is the uid."""
    return Delta(type, Kind.USER, uid, f"uid={uid},ou=people", {"username": (uid,)} if type is DeltaType.UPSERT else {})


def batch(*uids: str, watermark: str | None = None, caught_up: bool = True) -> Batch:
    """Changes of people."""
    mark = None if watermark is None else Watermark(watermark.encode())
    return Batch(tuple(person(uid) for uid in uids), mark, caught_up=caught_up)


def everybody(*uids: str, watermark: str | None = None) -> Batch:
    """A reconciliation of the people."""
    mark = None if watermark is None else Watermark(watermark.encode())
    users = frozenset({Kind.USER})
    return Batch(tuple(person(uid) for uid in uids), mark, users, users, caught_up=True)


HEARTBEAT = Batch(caught_up=True)


async def until(condition: Callable[[], object]) -> None:
    """Turn the reactor until the condition holds; fails after PATIENCE_SECONDS. For what real threads bring about."""
    deadline = reactor.seconds() + PATIENCE_SECONDS
    while not condition():
        assert reactor.seconds() < deadline, "it did not happen in time"
        await deferLater(reactor, 0.002)


async def reached(wait: Wait) -> None:
    """The source has come to this step of its script."""
    await until(wait.reached.is_set)
