"""A worker as the primary has it: its process, the connections that were handed to it, and the questions that it asks. When
it ends, everything that it held is given back: connections to the limits, binds to the soft lock."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

import structlog
from twisted.internet.defer import ensureDeferred
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from gateway.app.parts.measured_authenticator import ReportUpstream
from gateway.app.workers import protocol
from gateway.app.workers.message_channel import Channel, pair
from gateway.app.workers.protocol import (
    BOOT_DESCRIPTOR,
    CHANNEL_DESCRIPTOR,
    BindFailed,
    BindSucceeded,
    Boot,
    Committed,
    ConnectionClosed,
    ConnectionTaken,
    CountersReport,
    EnterSoftLock,
    Message,
    NewConnection,
    Ready,
    SoftLockEntered,
    SoftLockLeft,
    ToPrimary,
    UpstreamAsked,
)
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.frontends.ldap.core.counters import ServerCounters
from gateway.frontends.ldap.server.connection_limits import CountedAdmission
from gateway.model.errors import StoreUnavailable
from gateway.twisted_internals.reactor import IReactor

COMMAND: Final = ("-P", "-m", "gateway.app.workers.worker_process")
MANY_PENDING: Final = 8  # connections; a worker that serves takes them within milliseconds
NOT_INHERITED: Final = {"NOTIFY_SOCKET"}  # only the primary reports to systemd

_log = structlog.get_logger("gateway.workers")


@dataclass(frozen=True, slots=True)
class AcceptedConnection:
    """A connection that was accepted and admitted. `encrypted`: TLS from the first byte."""

    connection: socket.socket
    host: str
    port: int
    encrypted: bool


@dataclass(frozen=True, slots=True)
class SharedState:
    """The parts of the primary that all workers share. `committed` is called with the number of the last change that a worker
    has appended to the log."""

    soft_lock: SoftLock
    admission: CountedAdmission
    counters: ServerCounters
    report_upstream: ReportUpstream
    committed: Callable[[int], None]


class WorkerObserver(Protocol):
    """The observer of a worker's life, called by its handle."""

    def ready(self, worker: WorkerHandle) -> None:
        """The worker can be handed connections from now on."""

    def lost(self, worker: WorkerHandle, pending: Sequence[AcceptedConnection]) -> None:
        """The worker can serve no more, and has not taken these connections."""

    def ended(self, worker: WorkerHandle, how: str) -> None:
        """The process has ended, or could not be started; `how` completes "ended …"."""


class WorkerHandle:
    """A worker by its number: one process at a time, started again when it ends."""

    def __init__(self, number: int, shared: SharedState, observer: WorkerObserver, reactor: IReactor) -> None:
        self.number = number
        self.is_ready = False
        self.connections = 0
        self.pid: int | None = None
        self.started_at = 0.0
        self.silent_checks = 0
        """Heartbeat checks since its last message; supervisor.py checks."""
        self._shared = shared
        self._reactor = reactor
        self._observer = observer
        self._pending: deque[AcceptedConnection] = deque()
        self._connections_by_host: Counter[str] = Counter()
        self._binds_in_progress: Counter[str] = Counter()
        self._last_report = CountersReport({}, {})
        self._channel: Channel[ToPrimary] | None = None
        self._process: IProcessTransport | None = None

    # The process ------------------------------------------------------------------------------------------------------

    def start(self, boot: Boot) -> None:
        """Start the process."""
        self.started_at, self.silent_checks = self._reactor.seconds(), 0
        try:
            ours, theirs = pair()
            self._channel = Channel(self._reactor, ours, ToPrimary, self._lost)
            self._channel.start(self._received)
            with theirs, Path(os.devnull).open("rb") as nothing, _memory_file(pickle.dumps(boot)) as file:
                self._spawn({0: nothing, CHANNEL_DESCRIPTOR: theirs, BOOT_DESCRIPTOR: file})
        except OSError as error:
            self._process_ended(f"before it began: {error.strerror}")

    def _spawn(self, files: Mapping[int, socket.socket | IO[bytes]]) -> None:
        command = [sys.executable, *COMMAND, str(self.number)]
        descriptors = {1: 1, 2: 2, **{number: file.fileno() for number, file in files.items()}}
        watcher = _ProcessWatcher(self._process_ended)
        self._process = self._reactor.spawnProcess(watcher, command[0], command, _environment(), childFDs=descriptors)
        self.pid = self._process.pid

    def kill(self) -> None:
        """End the process at once, if it runs."""
        if self._process is not None:
            self._process.signalProcess("KILL")

    def _lost(self) -> None:
        """The channel is closed: whatever the process still does, it can serve no more."""
        self.is_ready = False
        pending, self._pending = self._pending, deque()
        for arrival in pending:
            self._connections_by_host[arrival.host] -= 1
        for host, number in self._connections_by_host.items():
            for _ in range(number):
                self._shared.admission.closed(host)
        for key, number in self._binds_in_progress.items():
            for _ in range(number):
                self._shared.soft_lock.leave(key)
        self._connections_by_host.clear()
        self._binds_in_progress.clear()
        self.connections = 0
        self._observer.lost(self, pending)

    def _process_ended(self, how: str) -> None:
        self.pid = self._process = None
        if self._channel is not None:
            self._channel.close()
        self._last_report = CountersReport({}, {})  # what the ended process has counted stays in the total
        self._observer.ended(self, how)

    # To the worker ----------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message; nothing when there is no process."""
        if self._channel is not None:
            self._channel.send(message)

    @property
    def is_slow(self) -> bool:
        """True while it does not take the connections that it is handed: busy, or hanging."""
        return len(self._pending) >= MANY_PENDING

    def hand_over(self, arrival: AcceptedConnection) -> None:
        """Hand over a connection. It stays open here, too, until it is taken: should this worker end, another one gets it."""
        assert self._channel is not None, "only a ready worker is handed connections"  # noqa: S101
        self._pending.append(arrival)
        self._connections_by_host[arrival.host] += 1
        self.connections += 1
        self._channel.send(
            NewConnection(arrival.connection.family, arrival.host, arrival.port, arrival.encrypted), arrival.connection
        )

    # From the worker --------------------------------------------------------------------------------------------------

    def _received(self, message: ToPrimary, _: socket.socket | None) -> None:
        self.silent_checks = 0
        match message:
            case ConnectionTaken():
                self._pending.popleft().connection.close()
            case ConnectionClosed(host):
                self._closed(host)
            case EnterSoftLock():
                ensureDeferred(self._enter(message))
            case SoftLockLeft(key):
                self._left(key)
                self._shared.soft_lock.leave(key)
            case BindFailed(key):
                if self._shared.soft_lock.failed(key):
                    _log.warning("bind", dn=key, result="locked_now", cure="find out who guesses")
            case BindSucceeded(key):
                self._shared.soft_lock.succeeded(key)
            case UpstreamAsked(source, outcome, seconds):
                self._shared.report_upstream(source, outcome, seconds)
            case Committed(number):
                self._shared.committed(number)
            case CountersReport():
                protocol.add_report(self._shared.counters, message, self._last_report)
                self._last_report = message
            case Ready():
                self.is_ready = True
                self._observer.ready(self)

    def _closed(self, host: str) -> None:
        self._connections_by_host[host] -= 1
        if not self._connections_by_host[host]:
            del self._connections_by_host[host]
        self.connections -= 1
        self._shared.admission.closed(host)

    def _left(self, key: str) -> None:
        self._binds_in_progress[key] -= 1
        if not self._binds_in_progress[key]:  # clients choose the names: nothing of them may stay
            del self._binds_in_progress[key]

    async def _enter(self, question: EnterSoftLock) -> None:
        channel = self._channel
        try:
            admitted, unavailable = await self._shared.soft_lock.enter(question.key), ""
        except StoreUnavailable as error:
            admitted, unavailable = False, str(error)
        if channel is None or not channel.is_open or channel is not self._channel:  # the process was replaced
            if admitted:
                self._shared.soft_lock.leave(question.key)
            return
        if admitted:
            self._binds_in_progress[question.key] += 1
        channel.send(SoftLockEntered(question.number, admitted, unavailable))


class _ProcessWatcher(ProcessProtocol):
    """The end of a process, as Twisted reports it."""

    def __init__(self, ended: Callable[[str], None]) -> None:
        self._ended = ended

    def processEnded(self, reason: Failure) -> None:
        status = reason.value
        number = getattr(status, "signal", None)
        self._ended(f"by {signal.Signals(number).name}" if number else f"with exit code {getattr(status, 'exitCode', None)}")


def _memory_file(data: bytes) -> IO[bytes]:
    """Return a file that is nowhere but in memory, at its beginning."""
    file = os.fdopen(os.memfd_create("boot"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _environment() -> dict[str, str]:
    """Return our environment with the path of our modules: the worker is this program, wherever it was started."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
