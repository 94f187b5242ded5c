"""Leases that are renewed for as long as they are needed: of all nodes, one reads a given source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from gateway.model.errors import Conflict, StoreUnavailable
from gateway.store.engine.database import Database
from gateway.store.operations import leases

LEASE_SECONDS: Final = 30.0  # after a node dies, another takes over this much later
RENEW_SECONDS: Final = 10.0


class Lease:
    """A lease that `clock` renews, inside Twisted. `lost` is called when another holder has taken it over."""

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
        self._lost = lost
        self._renewal = LoopingCall(self._renew)
        self._renewal.clock = clock

    @property
    def held(self) -> bool:
        return self._renewal.running

    async def acquire(self) -> bool:
        """Take the lease unless it is held already; return True when it is ours now."""
        if not self.held and await self._database.write(
            lambda connection: leases.acquire(connection, self._name, self._holder, LEASE_SECONDS, self._now())
        ):
            self._renewal.start(RENEW_SECONDS, now=False)
        return self.held

    async def release(self) -> None:
        """Release the lease. Raises StoreUnavailable; the lease then expires."""
        if self.held:
            self._renewal.stop()
            await self._database.write(lambda connection: leases.release(connection, self._name, self._holder))

    async def _renew(self) -> None:
        try:
            kept = await self._database.write(
                lambda connection: leases.renew(connection, self._name, self._holder, LEASE_SECONDS, self._now())
            )
        except StoreUnavailable:
            return  # without a store nothing can be applied either: the work under the lease fails by itself
        if not kept and self.held:
            self._renewal.stop()
            self._lost()


class LeaseInThread:
    """A lease as a context manager, for a process without a reactor: a thread renews it. Raises Conflict when another holder
    has it."""

    def __init__(self, database: Database, name: str, holder: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._name, self._holder, self._now = name, holder, now
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> None:
        if not self._database.write_blocking(
            lambda connection: leases.acquire(connection, self._name, self._holder, LEASE_SECONDS, self._now())
        ):
            raise Conflict(f"{self._name} is being read by another process: try again when it is done")
        self._thread.start()

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._database.write_blocking(lambda connection: leases.release(connection, self._name, self._holder))

    def _keep(self) -> None:
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._database.write_blocking(
                    lambda connection: leases.renew(connection, self._name, self._holder, LEASE_SECONDS, self._now())
                )
            except StoreUnavailable:
                continue  # the next batch reports it
