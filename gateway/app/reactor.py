"""The reactor of `gateway serve`: Twisted's epoll reactor, made for many small requests.

Two things differ. It knows the end of its turns, so that what all connections have ready leaves together; it gives events to
their sockets without Twisted's per-event log context, which nothing here reads. Both together are a third of a small search."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor


class TurnReactor(EPollReactor):
    """One turn: the calls that are due, then the sockets that are ready, then whatever was put off to the end."""

    def __init__(self) -> None:
        self._at_end: list[Callable[[], object]] = []
        super().__init__()  # type: ignore[no-untyped-call]

    def call_at_end_of_turn(self, work: Callable[[], object]) -> None:
        """Runs `work` before the reactor waits again. Only for its own thread; `work` must not raise."""
        self._at_end.append(work)

    def doPoll(self, timeout: float | None) -> None:
        """One round of the sockets. As Twisted's, but for the two things above."""
        if self._at_end:  # put off by a call that was due: whoever waits for it must not wait for a socket
            self._end_turn()
        selectables = self._selectables
        events = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        for descriptor, event in events:
            selectable = selectables.get(descriptor)
            if selectable is not None:
                self._doReadOrWrite(selectable, descriptor, event)  # type: ignore[no-untyped-call]
        if self._at_end:
            self._end_turn()

    doIteration = doPoll

    def _end_turn(self) -> None:
        works, self._at_end = self._at_end, []
        for work in works:
            work()


def epoll_reactor() -> Any:
    """The reactor, installed unless the process has one already."""
    if "twisted.internet.reactor" not in sys.modules:
        from twisted.internet.main import installReactor

        installReactor(TurnReactor())  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    return reactor
