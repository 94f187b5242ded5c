"""The reactor of `gateway serve`: Twisted's epoll reactor, made for many small requests.

Three things differ. It knows the end of its turns, so that what all connections have ready leaves together. Whoever wants to
write is tried then, and watched only when the socket does not take all: mostly it does, and two system calls are saved. And
events reach their sockets without Twisted's per-event log context, which nothing here reads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from select import EPOLLOUT
from typing import Any, cast

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReactorFDSet, IReactorTime

from gateway.twisted_internals.reactor import IReactor, installed


class TurnReactor(EPollReactor):
    """One turn: the calls that are due, then the sockets that are ready, then whatever was put off to the end."""

    def __init__(self) -> None:
        self._at_end: list[Callable[[], object]] = []
        self._untried: dict[Any, None] = {}
        """Writers to be tried at the end of the turn, in their order."""
        self._trying: Any = None
        """The writer that is being tried; None again when it wants nothing more."""
        super().__init__()  # type: ignore[no-untyped-call]

    def call_at_end_of_turn(self, work: Callable[[], object]) -> None:
        """Runs `work` before the reactor waits again. Only for its own thread; `work` must not raise."""
        self._at_end.append(work)

    # Turns ------------------------------------------------------------------------------------------------------------

    def doPoll(self, timeout: float | None) -> None:
        """One round of the sockets. As Twisted's, but for what the head of this file says."""
        if self._at_end or self._untried:  # put off by a call that was due: whoever waits for it must not wait for a socket
            self._end_turn()
        selectables = self._selectables
        patience = 0 if self._at_end or self._untried else -1 if timeout is None else timeout
        for descriptor, event in self._poller.poll(patience, max(1, len(selectables))):
            selectable = selectables.get(descriptor)
            if selectable is not None:
                self._doReadOrWrite(selectable, descriptor, event)  # type: ignore[no-untyped-call]
        if self._at_end or self._untried:
            self._end_turn()

    doIteration = doPoll

    def _end_turn(self) -> None:
        works, self._at_end = self._at_end, []
        for work in works:
            work()
        for _ in range(len(self._untried)):  # who wants to write again has its next turn
            if not self._untried:
                break
            writer = next(iter(self._untried))
            del self._untried[writer]
            self._try(writer)

    # Writers ----------------------------------------------------------------------------------------------------------

    def _try(self, writer: Any) -> None:
        self._trying = writer
        self._doReadOrWrite(writer, writer.fileno(), EPOLLOUT)  # type: ignore[no-untyped-call]
        wants_more, self._trying = self._trying is writer, None
        if wants_more and writer.fileno() != -1:
            self._untried.pop(writer, None)
            super().addWriter(writer)  # type: ignore[no-untyped-call]

    def addWriter(self, writer: Any) -> None:
        """Has the writer tried at the end of the turn, and watched if need be."""
        if writer is not self._trying and writer.fileno() not in self._writes:
            self._untried[writer] = None

    def removeWriter(self, writer: Any) -> None:
        """Neither tries nor watches it any more."""
        self._untried.pop(writer, None)
        if writer is self._trying:
            self._trying = None
        if writer.fileno() in self._writes or writer.fileno() == -1 or self._polls(writer):
            super().removeWriter(writer)  # type: ignore[no-untyped-call]

    def _polls(self, writer: Any) -> bool:
        """Whether it is something that epoll cannot watch, a file for example."""
        return bool(self._continuousPolling.isWriting(writer))  # type: ignore[no-untyped-call]

    def removeAll(self) -> list[Any]:
        """As Twisted's."""
        untried, self._untried = self._untried, {}
        found: list[Any] = super().removeAll()  # type: ignore[no-untyped-call]
        return list(dict.fromkeys([*found, *untried]))

    def getWriters(self) -> list[Any]:
        """As Twisted's."""
        watched: list[Any] = super().getWriters()  # type: ignore[no-untyped-call]
        return list(dict.fromkeys([*watched, *self._untried]))


def at_end_of_turn(reactor: IReactorFDSet) -> Callable[[Callable[[], object]], object]:
    """Return how to have something called at the end of the reactor's turn; on any other reactor, early in its next."""
    return (
        reactor.call_at_end_of_turn if isinstance(reactor, TurnReactor) else partial(cast(IReactorTime, reactor).callLater, 0)
    )


def turn_reactor() -> IReactor:
    """Return the process's reactor, a TurnReactor installed now unless the process has one already."""
    if "twisted.internet.reactor" not in sys.modules:
        from twisted.internet.main import installReactor

        installReactor(TurnReactor())  # type: ignore[no-untyped-call]
    return installed()
