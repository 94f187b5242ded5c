"""Consumers: named readers of the change log. Each hands every change, in order and at least once, to a handler and stores its
own position.

A failed handler is called again with back-off; a consumer that stands still delays only itself (law 4)."""

import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias, TypeVar

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from gateway.changelog.tail import Tail, TailClosed
from gateway.model.backoff import Backoff, Delays
from gateway.model.changes import Change
from gateway.model.errors import HistoryChanged
from gateway.store.engine.database import Connection, Database
from gateway.store.log import epoch, positions

T = TypeVar("T")

Handler: TypeAlias = Callable[[list[Change]], Awaitable[None]]

AT_ONCE = 500
"""The most changes handed over at a time: enough to make one transaction worth its fsync, few enough to repeat after a
failure."""

DELAYS = Delays(first_seconds=1.0, cap_seconds=300.0, jitter=(0.5, 1.0))

log = structlog.get_logger()


class Consumer:
    """A consumer. `handle` gets the changes after the position, in order; when it returns, the position is stored; when it
    raises, it gets the same changes (and perhaps more) again. A crash between the two repeats them: the change number tells
    repeats.

    `jitter` returns a number from 0 to 1; it keeps many nodes from coming back at the same moment.
    """

    def __init__(
        self,
        name: str,
        tail: Tail,
        database: Database,
        handle: Handler,
        *,
        reactor: IReactorTime,
        at_once: int = AT_ONCE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.position = 0
        self._digest = ""
        self._tail = tail
        self._database = database
        self._handle = handle
        self._reactor = reactor
        self._at_once = at_once
        self._backoff = Backoff(jitter)
        self._stopping = False
        self._running: Deferred[None] | None = None
        self._interrupt: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to read at the stored position; return at once."""
        self._running = Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """Let the running handler end, then stop. May be called twice."""
        self._stopping = True
        if self._interrupt is not None:
            self._interrupt()
        if self._running is not None:
            running, self._running = self._running, None
            await running

    async def _run(self) -> None:
        known = False
        while not self._stopping:
            try:
                if not known:
                    self.position, self._digest = await self._database.read(self._stored)
                    known = True
                await self._step()
                self._backoff.succeeded()
            except TailClosed:
                return
            except HistoryChanged as error:  # the position that is stored went back in time with the log
                log.warning("a reader of the log goes back to its stored position", reader=self.name, error=str(error))
                known = False
            except Exception as error:
                if not self._stopping:
                    await self._back_off(error)

    async def _step(self) -> None:
        new = await self._interrupted_by_stop(
            Deferred.fromCoroutine(self._tail.after(self.position, self._at_once, digest=self._digest))
        )
        await self._handle(new)
        reached, now = new[-1].number, datetime.now(UTC)
        await self._database.write(partial(positions.set_position, name=self.name, number=reached, now=now))
        self.position, self._digest = reached, epoch.digest_after(self._digest, new[-1])

    def _stored(self, connection: Connection) -> tuple[int, str]:
        position = positions.get(connection, self.name) or 0
        return position, epoch.digest_at(connection, position)

    async def _back_off(self, error: Exception) -> None:
        delay = self._backoff.failed(DELAYS)
        log.warning(
            "a reader of the log failed and will try again",
            reader=self.name,
            position=self.position,
            retry_seconds=round(delay, 1),
            error=str(error) or type(error).__name__,
        )
        with contextlib.suppress(CancelledError):  # by `stop`
            await self._interrupted_by_stop(deferLater(self._reactor, delay))

    async def _interrupted_by_stop(self, waiting: "Deferred[T]") -> T:
        self._interrupt = waiting.cancel
        try:
            return await waiting
        finally:
            self._interrupt = None
