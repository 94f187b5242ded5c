"""One end of the socket between the primary and a worker (unix(7), SOCK_SEQPACKET): whole messages, in order, some of them with
an open socket. Never blocks: messages that the other side does not take yet wait here. It is closed when the other process
ends."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from types import UnionType
from typing import Final, Generic, TypeVar

import msgspec
import structlog
from twisted.internet.interfaces import IReactorFDSet, IReadWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.app.workers.protocol import Message

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""The longest are pieces of certificates, and counters; the kernel takes up to some 200 KiB in one piece."""

MESSAGES_AT_ONCE: Final = 64
"""Messages read in one turn of the reactor, so that clients are served in between."""

_log = structlog.get_logger("gateway.workers")
_encoder = msgspec.msgpack.Encoder()

M = TypeVar("M")


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends, not inheritable."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    return ends


@implementer(IReadWriteDescriptor)
class Channel(Generic[M]):
    """One end. `received(message, socket)` is called with each message of the types `kinds`; `lost()` once, when the other side
    has gone or `close` was called."""

    def __init__(self, reactor: IReactorFDSet, end: socket.socket, kinds: UnionType, lost: Callable[[], None]) -> None:
        self.received: Callable[[M, socket.socket | None], None] = _unread
        self._reactor = reactor
        self._end = end
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(kinds)
        self._lost = lost
        self._waiting: deque[tuple[bytes, socket.socket | None]] = deque()
        self.is_open = True

    def start(self, received: Callable[[M, socket.socket | None], None]) -> None:
        """Begin to read."""
        self.received = received
        self._reactor.addReader(self)

    def send(self, message: Message, handed: socket.socket | None = None) -> None:
        """Send a message, with a socket that must stay open until the other side confirms that it has it. Nothing when the
        channel is closed."""
        data = _encoder.encode(message)
        if len(data) > MAX_MESSAGE_BYTES:
            raise ValueError(f"a message of {len(data)} octets is too long for the channel: {type(message).__name__}")
        if self.is_open and (self._waiting or not self._sent(data, handed)):
            self._waiting.append((data, handed))
            self._reactor.addWriter(self)

    def close(self) -> None:
        """Close both sides."""
        self.connectionLost()

    # What the reactor calls -------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._end.fileno()

    def logPrefix(self) -> str:
        return "channel"

    def doRead(self) -> Exception | None:  # type: ignore[override]
        for _ in range(MESSAGES_AT_ONCE):
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, MAX_MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return None
            except ConnectionResetError:  # reported once, before the messages sent until then: those count
                continue
            except OSError:
                return CONNECTION_LOST
            if not data:
                return CONNECTION_LOST
            self._take(data, socket.socket(fileno=descriptors[0]) if descriptors else None)
            if not self.is_open:
                return None
        return None

    def doWrite(self) -> Exception | None:  # type: ignore[override]
        while self._waiting:
            if not self._sent(*self._waiting[0]):
                return None
            self._waiting.popleft()
        self._reactor.removeWriter(self)
        return None

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002
        if not self.is_open:
            return
        self.is_open = False
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._end.close()
        self._waiting.clear()
        self._lost()

    # ------------------------------------------------------------------------------------------------------------------

    def _take(self, data: bytes, handed: socket.socket | None) -> None:
        try:
            self.received(self._decoder.decode(data), handed)
        except Exception as error:  # it costs this message, not the process
            if handed is not None:
                handed.close()
            _log.error("a message between processes failed", error=repr(error), exc_info=error)

    def _sent(self, data: bytes, handed: socket.socket | None) -> bool:
        """Return False when the other side has no room. That it has gone is seen in doRead."""
        try:
            if handed is None:
                self._end.send(data)
            else:
                socket.send_fds(self._end, [data], [handed.fileno()])
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


def _unread(*_: object) -> None:
    raise RuntimeError("the channel was not started")
