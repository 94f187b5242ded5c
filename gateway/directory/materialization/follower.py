"""The follower of the log for one view: the view is built when it is new, then written in one transaction per handful of
changes, at its own pace (law 4).

One follower per view and process. It writes in a thread of its own; its reader belongs to the reactor's."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.changelog.tail import Tail, TailClosed
from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.projection.view_definition import View
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file import view_file
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.backoff import Backoff, Delays
from gateway.model.errors import HistoryChanged, StoreUnavailable
from gateway.store.engine.database import Database
from gateway.store.log import epoch
from gateway.twisted_internals.reactor import IReactor

MAX_CHANGES = 2_000
"""Changes applied in one transaction of the view."""

RETRY_DELAYS = Delays(first_seconds=1.0, cap_seconds=60.0)

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger("gateway.directory")


class LogFollower:
    """A Follower that builds its view, keeps up with the log and serves it."""

    def __init__(self, view: View, folder: Path, database: Database, tail: Tail, reactor: IReactor) -> None:
        self.view = view
        self.reader: ViewReader | None = None
        """The reader that searches go through; None until the view is complete."""
        self.position = 0
        self.fault = ""
        """The reason why the view does not follow the log now; "" while it does."""
        self._digest = ""
        self.on_change: list[Callable[[], None]] = []
        """Called in the reactor when the view has a new position, begins to serve, or serves no more. They must not raise."""
        self._file = ViewFile(folder, view)
        self._database = database
        self._tail = tail
        self._reactor = reactor
        self._threads = ThreadPool(1, 1, f"view-{view.name}")
        self._applier: LogApplier | None = None
        self._running: Deferred[None] | None = None
        self._stopping = False
        self._backoff = Backoff()

    def start(self) -> None:
        """Start following; `reader` appears when the view can be searched."""
        self._threads.start()
        self._running = ensureDeferred(self._run())

    async def stop(self) -> None:
        """Stop after the transaction that is being written. No search may be running any more."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            await self._running
        self._stop_serving()
        if self._applier is not None:
            # The last one to close: it alone can bring the write-ahead log into the file.
            await self._in_thread(self._applier.close)
        self._threads.stop()

    def _in_thread(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> "Deferred[T]":
        return deferToThreadPool(self._reactor, self._threads, work, *arguments, **options)

    async def _run(self) -> None:
        with contextlib.suppress(CancelledError, TailClosed):
            while not self._stopping:
                await self._attempt()

    async def _attempt(self) -> None:
        try:
            await self._open()
            await self._follow()
        except (CancelledError, TailClosed):
            raise
        except HistoryChanged as error:
            cure = view_file.BUILT_AGAIN
            _log.warning("view belongs to another history", view=self.view.name, error=str(error), cure=cure)
            await self._discard(broken=False)
        except Exception as error:  # the view must come back by itself, whatever the error
            broken = view_file.is_broken(error)
            delay = self._backoff.failed(RETRY_DELAYS)
            self.fault = self._log_failure(error, broken, delay)
            await self._discard(broken)
            await self._wait(delay)

    def _log_failure(self, error: Exception, broken: bool, delay: float) -> str:
        """Return the sentence for a person; the text of an error that is not one of ours may hold anything."""
        expected = isinstance(error, StoreUnavailable | sqlite3.Error)
        cure = f"check disk space and permissions of {self._file.path.parent}; it goes on by itself"
        _log.error(
            "view does not follow the log",
            view=self.view.name,
            error=str(error),
            again_in_seconds=delay,
            cure=view_file.BUILT_AGAIN if broken else cure,
            exc_info=None if expected else error,
        )
        return f"{error}; {cure}" if expected else f"an error of the gateway's own ({type(error).__name__}), see its log"

    async def _discard(self, broken: bool) -> None:
        """Close the writing side, so that the next attempt begins with the file as it is; the reader goes on serving, unless
        the file is `broken`."""
        applier, self._applier = self._applier, None
        if applier is not None:
            with contextlib.suppress(sqlite3.Error):
                await self._in_thread(applier.close)
        if broken:
            self._stop_serving()
            self._file.remove()

    def _stop_serving(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None
            self._notify()

    def _notify(self) -> None:
        for notify in tuple(self.on_change):
            notify()

    async def _wait(self, seconds: float) -> None:
        waiting: Deferred[None] = Deferred()
        call = self._reactor.callLater(seconds, waiting.callback, None)
        try:
            await waiting
        finally:
            if call.active():
                call.cancel()

    async def _open(self) -> None:
        """Open the file, building it when it is new, unfinished, or does not belong to this store."""
        if self._applier is None:
            self._applier = await self._in_thread(LogApplier, self._file, self._database)
        applier = self._applier
        if not await self._in_thread(applier.is_usable):
            _log.info("building view", view=self.view.name, base=str(self.view.base))
            self._stop_serving()
            await self._in_thread(applier.build, lambda: not self._stopping)
        self.position, self._digest = await self._in_thread(lambda: (applier.position, applier.digest))
        if self.position >= self._tail.last:
            self.fault = ""
        if self.reader is None:
            self.reader = ViewReader(self._file)
            self._file.remove_others()
            _log.info("view serves", view=self.view.name, base=str(self.view.base), position=self.position)
            self._notify()

    async def _follow(self) -> None:
        applier, reader = self._applier, self.reader
        assert applier is not None and reader is not None, "opened before"  # noqa: S101
        while not self._stopping:
            changes = await self._tail.after(
                self.position,
                MAX_CHANGES,
                members=False,
                digest=self._digest,
                run=lambda reading: self._in_thread(applier.read_and_apply, reading),
            )
            self.position, self._digest = changes[-1].number, epoch.digest_after(self._digest, changes[-1])
            self.fault = ""
            self._backoff.succeeded()
            if applier.analyze_is_due and self.position >= self._tail.last:
                await self._in_thread(applier.analyze)
            reader.refresh()
            self._notify()
