"""The parts of the primary that a worker uses over the channel: the soft lock of all processes, and the count of all
connections."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from twisted.internet.defer import Deferred

from gateway.app.workers.protocol import (
    BindFailed,
    BindSucceeded,
    ConnectionClosed,
    EnterSoftLock,
    SoftLockLeft,
    ToPrimary,
)
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.model.errors import StoreUnavailable

Send = Callable[[ToPrimary], None]


class SoftLockProxy(SoftLock):
    """A SoftLock whose memory is the primary's: each question goes there, and so does the outcome of the bind."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = count(1)
        self._questions: dict[int, tuple[str, Deferred[bool]]] = {}

    async def enter(self, key: str) -> bool:
        """See SoftLock.enter. A bind that is cancelled while it waits is left when its turn comes."""
        number = next(self._numbers)
        answer: Deferred[bool] = Deferred()
        self._questions[number] = key, answer
        self._send(EnterSoftLock(number, key))
        return await answer

    def answered(self, number: int, admitted: bool, unavailable: str = "") -> None:
        """Pass the primary's answer on to the bind that waits for it."""
        key, answer = self._questions.pop(number)
        if not answer.called and unavailable:
            answer.errback(StoreUnavailable(unavailable))
        elif not answer.called:
            answer.callback(admitted)
        elif admitted:
            self.leave(key)

    def leave(self, key: str) -> None:
        """See SoftLock.leave."""
        self._send(SoftLockLeft(key))

    def failed(self, key: str) -> bool:
        """See SoftLock.failed; that the key is locked now is the primary's to log."""
        self._send(BindFailed(key))
        return False

    def succeeded(self, key: str) -> None:
        """See SoftLock.succeeded."""
        self._send(BindSucceeded(key))


class AdmissionProxy:
    """The admission of connections that the primary has admitted and counted already; it is sent their ends."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def refuses(self, host: str, peer: str) -> bool:  # noqa: ARG002
        """Return False: the primary refuses."""
        return False

    def opened(self, host: str) -> None:
        """Do nothing: the primary has counted it."""

    def closed(self, host: str) -> None:
        """Send the end of a connection."""
        self._send(ConnectionClosed(host))
