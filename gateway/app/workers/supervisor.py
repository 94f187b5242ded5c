"""The supervisor of all workers: it starts them, keeps them informed, replaces those that end, and stops them. To
app/service.py this is the LDAP server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall

from gateway.app.config.settings import Settings
from gateway.app.process.certificates import Certificate, Pem
from gateway.app.workers.accepting_port import AcceptingFactory
from gateway.app.workers.protocol import Boot, Message, Stop, ViewState, certificate_pieces
from gateway.app.workers.worker_handle import AcceptedConnection, SharedState, WorkerHandle
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file import view_file
from gateway.frontends.admin.health import Health
from gateway.model.backoff import Delays
from gateway.model.errors import GatewayError
from gateway.twisted_internals.reactor import IReactor

STEADY_SECONDS: Final = 10.0
"""A worker that lives so long is in no crash loop: it is replaced at once when it ends."""

PAUSES: Final = Delays(first_seconds=1.0, cap_seconds=30.0)

MAX_SILENCE_SECONDS: Final = 30.0
"""A worker sends a heartbeat every second; one that was silent for so long hangs, and is ended. Counted in checks: a clock that
jumps, or a machine that slept, is no silence of a worker."""

HEARTBEAT_CHECK_SECONDS: Final = 5.0

MAX_FIRST_STARTS: Final = 3
"""While none has ever served, a worker that ends so often cannot start, and the administrator who waits for `serve` is told.
Once one has served, workers are started again for ever."""

_log = structlog.get_logger("gateway.workers")


class WorkersCannotStart(GatewayError):
    """No worker has come so far as to serve: `serve` ends."""


class Supervisor:
    """The supervisor of `settings.ldap.workers` workers."""

    def __init__(
        self,
        settings: Settings,
        followers: Sequence[LogFollower],
        certificate: Certificate | None,
        shared: SharedState,
        reactor: IReactor,
        failures: Sequence[Callable[[GatewayError], None]] = (),
    ) -> None:
        """`failures`: called when no worker can be started at all."""
        self.restarts = 0
        self._report_failure = failures
        self._has_served = False
        self._settings = settings
        self._followers = followers
        self._certificate = certificate
        self._shared = shared
        self._reactor = reactor
        self._workers = [WorkerHandle(number + 1, shared, self, reactor) for number in range(settings.ldap.workers)]
        self._factories: list[AcceptingFactory] = []
        self._failures: dict[WorkerHandle, int] = dict.fromkeys(self._workers, 0)
        self._last_endings: dict[WorkerHandle, str] = {}
        self._starting: dict[WorkerHandle, IDelayedCall] = {}
        self._builds: dict[str, tuple[ViewReader, str]] = {}
        """The reader that is served of each view, and the build of its file."""
        self._unassigned: deque[AcceptedConnection] = deque()
        self._rounds = 0
        self._stopped: Deferred[None] | None = None
        self._heartbeat_checks = LoopingCall(self._check_heartbeats)
        self._heartbeat_checks.clock = reactor
        for follower in followers:
            follower.on_change.append(partial(self._view_changed, follower))
        if certificate is not None:
            certificate.on_change.append(self._certificate_renewed)

    def factory(self, *, encrypted: bool = False) -> AcceptingFactory:
        """Return the factory of a listener; `encrypted`: TLS from the first byte (LDAPS)."""
        trusted = self._settings.ldap.trusted_proxies
        accepting = AcceptingFactory(self._shared.admission, self._next_worker, encrypted=encrypted, trusted_proxies=trusted)
        self._factories.append(accepting)
        return self._factories[-1]

    # The LDAP server's part -------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers."""
        for worker in self._workers:
            self._start(worker)
        self._heartbeat_checks.start(HEARTBEAT_CHECK_SECONDS, now=False)

    def stop(self) -> Deferred[None]:
        """Have every worker notify its clients and end; the Deferred fires when the last has ended."""
        if self._heartbeat_checks.running:
            self._heartbeat_checks.stop()
        for call in self._starting.values():
            call.cancel()
        self._starting.clear()
        stopped = self._stopped = Deferred()
        self._send_to_all(Stop())
        self._check_stopped()
        return stopped

    def drop_all(self) -> None:
        """Kill the workers that did not end by themselves."""
        for worker in self._workers:
            worker.kill()

    # Beginning and end of a worker ------------------------------------------------------------------------------------

    def _start(self, worker: WorkerHandle) -> None:
        self._starting.pop(worker, None)
        worker.start(Boot(worker.number, self._settings, self._certificate.pem if self._certificate else None))

    def ready(self, worker: WorkerHandle) -> None:
        """See WorkerObserver."""
        self._has_served = True
        self._last_endings.pop(worker, None)
        for follower in self._followers:
            worker.send(self._state(follower))
        self._assign()
        _log.info("a worker serves", worker=worker.number, pid=worker.pid)

    def lost(self, worker: WorkerHandle, pending: Sequence[AcceptedConnection]) -> None:  # noqa: ARG002
        """See WorkerObserver."""
        self._unassigned.extend(pending)
        self._assign()

    def _assign(self) -> None:
        """Hand the waiting connections over, if a worker serves, and accept more only then."""
        while self._unassigned and (worker := self._next_worker()) is not None:
            worker.hand_over(self._unassigned.popleft())
        for factory in self._factories:
            factory.set_accepting(self.serving > 0)

    def ended(self, worker: WorkerHandle, how: str) -> None:
        """See WorkerObserver."""
        if self._stopped is not None:
            self._check_stopped()
            return
        steady = self._reactor.seconds() - worker.started_at >= STEADY_SECONDS
        failures = self._failures[worker] = 0 if steady else self._failures[worker] + 1
        if not self._has_served and failures >= MAX_FIRST_STARTS:
            error = WorkersCannotStart(
                f"worker {worker.number} ended {how}, {failures} times before it could serve; {_FIRST_CURE}"
            )
            for report in self._report_failure:
                report(error)
            return
        pause = 0.0 if failures < 2 else PAUSES.after(failures - 2)
        self.restarts += 1
        self._last_endings[worker] = f"worker {worker.number} ended {how}"
        _log.error("a worker has ended", worker=worker.number, how=how, again_in_seconds=pause, cure=_CURE)
        self._starting[worker] = self._reactor.callLater(pause, self._start, worker)

    def _check_heartbeats(self) -> None:
        """Kill the workers that hang: `ended` does the rest."""
        for worker in self._workers:
            worker.silent_checks += 1
            silent_seconds = worker.silent_checks * HEARTBEAT_CHECK_SECONDS
            if worker.pid is not None and silent_seconds > MAX_SILENCE_SECONDS:
                _log.error("a worker hangs and is ended", worker=worker.number, pid=worker.pid, silent_seconds=silent_seconds)
                worker.kill()

    def _check_stopped(self) -> None:
        if self._stopped is not None and not self._stopped.called and all(worker.pid is None for worker in self._workers):
            self._stopped.callback(None)

    # Sharing the work -------------------------------------------------------------------------------------------------

    def _next_worker(self) -> WorkerHandle | None:
        """Return the worker with the fewest connections, of those that take what they are handed; equals take turns."""
        ready = [worker for worker in self._workers if worker.is_ready]
        if not ready:
            return None
        self._rounds += 1
        return min(
            ready, key=lambda worker: (worker.is_slow, worker.connections, (worker.number - self._rounds) % len(self._workers))
        )

    # State that workers need -----------------------------------------------------------------------------------------

    def _view_changed(self, follower: LogFollower) -> None:
        self._send_to_all(self._state(follower))

    def _state(self, follower: LogFollower) -> ViewState:
        name, reader = follower.view.name, follower.reader
        if reader is None:
            return ViewState(name, "", follower.position)
        known = self._builds.get(name)
        if known is None or known[0] is not reader:
            known = self._builds[name] = reader, str(view_file.read_meta(reader.connection, "build"))
        return ViewState(name, known[1], follower.position)

    def _certificate_renewed(self, pem: Pem) -> None:
        for message in certificate_pieces(pem):
            self._send_to_all(message)

    def _send_to_all(self, message: Message) -> None:
        for worker in self._workers:
            worker.send(message)

    # State that is reported of them ---------------------------------------------------------------------------------

    @property
    def serving(self) -> int:
        """Number of workers that serve."""
        return sum(worker.is_ready for worker in self._workers)

    def health(self) -> Health:
        """Return healthy while one worker serves, which is enough for clients; the others are named."""
        found = [f"{self.serving} of {len(self._workers)} workers serve", *self._last_endings.values()]
        return Health(self.serving > 0, "; ".join(found))


_FIRST_CURE = "its last lines in the log say why; `[ldap] workers = 1` serves without workers"
_CURE = "see its last lines in this log; it is started again by itself"
