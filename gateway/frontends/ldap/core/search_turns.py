"""Search turns: large searches are taken in slices, and whose slice comes next goes round the parties, not the searches.

So many searches of one application delay each other, and another application's hardly (law 13)."""

from collections import OrderedDict, deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from gateway.frontends.ldap.core.limits import SCANS, SCANS_PER_PARTY, SLICE_SECONDS


class PartyQueues:
    """Deferreds that wait, by party; those whose waiting was cancelled are left out."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[Deferred[None]]] = OrderedDict()
        self.waiting = 0

    def add(self, party: str) -> "Deferred[None]":
        """Return a Deferred that waits at the end of its party's queue."""
        waiting: Deferred[None] = Deferred()
        self._queues.setdefault(party, deque()).append(waiting)
        self.waiting += 1
        return waiting

    def parties(self) -> list[str]:
        """Return the parties with something that waits, the one whose turn is next first."""
        return list(self._queues)

    def next_of(self, party: str) -> "Deferred[None] | None":
        """Remove and return the first that waits; the party's next turn comes after those of the others."""
        queue = self._queues.pop(party, deque())
        found = None
        while queue and found is None:
            one = queue.popleft()
            self.waiting -= 1
            found = None if one.called else one
        if queue:
            self._queues[party] = queue
        return found


class ScanTurns:
    """The places of slices that may look at many rows, which are taken in threads."""

    def __init__(self) -> None:
        self.running = 0
        self.of_party: dict[str, int] = {}
        self._queues = PartyQueues()

    async def enter(self, party: str) -> None:
        """Wait for a place; `leave` must follow."""
        if self.running >= SCANS or self.of_party.get(party, 0) >= SCANS_PER_PARTY:
            await self._queues.add(party)
        else:
            self._begin(party)

    def leave(self, party: str) -> None:
        """Give the place to the next."""
        self.running -= 1
        self.of_party[party] -= 1
        if not self.of_party[party]:
            del self.of_party[party]
        for other in self._queues.parties():
            if self.running >= SCANS:
                return
            if self.of_party.get(other, 0) >= SCANS_PER_PARTY:
                continue
            waiting = self._queues.next_of(other)
            if waiting is not None:
                self._begin(other)
                waiting.callback(None)

    def _begin(self, party: str) -> None:
        self.running += 1
        self.of_party[party] = self.of_party.get(party, 0) + 1


class SliceTurns:
    """The turns of slices that are taken in the reactor: in one turn of the reactor so many as take SLICE_SECONDS."""

    def __init__(self) -> None:
        self._queues = PartyQueues()
        self._scheduled = False

    def turn(self, party: str, reactor: IReactorTime) -> "Deferred[None]":
        """Return a Deferred that fires after the reactor has served the connections; it may be cancelled."""
        self._schedule(reactor)
        return self._queues.add(party)

    def _schedule(self, reactor: IReactorTime) -> None:
        if not self._scheduled:
            self._scheduled = True
            reactor.callLater(0, self._run, reactor)

    def _run(self, reactor: IReactorTime) -> None:
        self._scheduled = False
        end = reactor.seconds() + SLICE_SECONDS
        for _ in range(self._queues.waiting):  # what is added meanwhile waits for the reactor's next turn
            parties = self._queues.parties()
            waiting = self._queues.next_of(parties[0]) if parties else None
            if waiting is not None:
                waiting.callback(None)
                if reactor.seconds() >= end:
                    break
        if self._queues.waiting:
            self._schedule(reactor)
