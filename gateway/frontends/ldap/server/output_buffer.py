"""Output of one client: answers that are ready, how they reach the socket, and whether the client takes them.

What is ready leaves at the end of the reactor's turn, all connections that were served in it one right after the other, because
waking the client in between costs both sides more than the answer. It is written directly (twisted_internals.direct_writes)."""

from collections.abc import Callable
from typing import Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLContextFactory, IPushProducer, IReactorTime
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from gateway.twisted_internals import direct_writes
from gateway.twisted_internals.direct_writes import Write
from gateway.twisted_internals.turn_reactor import at_end_of_turn

READ_BYTES = 16 * 1024
"""Read from a socket at a time, a quarter of Twisted's: so much that one client pipelines is served before the next client."""


class BufferedTransport(Protocol):
    """A transport that this writes to: TCP, or TLS over it."""

    def write(self, data: bytes, /) -> None: ...
    def setTcpNoDelay(self, enabled: bool, /) -> None: ...
    def registerProducer(self, producer: IPushProducer, streaming: bool, /) -> None: ...
    def unregisterProducer(self) -> None: ...
    def loseConnection(self) -> None: ...
    def startTLS(self, context: IOpenSSLContextFactory, /) -> object: ...


@implementer(IPushProducer)
class Output:
    """`resumed` is called when the client has taken what there was. `ready`: answers that leave with the next `flush`."""

    def __init__(self, clock: IReactorTime, transport: BufferedTransport, resumed: Callable[[], None]) -> None:
        self.ready: list[bytes] = []
        self.is_full = False
        """The client does not take its answers as fast as they come: nothing more should be made for it."""
        self.full_since = 0.0
        self._clock = clock
        self._transport = transport
        self._resumed = resumed
        self._waiting: list[Deferred[None]] = []
        self._write: Write = transport.write
        self._end_of_turn: Callable[[Callable[[], object]], object] | None = None
        transport.setTcpNoDelay(True)  # else the last part of an answer waits 40 ms for the client's acknowledgement
        transport.registerProducer(self, True)
        self._tcp = direct_writes.tcp_below(transport)
        if self._tcp is None:
            return
        self._tcp.bufferSize = READ_BYTES
        self._end_of_turn = at_end_of_turn(self._tcp.reactor)
        if isinstance(transport, TLSMemoryBIOProtocol):
            self._write = direct_writes.tls_writer(transport, self._tcp)
        else:
            self._write = direct_writes.writer(self._tcp)

    def send(self, data: bytes) -> None:
        """Hand octets to the transport, behind the answers that are ready."""
        self.ready.append(data)
        self.flush()

    def flush_soon(self) -> None:
        """Hand the ready answers to the transport at the end of this turn of the reactor."""
        if not self.ready:
            return
        if self._end_of_turn is None:
            self.flush()
        else:
            self._end_of_turn(self.flush)

    def flush(self) -> None:
        """Hand the ready answers to the transport in one piece."""
        if self.ready:
            data = b"".join(self.ready)
            self.ready.clear()
            self._write(data)

    def start_tls(self, context: IOpenSSLContextFactory) -> None:
        """Begin TLS behind what has been sent."""
        self.flush()
        self._transport.startTLS(context)
        self._write = self._transport.write
        if self._tcp is not None:
            tls = cast(TLSMemoryBIOProtocol, self._tcp.protocol)  # startTLS has put it there
            self._write = direct_writes.tls_writer(tls, self._tcp)

    def close(self) -> None:
        """End the connection when what was written has gone out."""
        self.flush()
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def release(self) -> None:
        """Forget the connection, which has gone: what refers to each other is only freed by Python's collector, which stops
        the server for as long as a thousand of them take."""
        self._resumed = self._write = self._end_of_turn = _nothing

    def writable(self) -> "Deferred[None]":
        """Return a Deferred that fires when the client takes more."""
        waiting: Deferred[None] = Deferred()
        if self.is_full:
            self._waiting.append(waiting)
        else:
            waiting.callback(None)
        return waiting

    def stalled(self, before: float) -> bool:
        """Return whether the client has taken nothing since `before`."""
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
        """Nothing to do: the transport has gone, and its protocol learns of it."""


def _nothing(*_: object) -> None:
    """Do nothing, in place of what has gone."""
