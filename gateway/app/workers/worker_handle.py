"""One worker as the primary has it: its process, what was handed to it, and what it asks. When it ends, everything that it
held is given back: connections to the limits, binds to the soft lock."""

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
from typing import Any, Final, Protocol

import structlog
from twisted.internet.defer import ensureDeferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from gateway.app.parts.measured_authenticator import TellUpstream
from gateway.app.workers import protocol
from gateway.app.workers.message_channel import Channel, pair
from gateway.app.workers.protocol import (
    BOOT_DESCRIPTOR,
    CHANNEL_DESCRIPTOR,
    Boot,
    Closed,
    Committed,
    Counted,
    Enter,
    Entered,
    Failed,
    Handed,
    Left,
    Message,
    Ready,
    Succeeded,
    Taken,
    ToPrimary,
    UpstreamAsked,
)
from gateway.directory.authentication.soft_lock import SoftLock
from gateway.frontends.ldap.core.counters import Statistics
from gateway.frontends.ldap.server.connection_limits import CountedAdmission

COMMAND: Final = ("-P", "-m", "gateway.app.workers.worker_process")
MANY_UNTAKEN: Final = 8  # connections; a worker that serves takes them within milliseconds
NOT_INHERITED: Final = {"NOTIFY_SOCKET"}  # systemd hears of the primary only

_log = structlog.get_logger("gateway.workers")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection that was accepted and admitted. `encrypted`: TLS from the first byte."""

    connection: socket.socket
    host: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """What all workers share, in the primary. `committed`: told of changes that a worker has appended to the log."""

    soft_lock: SoftLock
    admission: CountedAdmission
    statistics: Statistics
    tell_upstream: TellUpstream
    committed: Callable[[int], None]


class Overseer(Protocol):
    """Told of a post: its worker can serve; can serve no more, and has not taken these connections; has ended (`how`)."""

    def ready(self, post: Post) -> None: ...
    def lost(self, post: Post, untaken: Sequence[Arrival]) -> None: ...
    def ended(self, post: Post, how: str) -> None: ...


class Post:
    """A worker's place: one process at a time."""

    def __init__(self, number: int, desk: Desk, overseer: Overseer, reactor: Any) -> None:
        self.number = number
        self.is_ready = False
        self.connections = 0
        self.pid: int | None = None
        self.born_at = 0.0
        self.silent_looks = 0
        """How often it was looked at since it last said anything; supervisor.py looks."""
        self._desk = desk
        self._reactor = reactor
        self._overseer = overseer
        self._untaken: deque[Arrival] = deque()
        self._hosts: Counter[str] = Counter()
        self._asking: Counter[str] = Counter()
        self._counted = Counted({}, {})
        self._channel: Channel[ToPrimary] | None = None
        self._process: Any = None

    # The process ------------------------------------------------------------------------------------------------------

    def start(self, boot: Boot) -> None:
        """Starts the process."""
        self.born_at, self.silent_looks = self._reactor.seconds(), 0
        try:
            ours, theirs = pair()
            self._channel = Channel(self._reactor, ours, ToPrimary, self._lost)
            self._channel.start(self._received)
            with theirs, Path(os.devnull).open("rb") as nothing, _in_memory(pickle.dumps(boot)) as file:
                self._spawn({0: nothing, CHANNEL_DESCRIPTOR: theirs, BOOT_DESCRIPTOR: file})
        except OSError as error:
            self._reaped(f"before it began: {error.strerror}")

    def _spawn(self, files: Mapping[int, Any]) -> None:
        command = [sys.executable, *COMMAND, str(self.number)]
        descriptors = {1: 1, 2: 2, **{number: file.fileno() for number, file in files.items()}}
        watching = _Watching(self._reaped)
        self._process = self._reactor.spawnProcess(watching, command[0], command, _environment(), childFDs=descriptors)
        self.pid = self._process.pid

    def kill(self) -> None:
        """Ends it at once, if it runs."""
        if self._process is not None:
            self._process.signalProcess("KILL")

    def _lost(self) -> None:
        """The channel is closed: whatever the process still does, it can serve no more."""
        self.is_ready = False
        untaken, self._untaken = self._untaken, deque()
        for arrival in untaken:
            self._hosts[arrival.host] -= 1
        for host, number in self._hosts.items():
            for _ in range(number):
                self._desk.admission.closed(host)
        for key, number in self._asking.items():
            for _ in range(number):
                self._desk.soft_lock.leave(key)
        self._hosts.clear()
        self._asking.clear()
        self.connections = 0
        self._overseer.lost(self, untaken)

    def _reaped(self, how: str) -> None:
        self.pid = self._process = None
        if self._channel is not None:
            self._channel.close()
        self._counted = Counted({}, {})  # what it counted stays counted
        self._overseer.ended(self, how)

    # To the worker ----------------------------------------------------------------------------------------------------

    def tell(self, message: Message) -> None:
        """Sends a message; nothing when there is no process."""
        if self._channel is not None:
            self._channel.send(message)

    @property
    def is_slow(self) -> bool:
        """Whether it does not take what it is handed: busy, or hanging."""
        return len(self._untaken) >= MANY_UNTAKEN

    def hand(self, arrival: Arrival) -> None:
        """Hands over a connection. It stays open here, too, until it is taken: should this worker end, another one gets it."""
        assert self._channel is not None, "only who is ready is handed connections"  # noqa: S101
        self._untaken.append(arrival)
        self._hosts[arrival.host] += 1
        self.connections += 1
        self._channel.send(Handed(arrival.connection.family, arrival.host, arrival.encrypted), arrival.connection)

    # From the worker --------------------------------------------------------------------------------------------------

    def _received(self, message: ToPrimary, _: socket.socket | None) -> None:
        self.silent_looks = 0
        match message:
            case Taken():
                self._untaken.popleft().connection.close()
            case Closed(host):
                self._closed(host)
            case Enter():
                ensureDeferred(self._enter(message))
            case Left(key):
                self._left(key)
                self._desk.soft_lock.leave(key)
            case Failed(key):
                if self._desk.soft_lock.failed(key):
                    _log.warning("bind", dn=key, result="locked_now", cure="find out who guesses")
            case Succeeded(key):
                self._desk.soft_lock.succeeded(key)
            case UpstreamAsked(source, outcome, seconds):
                self._desk.tell_upstream(source, outcome, seconds)
            case Committed(number):
                self._desk.committed(number)
            case Counted():
                protocol.add(self._desk.statistics, message, self._counted)
                self._counted = message
            case Ready():
                self.is_ready = True
                self._overseer.ready(self)

    def _closed(self, host: str) -> None:
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        self.connections -= 1
        self._desk.admission.closed(host)

    def _left(self, key: str) -> None:
        self._asking[key] -= 1
        if not self._asking[key]:  # a stranger chooses the names
            del self._asking[key]

    async def _enter(self, question: Enter) -> None:
        channel = self._channel
        admitted = await self._desk.soft_lock.enter(question.key)
        if channel is None or not channel.is_open or channel is not self._channel:  # another process is at this post by now
            if admitted:
                self._desk.soft_lock.leave(question.key)
            return
        if admitted:
            self._asking[question.key] += 1
        channel.send(Entered(question.number, admitted))


class _Watching(ProcessProtocol):
    """Waits for the end of a process."""

    def __init__(self, reaped: Callable[[str], None]) -> None:
        self._reaped = reaped

    def processEnded(self, reason: Failure) -> None:
        status = reason.value
        number = getattr(status, "signal", None)
        self._reaped(f"by {signal.Signals(number).name}" if number else f"with exit code {getattr(status, 'exitCode', None)}")


def _in_memory(data: bytes) -> Any:
    """A file that is nowhere but in memory, to be read from its beginning."""
    file = os.fdopen(os.memfd_create("boot"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _environment() -> dict[str, str]:
    """Ours, and our modules: the worker is this program, wherever it was started."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
