"""An operation that is not finished at once: its coroutine, and the Deferred that it waits for.

Twisted's own driver of coroutines does more for each than a bind costs otherwise: a context, a Deferred that waits for the end,
a way round nested generators. Nothing here needs them."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.frontends.ldap.core.responder import Work


class RunningOperation:
    """`on_end` is called once, with the error that the operation ended with, or None. It begins with `resume`."""

    __slots__ = ("_on_end", "_waiting", "_work", "name")

    def __init__(self, name: str, work: Work, on_end: Callable[[BaseException | None], None]) -> None:
        self.name = name
        self._work = work
        self._on_end = on_end
        self._waiting: Deferred[Any] | None = None

    def resume(self, result: object = None) -> None:
        """Run to the next Deferred that has no result yet, or to the end. A good result waits in the Deferred."""
        error: BaseException | None = None
        try:
            waiting = self._throw(result) if isinstance(result, Failure) else self._work.send(None)
        except StopIteration:
            pass
        except BaseException as raised:
            error = raised
        else:
            self._waiting = waiting
            waiting.addBoth(self.resume)
            return
        self._waiting = None
        self._on_end(error)

    def cancel(self) -> None:
        """Cancel what it waits for; it ends as it likes to, as a rule with CancelledError."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _throw(self, failure: Failure) -> "Deferred[Any]":
        return failure.throwExceptionIntoGenerator(self._work)  # type: ignore[no-untyped-call, no-any-return]
