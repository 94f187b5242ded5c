"""What a worker has from the primary: the soft lock of all processes, and the count of all connections."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from twisted.internet.defer import Deferred

from gateway.app.workers.protocol import Closed, Enter, Failed, Left, Message, Succeeded
from gateway.directory.authentication.soft_lock import SoftLock

Send = Callable[[Message], None]


class AskedSoftLock(SoftLock):
    """A SoftLock whose memory is the primary's: each question goes there, and so does what became of the bind."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = count(1)
        self._questions: dict[int, tuple[str, Deferred[bool]]] = {}

    async def enter(self, key: str) -> bool:
        """See SoftLock.enter. A bind that is cancelled while it waits is left when its turn comes."""
        number = next(self._numbers)
        answer: Deferred[bool] = Deferred()
        self._questions[number] = key, answer
        self._send(Enter(number, key))
        return await answer

    def answered(self, number: int, admitted: bool) -> None:
        """The primary's answer."""
        key, answer = self._questions.pop(number)
        if not answer.called:
            answer.callback(admitted)
        elif admitted:
            self.leave(key)

    def leave(self, key: str) -> None:
        """See SoftLock.leave."""
        self._send(Left(key))

    def failed(self, key: str) -> bool:
        """See SoftLock.failed; that the key is locked now is the primary's to log."""
        self._send(Failed(key))
        return False

    def succeeded(self, key: str) -> None:
        """See SoftLock.succeeded."""
        self._send(Succeeded(key))


class HandedAdmission:
    """Who is handed to a worker has been admitted and counted; the primary is told of the end."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def refuses(self, host: str, peer: str) -> bool:  # noqa: ARG002
        """Nobody."""
        return False

    def opened(self, host: str) -> None:
        """The primary knows."""

    def closed(self, host: str) -> None:
        """A connection has ended."""
        self._send(Closed(host))
