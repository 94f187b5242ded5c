"""Group commit: writes that wait for the one writer are committed in one transaction, so that the disk is waited for once and
not once for each. Every write has an outcome of its own, which is given only after the commit.

Belongs to the reactor's thread, but for what runs in the writer's."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.store.engine.database import Database
from gateway.store.engine.dialects import OUTAGES

W = TypeVar("W")
T = TypeVar("T")

MAX_GROUP: Final = 64
"""Writes committed together. More would save little of the disk's time, and let the first one wait for all of them."""


class _GivenUp(Exception):
    """A group ended before its commit, with an error of one of its writes: nothing of it is stored."""


class GroupCommit(Generic[W, T]):
    """The writes that wait. `carry_out(connection, writes)` is run in the writer's thread, in one transaction, and returns what
    became of each, in their order: an error for one of which nothing is kept. It raises when the transaction is lost; of a
    single write it may raise the write's own error."""

    def __init__(self, database: Database, carry_out: Callable[[Connection, Sequence[W]], Sequence[T | Exception]]) -> None:
        self._database = database
        self._carry_out = carry_out
        self._waiting: deque[_Waiting[W, T]] = deque()
        self._alone = 0
        """The number of those at the head that are to be committed one by one."""
        self._running = False

    def write(self, work: W) -> "Deferred[T]":
        """Carry out a write behind those that wait. Fires after the commit, or fails as `Database.write` and the write do."""
        result: Deferred[T] = Deferred()
        self._waiting.append((work, result))
        if not self._running:
            self._begin()
        return result

    def _begin(self) -> None:
        group = [self._waiting.popleft() for _ in range(1 if self._alone else min(len(self._waiting), MAX_GROUP))]
        self._alone = max(0, self._alone - 1)
        self._running = True
        works = [work for work, _ in group]
        writing = self._database.write(partial(self._together, works) if len(works) > 1 else partial(self._single, works))
        writing.addBoth(self._ended, group)

    def _ended(self, outcomes: Sequence[T | Exception] | Failure, group: "Sequence[_Waiting[W, T]]") -> None:
        self._running = False
        if isinstance(outcomes, Failure) and isinstance(outcomes.value, _GivenUp):  # each on its own shows whose fault it is
            self._waiting.extendleft(reversed(group))
            self._alone, group = len(group), ()
        if self._waiting:
            self._begin()
        for place, (_, result) in enumerate(group):
            outcome = outcomes if isinstance(outcomes, Failure) else outcomes[place]
            if isinstance(outcome, Failure | Exception):
                result.errback(outcome)
            else:
                result.callback(outcome)

    # In the writer's thread -------------------------------------------------------------------------------------------

    def _single(self, works: Sequence[W], connection: Connection) -> Sequence[T | Exception]:
        return self._carry_out(connection, works)

    def _together(self, works: Sequence[W], connection: Connection) -> Sequence[T | Exception]:
        try:
            return self._carry_out(connection, works)
        except OUTAGES:
            raise
        except Exception as error:
            raise _GivenUp from error


_Waiting: TypeAlias = tuple[W, "Deferred[T]"]
