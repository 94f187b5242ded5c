"""The batches of one read of a source: each is fetched in a thread while the one before it is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.model.connector import Source
from gateway.model.deltas import Batch

T = TypeVar("T")


class Fetched(NamedTuple):
    """The outcome of one fetch: a batch, an error, or neither when the read is at its end."""

    batch: Batch | None = None
    error: Exception | None = None


class PrefetchedBatches:
    """`batches` of `source`, the first of which is being fetched already. Belongs to the reactor's thread."""

    def __init__(self, source: Source, batches: Iterator[Batch], reactor: IReactorFromThreads, threads: ThreadPool) -> None:
        self._source = source
        self._batches = batches
        self._reactor = reactor
        self._threads = threads
        self._upcoming = self._fetch()

    async def next(self) -> Batch | None:
        """Return the next batch, None at the end of the read, and fetch the one after it. Raises as the source does."""
        fetched = await self._upcoming
        if fetched.error is not None:
            raise fetched.error
        if fetched.batch is not None:
            self._upcoming = self._fetch()
        return fetched.batch

    async def close(self) -> None:
        """End the read, and wait for the thread."""
        if not self._upcoming.called:
            self._source.close()
        await self._upcoming
        await self._in_thread(getattr(self._batches, "close", _nothing))

    def _fetch(self) -> Deferred[Fetched]:
        return self._in_thread(lambda: _fetched(self._batches))

    def _in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._threads, work)


def _fetched(batches: Iterator[Batch]) -> Fetched:
    try:
        return Fetched(next(batches, None))
    except Exception as error:  # of whatever kind: the runner handles it, and it may come after the runner has left
        return Fetched(error=error)


def _nothing() -> None:
    """For iterators that are no generators and have nothing to close."""
