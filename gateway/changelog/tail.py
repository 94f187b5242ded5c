"""The tail of the change log: the changes after a number, waiting until there are some. It wakes on a commit of this process
and on a notice of another node (PostgreSQL), and polls as well, because notices may be lost.

Nothing here knows what the changes are for."""

from functools import partial

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import LoopingCall

from gateway.model.changes import Change
from gateway.store.engine.database import Database
from gateway.store.engine.postgres_notify import Listener
from gateway.store.log import changes
from gateway.twisted_internals.reactor import IReactor

POLL_SECONDS = 1.0
"""The longest delay until a change of another process is noticed when no notice of it arrives."""


class TailClosed(Exception):
    """The tail was closed: the process is stopping."""


class Tail:
    """The tail, one for each process; any number of readers may wait on it. Belongs to the reactor's thread."""

    def __init__(self, database: Database, reactor: IReactor, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._reactor = reactor
        self._last = 0
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
        self, number: int, limit: int, timeout_seconds: float | None = None, *, members: bool = True
    ) -> list[Change]:
        """Return the changes that follow `number`, in order, at least one and at most `limit`; wait until there are some.
        `members`: as for `gateway.store.log.changes.after`.

        With `timeout_seconds`, return an empty list when there were none for so long. Raises StoreUnavailable when they are
        there but cannot be read, and TailClosed when the tail was closed."""
        deadline = None if timeout_seconds is None else self._reactor.seconds() + timeout_seconds
        while True:
            if self._closed:
                raise TailClosed
            if number < self._last:
                found = await self._database.read(partial(changes.after, number=number, limit=limit, members=members))
                if found:
                    return found
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
        return maybeDeferred(self._database.read, changes.last).addCallbacks(self._reached, lambda _failure: None)

    def _reached(self, number: int) -> None:
        if number > self._last:
            self._last = number
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for deferred in waiting:
            deferred.callback(None)
