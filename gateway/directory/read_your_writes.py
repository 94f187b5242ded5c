"""Waiting until a view has what was just written: whoever writes, or comes in, sees it from then on."""

from typing import Any, Final

import structlog
from twisted.internet.defer import Deferred

from gateway.directory.directory import Directory

VIEW_SECONDS: Final = 5.0
"""How long anybody waits for a view. A view takes milliseconds; one that is being built, or has no disk, must not hold a client
for ever: what was written is written all the same."""

_log = structlog.get_logger("gateway.directory")


class ReadYourWrites:
    """`clock` needs IReactorTime."""

    def __init__(self, directory: Directory, clock: Any) -> None:
        self._directory = directory
        self._clock = clock

    async def wait_for(self, view: str, number: int) -> bool:
        """Whether the view has the change by now, or after a while."""
        follower = self._directory.followers[view]
        if follower.position >= number:
            return True
        waiting: Deferred[bool] = Deferred()

        def look() -> None:
            if follower.position >= number and not waiting.called:
                waiting.callback(True)

        def give_up() -> None:
            _log.warning("view does not have yet what is written", view=view, change=number)
            waiting.callback(False)

        follower.on_change.append(look)
        patience = self._clock.callLater(VIEW_SECONDS, give_up)
        try:
            look()
            return await waiting
        finally:
            follower.on_change.remove(look)
            if patience.active():
                patience.cancel()
