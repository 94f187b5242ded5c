"""Streaming with back-pressure: the next chunk is asked for only after the client has read enough of the last.

Memory is one chunk and the transport's buffer, whatever the length of the stream."""

from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from gateway.frontends.http import limits
from gateway.frontends.http.connection import ArrivingRequest


class ClientStalled(Exception):
    """The client did not read for STALL_SECONDS."""


@implementer(IPushProducer)
class Pump:
    """Moves chunks to one request. `run` may be called once."""

    def __init__(self, request: ArrivingRequest, clock: IReactorTime) -> None:
        self._request = request
        self._clock = clock
        self._resumed: Deferred[None] | None = None
        self._stall: IDelayedCall | None = None

    async def run(self, chunks: AsyncIterator[bytes]) -> None:
        """Write every chunk; returns when the last one is with the transport.

        Raises what `chunks` raises, and ClientStalled. Cancelled when the client goes away.
        """
        self._request.registerProducer(self, True)
        try:
            async for chunk in chunks:
                self._request.write(chunk)
                if self._resumed is not None:
                    await self._resumed
        finally:
            self._release()
            # Twisted takes the channel from a request whose connection is lost, and then has nothing to unregister from.
            if self._request.channel is not None:
                self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        """Wait: the transport's buffer is full."""
        if self._resumed is None:
            self._resumed = Deferred()
            self._stall = self._clock.callLater(limits.STALL_SECONDS, self._give_up)

    def resumeProducing(self) -> None:
        """Go on: the transport has room again."""
        waiting = self._release()
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: the connection is going, and the router cancels the request's Deferred."""

    def _give_up(self) -> None:
        self._stall = None
        waiting = self._release()
        if waiting is not None:
            waiting.errback(ClientStalled())

    def _release(self) -> "Deferred[None] | None":
        waiting, self._resumed = self._resumed, None
        stall, self._stall = self._stall, None
        if stall is not None and stall.active():
            stall.cancel()
        return waiting
