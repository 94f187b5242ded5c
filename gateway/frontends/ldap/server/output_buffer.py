"""What goes out to one client: answers that are ready, how they reach the socket, and whether the client takes them.

Twisted's TCP transport hands octets to the socket when the reactor says that it is writable, which costs a small answer as much
as making it. So when nothing is queued, the socket is tried directly: at the end of the reactor's turn, all connections that
were served in it one right after the other, because waking the client in between costs both sides more than the answer.
Everything else, what is left over included, goes through the transport: its buffer, its producers, its errors. The same holds
below TLS, whose records are made as soon as the answers of a turn are together."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Server
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

READ_BYTES = 16 * 1024
"""Taken from a socket at a time: Python makes room for all of it before it knows how much comes."""


@implementer(IPushProducer)
class Output:
    """`resumed` is called when the client has taken what there was. `ready`: answers that leave with the next `flush`."""

    def __init__(self, clock: Any, transport: Any, resumed: Callable[[], None]) -> None:
        self.ready: list[bytes] = []
        self.is_full = False
        """The client does not take its answers as fast as they come: nothing more should be made for it."""
        self.full_since = 0.0
        self._clock = clock
        self._transport = transport
        self._resumed = resumed
        self._waiting: list[Deferred[None]] = []
        self._write: Callable[[bytes], object] = transport.write
        self._end_of_turn: Callable[[Callable[[], None]], object] | None = None
        self._socket: Any = None
        transport.setTcpNoDelay(True)  # else the last part of an answer waits 40 ms for the client's acknowledgement
        transport.registerProducer(self, True)
        below = transport.transport if isinstance(transport, TLSMemoryBIOProtocol) else transport
        if type(below) is not Server:
            return
        below.bufferSize = READ_BYTES
        self._socket = below.getHandle()
        self._end_of_turn = _end_of_turn(below.reactor)
        if below is transport:
            self._write = _at_once(below, self._socket, below.write)
        else:
            self._write = self._encrypted(transport, below)

    def send(self, data: bytes) -> None:
        """Hands octets to the transport, behind the answers that are ready."""
        self.ready.append(data)
        self.flush()

    def flush_soon(self) -> None:
        """Hands the ready answers to the transport at the end of this turn of the reactor."""
        if not self.ready:
            return
        if self._end_of_turn is None:
            self.flush()
        else:
            self._end_of_turn(self.flush)

    def flush(self) -> None:
        """Hands the ready answers to the transport in one piece."""
        if self.ready:
            data = b"".join(self.ready)
            self.ready.clear()
            self._write(data)

    def start_tls(self, context: Any) -> None:
        """TLS begins behind what has been sent."""
        self.flush()
        self._transport.startTLS(context)
        self._write = self._transport.write
        if self._socket is not None:
            self._write = self._encrypted(self._transport.protocol, self._transport)

    def _encrypted(self, tls: TLSMemoryBIOProtocol, below: Server) -> Callable[[bytes], object]:
        """How to write through TLS: past its own gathering of small writes, because this here has gathered them."""
        lower: Any = tls.transport
        lower.write = _at_once(below, self._socket, lower.write)
        return partial(TLSMemoryBIOProtocol.write, tls)

    def close(self) -> None:
        """Nothing comes any more: the connection ends when what was written has gone out."""
        self.flush()
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def writable(self) -> "Deferred[None]":
        """Fires when the client takes more."""
        waiting: Deferred[None] = Deferred()
        if self.is_full:
            self._waiting.append(waiting)
        else:
            waiting.callback(None)
        return waiting

    def stalled(self, before: float) -> bool:
        """Whether the client has taken nothing since `before`."""
        return self.is_full and self.full_since < before

    def pauseProducing(self) -> None:
        self.is_full = True
        self.full_since = self._clock.seconds()

    def resumeProducing(self) -> None:
        self.is_full = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)
        self._resumed()

    def stopProducing(self) -> None:
        """The transport has gone; its protocol is told."""


def _end_of_turn(reactor: Any) -> Callable[[Callable[[], None]], object]:
    """How to have something called at the end of the reactor's turn."""
    return getattr(reactor, "call_at_end_of_turn", None) or partial(reactor.callLater, 0)


def _at_once(transport: Server, socket: Any, otherwise: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Writes to the socket of a TCP transport when nothing waits in the transport; `otherwise` takes what is left over."""
    send = socket.send

    def write(data: bytes) -> None:
        if not transport.dataBuffer and not transport._tempDataBuffer and transport.connected and not transport.disconnecting:
            with suppress(OSError):  # full, or broken: the transport finds out by itself, and tells
                data = data[send(data) :]
            if not data:
                return
        otherwise(data)

    return write
