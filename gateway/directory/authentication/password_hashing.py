"""Password hashing by argon2id in a thread of its own, which releases the interpreter lock while it computes.

The queue is bounded; a further request raises Busy. One thread: the other processors are for other requests."""

from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from gateway.model.errors import Busy

T = TypeVar("T")

_ARGON2: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's recommendation: some 25 ms and 19 MiB for one hash. The parameters are part of each hash: old ones stay valid."""

MAX_WAITING = 64
"""The queue beside the hash that is computed. The last of them waits some 1.6 s: longer than that, clients give up anyway."""


def hash_blocking(password: bytes) -> str:
    """Return the hash of a password, computed in the calling thread."""
    return _ARGON2.hash(password)


def verify_blocking(password_hash: str, password: bytes) -> bool:
    """Return whether the hash is of this password, computed in the calling thread."""
    try:
        return _ARGON2.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class PasswordHashing:
    """All hashing of one process."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, 1, "argon2")
        self._queued = 0
        self._decoy_hash: str | None = None
        self._closed = False

    @property
    def has_time(self) -> bool:
        """True when so little is queued that optional work may be added."""
        return self._queued <= MAX_WAITING // 4

    async def hash(self, password: bytes) -> str:
        """Return the hash of a new password. Raises Busy."""
        return await self._compute(lambda: hash_blocking(password))

    async def verify(self, password_hash: str | None, password: bytes) -> bool:
        """Return whether the hash is of this password; without a hash False, after the same work. Raises Busy."""

        def work() -> bool:
            if self._decoy_hash is None:
                self._decoy_hash = hash_blocking(b"decoy")
            return verify_blocking(password_hash or self._decoy_hash, password) and password_hash is not None

        return await self._compute(work)

    def close(self) -> None:
        """Wait for the hash that is being computed. May be called twice."""
        if self._pool.started and not self._closed:
            self._pool.stop()
        self._closed = True

    def _compute(self, work: Callable[[], T]) -> "Deferred[T]":
        if self._queued > MAX_WAITING or self._closed:
            raise Busy("too many passwords are being checked; try again shortly")
        if not self._pool.started:
            self._pool.start()
        self._queued += 1
        answer: Deferred[T] = Deferred()

        def done(result: T | Failure) -> None:  # the caller may have cancelled; the thread has been busy all the same
            self._queued -= 1
            if not answer.called:
                answer.callback(result)

        deferToThreadPool(self._reactor, self._pool, work).addBoth(done)
        return answer
