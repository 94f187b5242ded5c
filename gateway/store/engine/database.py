"""The database: work is a function of a Connection, and runs in one transaction in a thread.

`read` and `write` return Deferreds and never block the reactor; the `_blocking` twins are for threads and the command line."""

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.model.errors import StoreUnavailable
from gateway.store.engine import dialects
from gateway.store.engine.postgres_notify import LAST_CHANGE, notify
from gateway.store.engine.sql_types import SelectConnection
from gateway.store.engine.sqlite_inline_reads import InlineReader, InlineReadUnavailable, LoginState
from gateway.twisted_internals.reactor import installed

__all__ = ["Connection", "Database"]

T = TypeVar("T")

READ_THREADS = 4
"""Enough to keep two cores busy while one thread waits for the disk; each costs a connection on PostgreSQL."""


class Database:
    """The store behind `url`. Nothing is opened before the first piece of work, so a constructor never fails on a dead server;
    it raises ConfigurationError for a URL that cannot be one.

    Every method may be called from any thread, but for `read`, `read_inline`, `write` and `login_state_inline`: those belong to
    the reactor's."""

    def __init__(self, url: str, *, reactor: IReactorFromThreads | None = None, threads: int = READ_THREADS) -> None:
        self._engines = dialects.connect(url, threads)
        self._reactor = reactor
        self._readers = _Pool(threads, "store-read")
        self._writers = _Pool(self._engines.writers, "store-write")
        self._callbacks: list[Callable[[int], None]] = []
        self._url = url
        self._inline = InlineReader(self._engines.name) if self.embedded else None

    @property
    def name(self) -> str:
        """The store's name in messages: the file, or the server's URL without its password."""
        return self._engines.name

    @property
    def embedded(self) -> bool:
        """True when the store is a file of this machine's own."""
        return self._engines.dialect == "sqlite"

    @property
    def listening_url(self) -> str | None:
        """The URL, with its password, at which other nodes' notices arrive; None when there are no other nodes."""
        return None if self.embedded else self._url

    def read(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Run `work` in a thread, on one unchanging state of the store. Fails with StoreUnavailable, or as `work` does."""
        return self._deferred(self._readers, self.read_blocking, work)

    async def read_inline(self, work: Callable[[SelectConnection], T]) -> T:
        """Run as `read` does, but in the reactor's thread when the store is a file: for work with one SELECT, a constant of its
        module, that finds a few rows by their keys. Raises StoreUnavailable, or as `work` does."""
        if self._inline is not None:
            with contextlib.suppress(InlineReadUnavailable):
                return self._inline.read(work)
        return await self.read(work)

    def write(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Run `work` in a thread and commit; when it raises, nothing of it is kept."""
        return self._deferred(self._writers, self.write_blocking, work)

    def login_state_inline(self, user_id: str) -> LoginState | None:
        """Return a user as of the last commit without waiting; None where that is impossible (sqlite_inline_reads.py): then
        `read`."""
        return None if self._inline is None else self._inline.login_state(user_id)

    def read_blocking(self, work: Callable[[Connection], T]) -> T:
        """Run as `read` does, in the calling thread."""
        with self._engines.translated(), self._engines.reader.connect() as connection, connection.begin():
            return work(connection)

    def write_blocking(self, work: Callable[[Connection], T]) -> T:
        """Run as `write` does, in the calling thread."""
        with self._engines.translated(), self._engines.writer.connect() as connection:
            connection.info.pop(LAST_CHANGE, None)
            with connection.begin():
                result = work(connection)
                notify(connection)
            number = connection.info.pop(LAST_CHANGE, None)
        if number is not None:
            for callback in self._callbacks:
                callback(number)
        return result

    def on_commit(self, callback: Callable[[int], None]) -> None:
        """Have `callback(number)` called after each commit of this process that appended changes, `number` being the last one.

        It is called in the thread that wrote: it must be quick, must not raise, and must hand over to the reactor by itself.
        """
        self._callbacks.append(callback)

    def remove_callback(self, callback: Callable[[int], None]) -> None:
        """Undo `on_commit`; nothing when it is not there."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def close(self) -> None:
        """Wait for the work that is running, then close every connection. May be called twice."""
        self._readers.stop()
        self._writers.stop()
        if self._inline is not None:
            self._inline.close()
        self._engines.dispose()

    def _deferred(
        self, pool: "_Pool", run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T]
    ) -> "Deferred[T]":
        if self._reactor is None:
            self._reactor = installed()
        threads = pool.started()
        if threads is None:
            return fail(StoreUnavailable(f"the store {self.name} is closed"))
        return deferToThreadPool(self._reactor, threads, functools.partial(run, work))


class _Pool:
    """A thread pool that starts with its first work and can be stopped for good."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPool(0, threads, name)
        self._lock = threading.Lock()
        self._stopped = False

    def started(self) -> ThreadPool | None:
        with self._lock:
            if self._stopped:
                return None
            if not self._pool.started:
                self._pool.start()
            return self._pool

    def stop(self) -> None:
        with self._lock:
            stop = self._pool.started and not self._stopped
            self._stopped = True
        if stop:
            self._pool.stop()
