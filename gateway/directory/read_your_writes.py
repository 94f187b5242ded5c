"""Read-your-writes: a write, or the first bind of a new user, is answered when the view has it."""

from typing import Final

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from gateway.directory.directory import Directory

VIEW_SECONDS: Final = 5.0
"""The longest wait for a view. A view takes milliseconds; one that is being built, or has no disk, must not hold a client for
ever: the write is committed all the same."""

_log = structlog.get_logger("gateway.directory")


class ReadYourWrites:
    """The waits for views to reach a change."""

    def __init__(self, directory: Directory, clock: IReactorTime) -> None:
        self._directory = directory
        self._clock = clock

    async def wait_for(self, view: str, number: int) -> bool:
        """Wait until the view has the change; return whether it has it within VIEW_SECONDS."""
        follower = self._directory.followers[view]
        if follower.position >= number:
            return True
        waiting: Deferred[bool] = Deferred()

        def check() -> None:
            if follower.position >= number and not waiting.called:
                waiting.callback(True)

        def give_up() -> None:
            _log.warning("view does not have yet what is written", view=view, change=number)
            waiting.callback(False)

        follower.on_change.append(check)
        timeout = self._clock.callLater(VIEW_SECONDS, give_up)
        try:
            check()
            return await waiting
        finally:
            follower.on_change.remove(check)
            if timeout.active():
                timeout.cancel()
