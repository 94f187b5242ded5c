"""Jobs that a process runs beside reading its sources: started once, and stopped at the end of the transaction in progress."""

from abc import ABC, abstractmethod
from typing import Protocol

from twisted.internet.defer import Deferred, ensureDeferred


class BackgroundJob(Protocol):
    """A job as the process starts and stops it: the backfills of this package, and the sweeps of sync/lifecycle."""

    def start(self) -> None:
        """Begin; to be called once."""

    async def stop(self) -> None:
        """Return when the transaction in progress is over."""


class BackfillJob(ABC):
    """A job that is done once after the start of a process. `stopping`: `run` is to end with the transaction in progress."""

    def __init__(self) -> None:
        self.stopping = False
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Begin; to be called once."""
        self._running = ensureDeferred(self.run())

    async def stop(self) -> None:
        """Return when the transaction in progress is over."""
        self.stopping = True
        if self._running is not None:
            await self._running

    @abstractmethod
    async def run(self) -> None:
        """Run to the end, unless the job is stopped. Raises nothing: an error here must not keep the process from stopping."""
