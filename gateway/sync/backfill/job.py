"""Work on what is here already, done once after the start of a process, beside the sources: begun, and told to stop."""

from abc import ABC, abstractmethod

from twisted.internet.defer import Deferred, ensureDeferred


class Chore(ABC):
    """`stopping`: whether `run` is to end with the transaction in progress."""

    def __init__(self) -> None:
        self.stopping = False
        self._life: Deferred[None] | None = None

    def start(self) -> None:
        """Begin; to be called once."""
        self._life = ensureDeferred(self.run())

    async def stop(self) -> None:
        """Returns when the transaction in progress is over."""
        self.stopping = True
        if self._life is not None:
            await self._life

    @abstractmethod
    async def run(self) -> None:
        """To the end, unless it is stopped. Raises nothing: whoever stops must not fail of it."""
