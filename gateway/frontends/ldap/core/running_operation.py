"""An operation that is not finished at once: its coroutine, and the Deferred that it waits for.

Twisted's own driver of coroutines does more for each than a bind costs otherwise: a context, a Deferred that waits for the end,
a way round nested generators. Nothing here needs them."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class Running:
    """`over` is told of the end: of the error that the operation ended with, or None."""

    __slots__ = ("_over", "_waiting", "_work", "name")

    def __init__(self, name: str, work: Coroutine[Any, Any, None], over: Callable[[BaseException | None], None]) -> None:
        self.name = name
        self._work = work
        self._over = over
        self._waiting: Deferred[Any] | None = None

    def go_on(self, result: object = None) -> None:
        """To the next Deferred that has no result yet, or to the end. A good result waits in the Deferred."""
        error: BaseException | None = None
        try:
            waiting = self._throw(result) if isinstance(result, Failure) else self._work.send(None)
        except StopIteration:
            pass
        except BaseException as raised:
            error = raised
        else:
            self._waiting = waiting
            waiting.addBoth(self.go_on)
            return
        self._waiting = None
        self._over(error)

    def cancel(self) -> None:
        """What it waits for is cancelled; it ends as it likes to, as a rule with CancelledError."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _throw(self, failure: Failure) -> Deferred[Any]:
        return failure.throwExceptionIntoGenerator(self._work)  # type: ignore[no-untyped-call, no-any-return]
