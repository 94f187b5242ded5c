"""A sweep: work that is done again and again in small transactions, by one node of all, until nothing is left of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from gateway.model.errors import LeaseLost, StoreUnavailable
from gateway.store.engine.database import Connection, Database
from gateway.sync.runner.lease import Lease

SWEEP_SECONDS: Final = 600.0  # what is swept is counted in days: ten minutes more are none

_log = structlog.get_logger("gateway.sweep")


class LeasedSweep(ABC):
    """A sweep of one process, every SWEEP_SECONDS of `clock`; of several nodes the one that holds the lease sweeps. `lease`:
    its name, by which log lines call the sweep, too."""

    def __init__(self, database: Database, lease: str, holder: str, now: Callable[[], datetime], clock: IReactorTime) -> None:
        self._name = lease
        self._lease = Lease(database, lease, holder, now, clock, lost=lambda: None)
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clock
        self._stopping = False
        self._turning: Deferred[None] | None = None

    @abstractmethod
    def sweep(self, connection: Connection) -> int:
        """Do the next part in the transaction of this connection; return the number of things done, 0 when nothing is left."""

    @abstractmethod
    def report(self, swept: int) -> None:
        """Log what was done in a turn that did something."""

    def start(self) -> None:
        """Begin; to be called once."""
        self._loop.start(SWEEP_SECONDS)

    async def stop(self) -> None:
        """Return when the transaction in progress is over and the lease is given back."""
        self._stopping = True
        if self._loop.running:
            self._loop.stop()
        if self._turning is not None:
            await self._turning
        try:
            await self._lease.release()
        except StoreUnavailable:
            _log.warning(f"the lease for {self._name} could not be given back; it ends by itself")

    def _turn(self) -> Deferred[None]:
        self._turning = ensureDeferred(self.run())
        return self._turning

    async def run(self) -> None:
        """Sweep once, to the end unless it is stopped, if this node holds the lease."""
        swept = 0
        try:
            if await self._lease.acquire():
                while not self._stopping and self._lease.held:
                    count = await self._lease.write(self.sweep)
                    swept += count
                    if not count:
                        break
        except LeaseLost:
            pass  # another node sweeps
        except StoreUnavailable as error:
            _log.warning(f"{self._name}: nothing is swept: {error}; it is tried again in {SWEEP_SECONDS / 60:g} minutes")
        except Exception as error:  # the next sweep must not fail of it
            _log.error(f"{self._name}: nothing can be swept", error=repr(error), exc_info=error)
        if swept:
            self.report(swept)
