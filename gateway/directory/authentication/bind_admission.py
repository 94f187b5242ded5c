"""Bind admission: binds in progress are shared out by the client's address (law 13).

So many are in progress in a process, no address has more than are left for the others, and waiting ones go on in turns, one
address after the other. Wrong passwords slow down the address that they come from, and no other: beyond some, its binds begin
one by one. All users may share an address (a web server that logs people in): there a name that was right lately does not
wait, connections with fewer failures go first, and right passwords take failures away again."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

MAX_BINDS = 48
"""Binds in progress: fewer than may wait for a hash (password_hashing.MAX_WAITING), so that none is turned away there."""

FREE_FAILURES = 20
"""Wrong passwords of an address, right ones taken off, before it is slowed down: people mistype, a group at the same time."""

FORGIVEN_PER_SECOND = 0.5
"""Failures of an address that are forgotten as time goes by."""

MAX_FAILURES = 120
"""The most that are remembered of an address: it is as before some three minutes after the last guess."""

BRAKE_SECONDS = 0.1
"""The time from one bind of a slowed address to its next: ten guesses a second are a quarter of the hashing thread's time."""

BRAKED_BINDS = 2
"""Binds in progress of a slowed address."""

MAX_FAMILIAR = 10_000
"""Names that were right at an address; the longest unused go first."""

MAX_ADDRESSES = 10_000
"""Addresses remembered for their failures; the longest unused go first."""

MAX_CONNECTIONS = 2_000
"""Connections of one address remembered for their failures; all are forgotten when there are more."""

_PREFIX_OF_IPV6 = 64
"""Prefix by which IPv6 clients are told apart: one client has a network of addresses."""


@dataclass(slots=True)
class _Address:
    name: str
    failures: float = 0.0
    counted_at: float = 0.0
    next_at: float = 0.0
    held: int = 0
    waiting: "list[tuple[int, int, Deferred[None]]]" = field(default_factory=list)
    """A heap: failures of the connection (-1: the name is familiar), arrival, the bind that waits."""
    of_connection: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class BindTurn:
    """The turn of one bind; at most one of `failed` and `succeeded` is called."""

    admission: "BindAdmission"
    address: _Address
    peer: str
    key: str

    def failed(self) -> None:
        """Count a wrong password."""
        self.admission.failed(self.address, self.peer, self.key)

    def succeeded(self) -> None:
        """Remember that the name belongs here, and forget a failure."""
        self.admission.succeeded(self.address, self.peer, self.key)


class BindAdmission:
    """The binds of one process."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.in_progress = 0
        self._arrivals = count()
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._queued: OrderedDict[str, _Address] = OrderedDict()
        """Addresses with binds that wait; the one whose turn was last comes last."""
        self._familiar: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._timer: IDelayedCall | None = None
        self._admitting = False

    async def enter(self, key: str, peer: str) -> BindTurn:
        """Return the turn of a bind when it may begin; `leave` must follow. `key`: the name's, as for the soft lock; `peer`:
        the client's address and port."""
        name = network_of(peer.rpartition(":")[0])
        address = self._addresses.get(name)
        if address is None:
            address = self._remembered(name)
        else:
            self._addresses.move_to_end(name)
        rank = -1 if address.failures and (name, key) in self._familiar else address.of_connection.get(peer, 0)
        if address.waiting or not self._may_begin(address, rank):
            turn: Deferred[None] = Deferred()
            heappush(address.waiting, (rank, next(self._arrivals), turn))
            self._queued.setdefault(name, address)
            self._admit()
            await turn
        else:
            self._begin(address, rank)
        return BindTurn(self, address, peer, key)

    def leave(self, turn: BindTurn) -> None:
        """Give the place to the next."""
        address = turn.address
        self.in_progress -= 1
        address.held -= 1
        if not address.held and not address.waiting and not address.failures:
            self._addresses.pop(address.name, None)
        if self._queued:
            self._admit()

    def failed(self, address: _Address, peer: str, key: str) -> None:
        """See BindTurn.failed."""
        self._is_slowed(address)
        address.failures = min(address.failures + 1, MAX_FAILURES)
        address.counted_at = self._clock.seconds()
        if len(address.of_connection) >= MAX_CONNECTIONS:
            address.of_connection.clear()
        address.of_connection[peer] = address.of_connection.get(peer, 0) + 1
        self._familiar.pop((address.name, key), None)

    def succeeded(self, address: _Address, peer: str, key: str) -> None:
        """See BindTurn.succeeded."""
        address.failures = max(0.0, address.failures - 1)
        address.of_connection.pop(peer, None)
        self._familiar[address.name, key] = None
        self._familiar.move_to_end((address.name, key))
        if len(self._familiar) > MAX_FAMILIAR:
            self._familiar.popitem(last=False)

    def _remembered(self, name: str) -> _Address:
        if len(self._addresses) >= MAX_ADDRESSES:
            idle = (one for one in islice(self._addresses.values(), MAX_BINDS + 1) if not one.held and not one.waiting)
            oldest = next(idle, None)
            if oldest is not None:
                del self._addresses[oldest.name]
        address = self._addresses[name] = _Address(name)
        return address

    def _is_slowed(self, address: _Address) -> bool:
        if not address.failures:
            return False
        now = self._clock.seconds()
        address.failures = max(0.0, address.failures - (now - address.counted_at) * FORGIVEN_PER_SECOND)
        address.counted_at = now
        if not address.failures:
            address.of_connection.clear()
        return address.failures > FREE_FAILURES

    def _may_begin(self, address: _Address, rank: int) -> bool:
        left = MAX_BINDS - self.in_progress
        if address.held >= left:
            return False
        if rank < 0 or not self._is_slowed(address):
            return True
        return left > MAX_BINDS // 2 and address.held < BRAKED_BINDS and self._clock.seconds() >= address.next_at

    def _begin(self, address: _Address, rank: int) -> None:
        self.in_progress += 1
        address.held += 1
        if rank >= 0 and address.failures > FREE_FAILURES:
            address.next_at = self._clock.seconds() + BRAKE_SECONDS

    def _admit(self) -> None:
        """Let binds begin that wait, in turns, while there is room."""
        if self._admitting:  # a bind that was over at once: the loop that let it begin goes on
            return
        self._admitting = True
        try:
            while any([self._admit_one(address) for address in list(self._queued.values())]):  # noqa: C419 (one of each)
                pass
        finally:
            self._admitting = False
        self._set_timer()

    def _admit_one(self, address: _Address) -> bool:
        while address.waiting and address.waiting[0][2].called:  # its client has gone
            heappop(address.waiting)
        if not address.waiting:
            self._queued.pop(address.name, None)
            return False
        rank, _, turn = address.waiting[0]
        if not self._may_begin(address, rank):
            return False
        heappop(address.waiting)
        self._queued.move_to_end(address.name)
        self._begin(address, rank)
        turn.callback(None)
        return True

    def _set_timer(self) -> None:
        """Look again when the next bind of a slowed address may begin."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.seconds()
        times = [address.next_at for address in self._queued.values() if address.next_at > now]
        if times:
            self._timer = self._clock.callLater(min(times) - now, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._admit()


def network_of(host: str) -> str:
    """Return the address by which a client's binds are counted: of IPv6 the network."""
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network((host.partition("%")[0], _PREFIX_OF_IPV6), strict=False).network_address)
    except ValueError:
        return host
