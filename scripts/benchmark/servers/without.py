"""The gateway's command line without a part of twisted_internals: `python -m scripts.benchmark.servers.without PART serve`.

The gateway itself has no such switches: what a part buys is measured beside the same program without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.twisted_internals import direct_writes, turn_reactor


def turn_reactor_itself() -> None:
    """Install Twisted's epoll reactor."""
    from twisted.internet import epollreactor

    epollreactor.install()  # type: ignore[no-untyped-call]


def end_of_turn() -> None:
    """Let answers leave in the reactor's next turn, as with any other reactor."""
    replace(turn_reactor, "at_end_of_turn", lambda reactor: partial(reactor.callLater, 0))


def bare_events() -> None:
    """Give every event of a socket its log context."""
    from twisted.internet.epollreactor import EPollReactor
    from twisted.python import log

    do: Any = EPollReactor._doReadOrWrite

    def in_context(self: object, selectable: object, descriptor: int, event: int) -> None:
        log.callWithLogger(selectable, do, self, selectable, descriptor, event)  # type: ignore[no-untyped-call]

    replace(turn_reactor.TurnReactor, "_doReadOrWrite", in_context)


def direct_plain_writes() -> None:
    """Write through the transport's queue."""
    replace(direct_writes, "writer", lambda connection: connection.write)


def direct_tls_writes() -> None:
    """Write through Twisted's gathering of small writes and the queue below it."""
    replace(direct_writes, "tls_writer", lambda tls, _: tls.write)


PARTS: Mapping[str, Callable[[], None]] = {
    "turn-reactor": turn_reactor_itself,
    "end-of-turn": end_of_turn,
    "bare-events": bare_events,
    "direct-writes": direct_plain_writes,
    "direct-tls-writes": direct_tls_writes,
}


def replace(owner: object, name: str, part: object) -> None:
    """Set an attribute that must be there already. Raises AttributeError."""
    getattr(owner, name)
    setattr(owner, name, part)


if __name__ == "__main__":
    PARTS[sys.argv.pop(1)]()
    from gateway.app.cli import main

    main()
