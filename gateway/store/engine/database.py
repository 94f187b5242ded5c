"""The database: work is a function of a Connection, and runs in one transaction in a thread.

`read` and `write` return Deferreds and never block the reactor; the `_blocking` twins are for threads and the command line."""

import contextlib
import functools
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from sqlalchemy import Connection, Engine, exc
from twisted.internet.defer import Deferred

from gateway.model.errors import OutcomeUnknown, StoreUnavailable
from gateway.store.engine import dialects, schema_guard
from gateway.store.engine.postgres.notify import notify
from gateway.store.engine.sql_types import SelectConnection
from gateway.store.engine.sqlite.bounded_reads import LongRead, bounded
from gateway.store.engine.sqlite.inline_reads import InlineReader, InlineReadUnavailable, LoginState
from gateway.store.engine.store_threads import ANSWER_SECONDS, WRITE_SECONDS, StoreThreads, Turn
from gateway.store.engine.transaction_notes import LAST_CHANGE, forget
from gateway.twisted_internals.reactor import IReactor, installed

__all__ = ["Connection", "Database"]

T = TypeVar("T")

READ_THREADS = 4
"""Enough to keep two cores busy while one thread waits for the disk; each costs a connection on PostgreSQL."""


class Database:
    """The store behind `url`. Nothing is opened before the first piece of work, so a constructor never fails on a dead server;
    it raises ConfigurationError for a URL that cannot be one.

    Every method may be called from any thread, but for `read`, `read_inline`, `read_few`, `write` and `login_state_inline`:
    those belong to the reactor's."""

    def __init__(self, url: str, *, reactor: IReactor | None = None, threads: int = READ_THREADS) -> None:
        self._engines = dialects.connect(url, threads)
        self._reactor = reactor
        self._readers = StoreThreads(threads, "store-read", self._engines.name)
        self._writers = StoreThreads(self._engines.writers, "store-write", self._engines.name)
        self._callbacks: list[Callable[[int], None]] = []
        self._url = url
        self._schema: str | None = None
        self._inline = InlineReader(self._engines.name) if self.embedded else None
        self._closed = False

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

    def read(self, work: Callable[[Connection], T], seconds: float | None = ANSWER_SECONDS) -> "Deferred[T]":
        """Run `work` in a thread, on one unchanging state of the store. Fails with StoreUnavailable, at the latest after
        `seconds` (None: when the store says nothing for long), or as `work` does."""
        return self._readers.run(self._reactor_of_ours(), functools.partial(self._read_until, work), seconds)

    async def read_inline(self, work: Callable[[SelectConnection], T]) -> T:
        """Run as `read` does, but in the reactor's thread when the store is a file: for work with one SELECT, a constant of its
        module, that finds a few rows by their keys. Raises StoreUnavailable, or as `work` does."""
        if self._inline is not None:
            with contextlib.suppress(InlineReadUnavailable):
                return self._inline.read(work)
        return await self.read(work)

    async def read_few(self, work: Callable[[Connection], T]) -> T:
        """Run as `read` does, but in the reactor's thread when the store is a file: for work that finds a few rows by their
        keys, in fewer microseconds than the way through a thread takes. Work that turns out to be long is begun anew in a
        thread, so it must have no effect. Raises as `read` fails."""
        if self._engines.inline is not None and not self._closed:
            with contextlib.suppress(StoreUnavailable, LongRead):  # a thread waits for what is locked, and says what is wrong
                return self._read(lambda connection: bounded(connection, work), self._engines.inline)
        return await self.read(work)

    def write(self, work: Callable[[Connection], T], seconds: float | None = WRITE_SECONDS) -> "Deferred[T]":
        """Run `work` in a thread and commit; when it raises, nothing of it is kept. Fails as `read` does; with its kind
        OutcomeUnknown when the commit was not answered: it may have been done, or may be done yet."""
        return self._writers.run(self._reactor_of_ours(), functools.partial(self._write_until, work), seconds)

    def login_state_inline(self, user_id: str) -> LoginState | None:
        """Return a user as of the last commit without waiting; None where that is impossible
        (store/engine/sqlite/inline_reads.py): then `read`."""
        return None if self._inline is None else self._inline.login_state(user_id)

    def read_blocking(self, work: Callable[[Connection], T], seconds: float | None = None) -> T:
        """Run as `read` does, in the calling thread."""
        with self._engines.until(None if seconds is None else monotonic() + seconds):
            return self._read(work)

    def _read(self, work: Callable[[Connection], T], engine: Engine | None = None) -> T:
        engine = engine or self._engines.reader
        with self._engines.translated(), self._engines.connect(engine) as connection, connection.begin():
            forget(connection)
            return work(connection)

    def write_blocking(self, work: Callable[[Connection], T]) -> T:
        """Run as `write` does, in the calling thread."""
        return self._write(work, lambda: None)

    def _write(self, work: Callable[[Connection], T], committing: Callable[[], None]) -> T:
        with self._engines.translated(), self._engines.connect(self._engines.writer) as connection:
            forget(connection)
            with connection.begin() as transaction:
                if self._schema is not None:
                    schema_guard.check(connection, self._schema, self.name)
                result = work(connection)
                notify(connection)
                committing()
                try:
                    transaction.commit()
                except exc.DBAPIError as error:
                    if self._engines.leaves_unknown(error):
                        raise OutcomeUnknown(
                            f"the store {self.name} did not answer the commit; whether the work was done is not known: "
                            "check that the server runs and can be reached"
                        ) from error
                    raise
            number = connection.info.get(LAST_CHANGE)
        if number is not None:
            for callback in self._callbacks:
                callback(number)
        return result

    def require_schema(self, revision: str) -> None:
        """Fail every later write with StoreUnavailable while the store has another schema than this one (schema_guard.py)."""
        self._schema = revision

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
        self._closed = True
        self._readers.stop()
        self._writers.stop()
        if self._inline is not None:
            self._inline.close()
        self._engines.dispose()

    def _read_until(self, work: Callable[[Connection], T], turn: Turn) -> T:
        with self._engines.until(turn.deadline):
            return self._read(work)

    def _write_until(self, work: Callable[[Connection], T], turn: Turn) -> T:
        with self._engines.until(turn.deadline):
            return self._write(work, turn.commit)

    def _reactor_of_ours(self) -> IReactor:
        if self._reactor is None:
            self._reactor = installed()
        return self._reactor
