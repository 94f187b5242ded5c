"""The reactor of our processes: Twisted's epoll reactor."""

from __future__ import annotations

import sys
from typing import Any


def epoll_reactor() -> Any:
    """The epoll reactor, installed unless there is a reactor already."""
    if "twisted.internet.reactor" not in sys.modules:
        from twisted.internet import epollreactor

        epollreactor.install()  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    return reactor
