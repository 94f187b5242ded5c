"""What goes out to one client: answers that are ready, how they reach the socket, and whether the client takes them.

Twisted's TCP transport hands octets to the socket when the reactor says that it is writable, which costs a small answer as much
as making it. So when nothing is queued, the socket is tried directly: at the end of the reactor's turn, all connections that
were served in it one right after the other, because waking the client in between costs both sides more than the answer.
Everything else, what is left over included, goes through the transport: its buffer, its producers, its errors."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Server
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
        self._write = _writer(transport)
        self._end_of_turn = _end_of_turn(transport)
        transport.setTcpNoDelay(True)  # else the last part of an answer waits 40 ms for the client's acknowledgement
        transport.bufferSize = READ_BYTES
        transport.registerProducer(self, True)

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

    def through_transport(self) -> None:
        """From here on the transport alone may write: it begins TLS."""
        self.flush()
        self._write, self._end_of_turn = self._transport.write, None

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


def _end_of_turn(transport: Any) -> Callable[[Callable[[], None]], object] | None:
    """How to have something called at the end of the reactor's turn; None where the transport writes by itself (TLS)."""
    if type(transport) is not Server:
        return None
    reactor = transport.reactor
    return getattr(reactor, "call_at_end_of_turn", None) or partial(reactor.callLater, 0)


def _writer(transport: Any) -> Callable[[bytes], object]:
    """How to write to a transport: at once for plain TCP (until TLS begins on it), else the transport's own way."""
    if type(transport) is not Server:
        return transport.write  # type: ignore[no-any-return]
    send = transport.getHandle().send

    def write(data: bytes) -> None:
        if not transport.dataBuffer and not transport._tempDataBuffer and transport.connected and not transport.disconnecting:
            with suppress(OSError):  # full, or broken: the transport finds out by itself, and tells
                data = data[send(data) :]
            if not data:
                return
        transport.write(data)  # type: ignore[no-untyped-call]

    return write
