"""A shared view: its file is written by another process of ours, and read here as that process reports it; never built, never
written."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.directory.projection.view_definition import View
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file import view_file
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.errors import StoreUnavailable

RETRY_SECONDS = 1.0

_log = structlog.get_logger("gateway.directory")


class SharedView:
    """A Follower that follows the writer's reports. Belongs to the reactor's thread."""

    def __init__(self, view: View, folder: Path, reactor: IReactorTime) -> None:
        self.view = view
        self.reader: ViewReader | None = None
        """The reader that searches go through; None while the writer reports no complete file."""
        self.position = 0
        self.on_change: list[Callable[[], None]] = []
        """See Follower.on_change."""
        self._file = _OneBuild(folder, view)
        self._reactor = reactor
        self._retry: IDelayedCall | None = None

    def report(self, build: str, position: int) -> None:
        """Take the writer's report: the file is complete in this `build` ("": in none) and has this position."""
        if build != self._file.build:
            self._close_reader()
            self._file.build = build
        self.position = position
        if build:
            self._read()
        for notify in tuple(self.on_change):
            notify()

    def close(self) -> None:
        """Stop reading. A search that is open keeps its snapshot."""
        self.report("", self.position)

    def _read(self) -> None:
        try:
            if self.reader is None:
                self.reader = ViewReader(self._file)
            else:
                self.reader.refresh()
        except (StoreUnavailable, sqlite3.Error) as error:
            _log.error("view cannot be read", view=self.view.name, error=str(error), again_in_seconds=RETRY_SECONDS)
            self._close_reader()
            self._retry = self._reactor.callLater(RETRY_SECONDS, self._read_again)

    def _read_again(self) -> None:
        self.report(self._file.build, self.position)

    def _close_reader(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class _OneBuild(ViewFile):
    """The file of one build. Between two builds another file, not complete, has the same path for a while: reading that would
    be an empty success (law 8)."""

    build = ""

    def open_reader(self, *, shared: bool = False) -> sqlite3.Connection:
        connection = super().open_reader(shared=shared)
        try:
            found = view_file.read_meta(connection, "build") if view_file.read_meta(connection, "complete") else None
        except (sqlite3.Error, TypeError):  # the tables are not there yet
            found = None
        if not self.build or found != self.build:
            connection.close()
            raise StoreUnavailable(f"view {self.view.name}: it is being built; try again shortly")
        return connection
