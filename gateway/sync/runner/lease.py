"""A lease that is kept for as long as it is needed: of all nodes, one reads a given source.

What is written under a lease is written by `write`, which looks under the log's lock whether the lease is still this holder's:
a node that was paused while another took over writes nothing of what it still had in hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from gateway.model.errors import Conflict, LeaseLost, StoreUnavailable
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes
from gateway.store.operations import leases

T = TypeVar("T")

LEASE_SECONDS: Final = 7.0
"""After a node dies, another takes over within this and its own retry (source_runner.py): ten seconds in all."""

RENEW_SECONDS: Final = 2.0
"""Two renewals may fail before the lease ends."""


def _fenced(name: str, number: int, work: Callable[[Connection], T], connection: Connection) -> T:
    changes.lock(connection)
    if not leases.is_current(connection, name, number):
        raise LeaseLost(f"{name} is read by another node now; what this one still had is left to it")
    return work(connection)


class Lease:
    """Renewed by `clock`, inside Twisted. `lost` is called when another holder has taken it over."""

    def __init__(
        self,
        database: Database,
        name: str,
        holder: str,
        now: Callable[[], datetime],
        clock: IReactorTime,
        lost: Callable[[], None],
    ) -> None:
        self._database = database
        self._name, self._holder, self._now = name, holder, now
        self._number = 0
        self._lost = lost
        self._renewal = LoopingCall(self._renew)
        self._renewal.clock = clock

    @property
    def held(self) -> bool:
        return self._renewal.running

    async def acquire(self) -> bool:
        """Take the lease, or find that it is held already. Returns whether it is ours now."""
        if self.held:
            return True
        number = await self._database.write(
            lambda connection: leases.acquire(connection, self._name, self._holder, LEASE_SECONDS, self._now())
        )
        if number is not None:
            self._number = number
            self._renewal.start(RENEW_SECONDS, now=False)
        return self.held

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work in a transaction of its own. Raises LeaseLost, and nothing is written, when another holder has
        taken the lease over; it is not held any more then."""
        number = self._number
        try:
            return await self._database.write(lambda connection: _fenced(self._name, number, work, connection), None)
        except LeaseLost:
            self._end()
            raise

    async def release(self) -> None:
        """Give it back. Raises StoreUnavailable; the lease then ends by itself."""
        if self.held:
            self._renewal.stop()
            number = self._number
            await self._database.write(lambda connection: leases.release(connection, self._name, number))

    async def _renew(self) -> None:
        number = self._number
        try:
            kept = await self._database.write(
                lambda connection: leases.renew(connection, self._name, number, LEASE_SECONDS, self._now())
            )
        except StoreUnavailable:
            return  # without a store nothing can be applied either: work that needs the lease fails by itself
        if not kept and number == self._number:
            self._end()

    def _end(self) -> None:
        if self.held:
            self._renewal.stop()
            self._lost()


class LeaseInThread:
    """A context manager for a process without a reactor: renewed by a thread. Raises Conflict when another holder has it."""

    def __init__(self, database: Database, name: str, holder: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._name, self._holder, self._now = name, holder, now
        self._number = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        number = self._database.write_blocking(
            lambda connection: leases.acquire(connection, self._name, self._holder, LEASE_SECONDS, self._now())
        )
        if number is None:
            raise Conflict(f"{self._name} is being read by another process: try again when it is done")
        self._number = number
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._database.write_blocking(lambda connection: leases.release(connection, self._name, self._number))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run a piece of work in a transaction of its own. Raises LeaseLost, and nothing is written, when another holder has
        taken the lease over."""
        return self._database.write_blocking(lambda connection: _fenced(self._name, self._number, work, connection))

    def _keep(self) -> None:
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._database.write_blocking(
                    lambda connection: leases.renew(connection, self._name, self._number, LEASE_SECONDS, self._now())
                )
            except StoreUnavailable:
                continue  # the next batch says it
