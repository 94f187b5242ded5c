"""The end of the log: "give me the changes after n", waiting until there are some. Wakes on a commit of this process, on a
notice of another node (PostgreSQL), and asks by itself now and then, because notices may be lost.

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
"""How late a change of another process may be noticed when no notice of it arrives."""


class TailClosed(Exception):
    """The log is no longer followed: the process is stopping."""


class Tail:
    """One for each process; any number of readers may wait on it. Belongs to the reactor's thread."""

    def __init__(self, database: Database, reactor: IReactor, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._reactor = reactor
        self._last = 0
        self._closed = False
        self._waiting: set[Deferred[None]] = set()
        database.on_commit(self._committed)
        self._poll = LoopingCall(self._ask)
        self._poll.clock = reactor
        self._poll.start(poll_seconds)
        self._listener = Listener(url, self._noticed) if (url := database.listening_url) else None
        if self._listener is not None:
            self._listener.start()

    @property
    def last(self) -> int:
        """The highest change number known to be committed; 0 before the store was asked for the first time."""
        return self._last

    async def after(
        self, number: int, limit: int, timeout_seconds: float | None = None, *, members: bool = True
    ) -> list[Change]:
        """The changes that follow `number`, in order, at least one and at most `limit`; waits until there are some.
        `members`: as for `gateway.store.log.changes.after`.

        With `timeout_seconds`, an empty list when there were none for so long. Raises StoreUnavailable when they are there
        but cannot be read, and TailClosed when the tail was closed.
        """
        deadline = None if timeout_seconds is None else self._reactor.seconds() + timeout_seconds
        while True:
            if self._closed:
                raise TailClosed
            if number < self._last:
                found = await self._database.read(partial(changes.after, number=number, limit=limit, members=members))
                if found:
                    return found
            if not await self._growth(deadline):
                return []

    def committed_elsewhere(self, number: int) -> None:
        """Another process of ours says that it has committed changes up to `number`."""
        self._reached(number)

    def close(self) -> None:
        """Stop following; every waiting reader ends with TailClosed. May be called twice."""
        self._closed = True
        self._database.remove_callback(self._committed)
        if self._poll.running:
            self._poll.stop()
        if self._listener is not None:
            self._listener.stop()
        self._wake()

    async def _growth(self, deadline: float | None) -> bool:
        """Wait until the log has grown (or the tail was closed): True; or until the deadline: False."""
        waiting: Deferred[None] = Deferred()
        self._waiting.add(waiting)
        timeout = (
            None if deadline is None else self._reactor.callLater(max(0.0, deadline - self._reactor.seconds()), waiting.cancel)
        )
        try:
            await waiting
        except CancelledError:
            if timeout is None or timeout.active():  # it was the reader's own doing
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
        self._reactor.callFromThread(self._ask)

    def _ask(self) -> "Deferred[None]":
        """Look how far the log reaches. A store that cannot be read is no error here: asked again soon."""
        return maybeDeferred(self._database.read, changes.last).addCallbacks(self._reached, lambda _failure: None)

    def _reached(self, number: int) -> None:
        if number > self._last:
            self._last = number
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for deferred in waiting:
            deferred.callback(None)
