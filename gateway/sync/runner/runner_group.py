"""All runners of the process: started and stopped together, and woken when an administrator has requested a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import DeferredList, ensureDeferred
from twisted.internet.task import LoopingCall
from twisted.python.threadpool import ThreadPool

from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Connection
from gateway.store.operations import sync_requests
from gateway.sync.backfill.job import BackgroundJob
from gateway.sync.runner.source_runner import ProcessServices, SourceRunner

REQUESTS_SECONDS: Final = 1.0  # the longest wait of an administrator until `gateway sync` is picked up


class RunnerGroup:
    """The runners, one for each source. `process.threads` is started and stopped here, and the `jobs` of the process are."""

    def __init__(self, runners: Sequence[SourceRunner], process: ProcessServices, jobs: Sequence[BackgroundJob] = ()) -> None:
        self._jobs = jobs
        self._runners = {runner.source_id: runner for runner in runners}
        self._process = process
        self._polling = LoopingCall(self._wake_requested)
        self._polling.clock = process.clock

    def start(self) -> None:
        """Begin to read every source."""
        self._process.threads.start()
        for runner in self._runners.values():
            runner.start()
        for job in self._jobs:
            job.start()
        self._polling.start(REQUESTS_SECONDS, now=False)

    async def stop(self) -> None:
        """Return when every runner has ended."""
        if self._polling.running:
            self._polling.stop()
        for job in self._jobs:
            await job.stop()
        await DeferredList([ensureDeferred(runner.stop()) for runner in self._runners.values()], consumeErrors=True)
        if self._process.threads.started:
            self._process.threads.stop()

    async def _wake_requested(self) -> None:
        try:
            waiting = await self._process.database.read(self._requested)
        except StoreUnavailable:
            return  # the runners report it
        for source_id in waiting:
            self._runners[source_id].wake()

    def _requested(self, connection: Connection) -> list[str]:
        return [source_id for source_id in sync_requests.sources_with_requests(connection) if source_id in self._runners]


def pool_for(sources: int) -> ThreadPool:
    """Return the thread pool for so many sources: each blocks in one thread, and one more finishes a read while the next
    begins."""
    return ThreadPool(0, max(2, 2 * sources), "sources")
