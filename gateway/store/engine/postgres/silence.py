"""A PostgreSQL server that says nothing: connections that give a statement up when no byte has come for too long, and at a
deadline of the whole transaction.

The server's own time-outs do not help where the server is what stands still (a paused machine, a cut cable), and TCP takes a
paused program for a healthy one. A connection that was given up is closed: the server then undoes what was not committed."""

import contextlib
import math
import threading
from collections.abc import Generator, Iterator
from time import monotonic
from typing import Any, Final, Self

import psycopg

SILENT_SECONDS: Final = 75.0
"""The longest silence within one statement: longer than a transaction waits for another node's batch
(dialects.LOCK_SECONDS), so that the server's own reason comes first."""

CONNECT_SECONDS: Final = 4
"""The longest wait for each of the URL's servers to take a connection: less than store_threads.ANSWER_SECONDS."""

KEEPALIVES: Final = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Settings (libpq) by which a connection that waits without a deadline finds within a minute that its server has gone."""

_transaction = threading.local()


@contextlib.contextmanager
def until(deadline: float) -> Iterator[None]:
    """End what this thread asks of PostgreSQL at `deadline` (of `time.monotonic`) at the latest, with an OperationalError."""
    _transaction.deadline = deadline
    try:
        yield
    finally:
        _transaction.deadline = math.inf


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for no answer longer than SILENT_SECONDS, and none beyond the thread's deadline."""

    @classmethod
    def connect(cls, *arguments: Any, **options: Any) -> Self:
        if _deadline() <= monotonic():
            raise psycopg.OperationalError("no time was left to connect")
        return super().connect(*arguments, **options)

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        return super().wait(self._bounded(gen), *arguments, **options)

    def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Go on with `gen` as the driver does, which resumes it with 0 when nothing has come for a tenth of a second."""
        try:
            wanted = next(gen)
            started = heard = monotonic()
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif (now := monotonic()) > min(heard + SILENT_SECONDS, _deadline()):
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer after {now - started:.1f} s")
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value


def _deadline() -> float:
    return getattr(_transaction, "deadline", math.inf)
