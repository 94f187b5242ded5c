"""A reactor that starts no processes, and stand-ins for them: for the primary's side of workers."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.app.workers.message_channel import MAX_MESSAGE_BYTES
from gateway.app.workers.protocol import CHANNEL_DESCRIPTOR, Message, ToWorker
from gateway.twisted_internals.reactor import IReactor


class FakeProcess:
    """A stand-in for a worker's process: the test sends its messages, and reads those that it received."""

    def __init__(self, reactor: FakeReactor, protocol: Any, descriptor: int) -> None:
        self.pid = len(reactor.spawned) + 1
        self.protocol = protocol
        self.killed = False
        self._machine = reactor
        self.end = socket.socket(fileno=os.dup(descriptor))

    def signalProcess(self, name: str) -> None:
        assert name == "KILL"
        self.killed = True
        self.ends()

    def sends(self, *messages: Message) -> None:
        for message in messages:
            self.end.send(msgspec.msgpack.encode(message))
        self._machine.turn()

    def received(self) -> list[ToWorker]:
        """Return the messages that have come since the last call."""
        found: list[ToWorker] = []
        decoder = msgspec.msgpack.Decoder(ToWorker)
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.end, MAX_MESSAGE_BYTES, 1)
            except BlockingIOError:
                return found
            found.append(decoder.decode(data))
            for descriptor in descriptors:
                os.close(descriptor)

    def ends(self, signal: int = 9) -> None:
        self.end.close()
        self._machine.turn()
        reason: Any = ProcessTerminated
        failure: Any = Failure
        self.protocol.processEnded(failure(reason(signal=signal)))


class FakeReactor(Clock):
    """A reactor that starts no processes; `turn` lets channels read."""

    @property
    def typed(self) -> IReactor:
        """Itself, to parts that ask for a whole reactor: they use no more than is here."""
        return cast(IReactor, self)

    def __init__(self) -> None:
        super().__init__()
        self.spawned: list[FakeProcess] = []
        self.refuses: OSError | None = None
        self._readers: dict[Any, None] = {}

    def addReader(self, reader: Any) -> None:
        self._readers[reader] = None

    def removeReader(self, reader: Any) -> None:
        self._readers.pop(reader, None)

    def addWriter(self, _: Any) -> None: ...

    def removeWriter(self, _: Any) -> None: ...

    def turn(self) -> None:
        for reader in tuple(self._readers):
            if reader.doRead() is not None:
                reader.connectionLost()

    def spawnProcess(self, protocol: Any, *_: Any, childFDs: Mapping[int, int]) -> FakeProcess:
        if self.refuses is not None:
            raise self.refuses
        self.spawned.append(FakeProcess(self, protocol, childFDs[CHANNEL_DESCRIPTOR]))
        return self.spawned[-1]
