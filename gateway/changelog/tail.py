"""The tail of the change log: the changes after a number, waiting until there are some. It wakes on a commit of this process
and on a notice of another node (PostgreSQL), and polls as well, because notices may be lost. Where the log turns out to be
another one than it was (the store went back in time), each waiting reader finds out whether it can go on.

Nothing here knows what the changes are for."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import LoopingCall

from gateway.model.changes import Change
from gateway.model.errors import HistoryChanged
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.postgres.notify import Listener
from gateway.store.engine.store_threads import PAGE_SECONDS
from gateway.store.log import changes, epoch
from gateway.twisted_internals.reactor import IReactor

POLL_SECONDS = 1.0
"""The longest delay until a change of another process is noticed when no notice of it arrives."""


Reading: TypeAlias = Callable[[Connection], list[Change]]
"""A piece of work for `Database.read` that returns changes in order."""


class TailClosed(Exception):
    """The tail was closed: the process is stopping."""


class _End(NamedTuple):
    """The end of the log as one poll found it, and the digest that it has at the place that was known before."""

    last: int
    digest: str
    digest_before: str


class Tail:
    """The tail, one for each process; any number of readers may wait on it. Belongs to the reactor's thread."""

    def __init__(self, database: Database, reactor: IReactor, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._reactor = reactor
        self._last = 0
        self._known: tuple[int, str] | None = None
        self._histories = 0
        self._closed = False
        self._waiting: set[Deferred[None]] = set()
        database.on_commit(self._committed)
        self._polling = LoopingCall(self._read_last)
        self._polling.clock = reactor
        self._polling.start(poll_seconds)
        self._listener = Listener(url, self._noticed) if (url := database.listening_url) else None
        if self._listener is not None:
            self._listener.start()

    @property
    def last(self) -> int:
        """The highest change number known to be committed; 0 before the store was read for the first time."""
        return self._last

    async def after(
        self,
        number: int,
        limit: int,
        timeout_seconds: float | None = None,
        *,
        members: bool = True,
        digest: str | None = None,
        run: "Callable[[Reading], Deferred[list[Change]]] | None" = None,
    ) -> list[Change]:
        """Return the changes that follow `number`, in order, at least one and at most `limit`; wait until there are some.
        `members`: as for `gateway.store.log.changes.after`. With `digest` (epoch.py), that of the log at `number`, raise
        HistoryChanged as soon as the log has another one. `run` reads, and may work on what it has read, in a thread of the
        caller's: one way into a thread and back less.

        With `timeout_seconds`, return an empty list when there were none for so long. Raises StoreUnavailable when they are
        there but cannot be read, and TailClosed when the tail was closed."""
        deadline = None if timeout_seconds is None else self._reactor.seconds() + timeout_seconds
        run = run or partial(self._database.read, seconds=PAGE_SECONDS)
        histories = self._histories if digest is None else 0  # it may have changed since the reader looked for itself
        while True:
            if self._closed:
                raise TailClosed
            if number < self._last or histories != self._histories:
                last, histories = self._last, self._histories
                reading = partial(_following, number=number, limit=limit, members=members, digest=digest)
                found = await run(reading)
                if found:
                    return found
                if (last, histories) != (self._last, self._histories):  # while it read, when nobody waited to be woken
                    continue
            if digest is not None:
                self._keep(number, digest)
            if not await self._wait_for_growth(deadline):
                return []

    def committed_elsewhere(self, number: int) -> None:
        """Take note that another process of ours has committed changes up to `number`."""
        self._reached(number)

    def close(self) -> None:
        """Stop; every waiting reader ends with TailClosed. May be called twice."""
        self._closed = True
        self._database.remove_callback(self._committed)
        if self._polling.running:
            self._polling.stop()
        if self._listener is not None:
            self._listener.stop()
        self._wake()

    async def _wait_for_growth(self, deadline: float | None) -> bool:
        """Return True when the log has grown or the tail was closed, False at the deadline."""
        waiting: Deferred[None] = Deferred()
        self._waiting.add(waiting)
        timeout = (
            None if deadline is None else self._reactor.callLater(max(0.0, deadline - self._reactor.seconds()), waiting.cancel)
        )
        try:
            await waiting
        except CancelledError:
            if timeout is None or timeout.active():  # the reader itself was cancelled
                raise
            return False
        finally:
            self._waiting.discard(waiting)
            if timeout is not None and timeout.active():
                timeout.cancel()
        return True

    def _committed(self, number: int) -> None:
        """Called in the thread that wrote."""
        self._reactor.callFromThread(self._reached, number)

    def _noticed(self) -> None:
        """Called in the listener's thread."""
        self._reactor.callFromThread(self._read_last)

    def _read_last(self) -> "Deferred[None]":
        """Read the last change number. A store that cannot be read is no error here: the next poll comes soon."""
        last, known = self._last, self._known
        reading = partial(_end, known=0 if known is None else known[0])
        return maybeDeferred(self._database.read, reading).addCallbacks(
            self._found, lambda _failure: None, callbackArgs=(last, known)
        )

    def _found(self, end: _End, last: int, known: tuple[int, str] | None) -> None:
        """Take what a poll found that began when `last` was the last number and `known` the furthest place with its digest."""
        if end.last < last or (known is not None and end.digest_before != known[1]):
            self._known = end.last, end.digest
            self._last = end.last
            self._histories += 1
            self._wake()
        else:
            self._keep(end.last, end.digest)
            self._reached(end.last)

    def _keep(self, number: int, digest: str) -> None:
        """Keep the furthest place of which a poll or a waiting reader has the digest; polls may end out of turn."""
        if self._known is None or number > self._known[0]:
            self._known = number, digest

    def _reached(self, number: int) -> None:
        if number > self._last:
            self._last = number
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for deferred in waiting:
            deferred.callback(None)


def _end(connection: Connection, known: int) -> _End:
    last, digest_before = changes.last(connection), epoch.digest_at(connection, known)
    return _End(last, digest_before if last == known else epoch.digest_at(connection, last), digest_before)


def _following(connection: Connection, number: int, limit: int, members: bool, digest: str | None) -> list[Change]:
    found = changes.after(connection, number=number, limit=limit, members=members)
    if found and found[0].number != number + 1:
        raise HistoryChanged(f"what follows change {number} is not kept any more: the reader was away for too long")
    if digest is not None and epoch.digest_at(connection, number) != digest:
        raise HistoryChanged(f"the store's log is another one than it was at change {number}: the store went back in time")
    return found
