"""Threads for the store's work, and the time in which whoever asks gets an answer.

Work that does not come to its commit in time is not done; a commit that is not answered in time is reported as OutcomeUnknown.
A thread whose work hangs is free again when the work gives up (store/engine/postgres/silence.py)."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from gateway.model.errors import OutcomeUnknown, StoreUnavailable
from gateway.twisted_internals.reactor import IReactor

T = TypeVar("T")

ANSWER_SECONDS: Final = 5.0
"""The longest wait for an answer: a client that binds is told before it gives up by itself."""

PAGE_SECONDS: Final = 30.0
"""The same for a read of many rows, of which nobody waits for the first."""

WRITE_SECONDS: Final = 20.0
"""The same for a write, which may have to wait for the batch of a source, or on SQLite for another process
(dialects.BUSY_MILLISECONDS)."""

GRACE_SECONDS: Final = 1.0
"""The time that the thread has beyond the deadline: what it reports is more exact than that nothing was heard."""


class Turn:
    """One piece of work with its time: `deadline` of `time.monotonic`, None without one. The clock gives it up, or the work
    commits, whichever comes first."""

    def __init__(self, store: str, seconds: float | None) -> None:
        self._store, self._seconds = store, seconds
        self.deadline = None if seconds is None else monotonic() + seconds
        self._given_up = False
        self._decided = threading.Lock()

    def check(self) -> None:
        """Raise StoreUnavailable when it was given up."""
        if self._given_up:
            raise StoreUnavailable(self._silence)

    def commit(self) -> None:
        """Take note that the work commits from now on. Raises StoreUnavailable when it was given up before."""
        if not self._decided.acquire(blocking=False):
            raise StoreUnavailable(self._silence)

    def give_up(self) -> Failure:
        """Return the error for whoever waits."""
        self._given_up = True
        if self._decided.acquire(blocking=False):
            return Failure(StoreUnavailable(self._silence))  # type: ignore[no-untyped-call]
        unknown = OutcomeUnknown(f"{self._silence}; whether the work was done is not known")
        return Failure(unknown)  # type: ignore[no-untyped-call]

    @property
    def _silence(self) -> str:
        return f"the store {self._store} did not answer within {self._seconds:.0f} s: check that it runs, and how busy it is"


class StoreThreads:
    """A thread pool that starts with its first work and can be stopped for good. `store`: its name in messages."""

    def __init__(self, threads: int, name: str, store: str) -> None:
        self._pool = ThreadPool(0, threads, name)
        self._store = store
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, reactor: IReactor, work: Callable[["Turn"], T], seconds: float | None) -> "Deferred[T]":
        """Return the outcome of `work(turn)` in a thread. With `seconds`, it fails after that time with StoreUnavailable, and
        with OutcomeUnknown where the work commits just then. Cancelled, it ends at once; the work does not."""
        answer: Deferred[T] = Deferred()
        turn = Turn(self._store, seconds)

        def begun() -> T:
            turn.check()
            return work(turn)

        def ended(_success: bool, result: T | Failure) -> None:  # in the thread
            reactor.callFromThread(told, result)

        def told(result: T | Failure) -> None:
            if timer is not None and timer.active():
                timer.cancel()
            if not answer.called:
                answer.callback(result)

        threads = self._started()
        if threads is None:
            answer.errback(StoreUnavailable(f"the store {self._store} is closed"))
            return answer
        timer = None if seconds is None else reactor.callLater(seconds + GRACE_SECONDS, lambda: told(turn.give_up()))
        threads.callInThreadWithCallback(ended, begun)
        return answer

    def stop(self) -> None:
        """Wait for the work that is running, and take no more. May be called twice."""
        with self._lock:
            stop = self._pool.started and not self._stopped
            self._stopped = True
        if stop:
            self._pool.stop()

    def _started(self) -> ThreadPool | None:
        with self._lock:
            if self._stopped:
                return None
            if not self._pool.started:
                self._pool.start()
            return self._pool
