"""A large search, slice by slice: at the client's pace, within its time limit, and with a bounded part of it in memory."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.directory.directory import Party
from gateway.directory.search.search import SLICE_ROWS, Search
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.limits import SLICE_BYTES
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.services import Services
from gateway.wire.codec.encoder import MessageHeads
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode

_FIRST_ROWS = 8
_GROWTH = 4
_AGAIN_SECONDS = 0.05


_T = TypeVar("_T")


class Sliceable(Protocol):
    """A search, or a reading of the journal, that is taken in slices."""

    @property
    def blocking(self) -> bool:
        """True if a slice may take long: it is taken in a thread."""

    def next_slice(self, rows: int, /) -> list[bytes] | None:
        """Return the encoded entries of the next `rows` rows, perhaps none; None at the end."""

    def interrupt(self) -> None:
        """End the slice that is being taken in another thread; it raises sqlite3.OperationalError."""


class Deadline:
    """The time limit of a search: the client's or ours, whichever is shorter. `ours`: another than that of the limits."""

    def __init__(self, services: Services, request: SearchRequest, search: Sliceable, ours: float | None = None) -> None:
        ours = services.limits.time_limit_seconds if ours is None else ours
        limits = [seconds for seconds in (request.time_limit, ours) if seconds > 0]
        self._expired = False
        self._search = search
        self._reactor = services.reactor
        self._call = self._reactor.callLater(min(limits), self.expire) if limits else None

    def expire(self) -> None:
        """End the time. SQLite forgets an interrupt that comes before a statement runs, so it is repeated until `stop`."""
        self.stop()
        self._expired = True
        self._search.interrupt()
        self._call = self._reactor.callLater(_AGAIN_SECONDS, self.expire)

    def check(self) -> None:
        """Raise Refused when the time is over."""
        if self._expired:
            raise Refused(ResultCode.TIME_LIMIT_EXCEEDED, "the time limit of the search is over")

    def stop(self) -> None:
        """Stop the clock: there is nothing to limit any more."""
        if self._call is not None and self._call.active():
            self._call.cancel()


class EntryStream:
    """The entries of one search on their way to the client. `sent`: how many were sent so far."""

    __slots__ = ("_ready", "_rows", "_search", "sent")

    def __init__(self, search: Sliceable) -> None:
        self.sent = 0
        self._search = search
        self._ready: list[bytes] = []
        self._rows = _FIRST_ROWS

    async def send_next(self, exchange: Exchange, responder: PacedResponder, most: int, deadline: Deadline) -> int:
        """Send the next entries, at most `most`, when the client takes them; return how many (0: there are no more)."""
        await responder.slices.acquire()
        try:
            await responder.writable()
            if not await self.read_ahead(exchange, deadline):
                return 0
            entries, self._ready = self._ready[:most], self._ready[most:]
            self.sent += len(entries)
            exchange.services.counters.entries += len(entries)
            responder.send(MessageHeads(exchange.message_id).wrap_all(entries))
            return len(entries)
        finally:
            responder.slices.release()

    async def read_ahead(self, exchange: Exchange, deadline: Deadline) -> bool:
        """Return whether there are more entries; then the next of them are ready. Raises Refused when the time is over."""
        while not self._ready:
            entries = await self._slice(exchange, deadline)
            if entries is None:
                return False
            self._ready = entries
            self._adapt()
        return True

    def drop_read_ahead(self) -> None:
        """Drop the entries that are ready: the search goes on at another place."""
        self._ready.clear()
        self._rows = _FIRST_ROWS

    async def _slice(self, exchange: Exchange, deadline: Deadline) -> list[bytes] | None:
        """Return the next entries. Between two slices the reactor serves the other connections."""
        if self._search.blocking:
            return await in_thread(exchange, deadline, lambda: self._take(deadline))
        await exchange.services.slice_turns.turn(exchange.share, exchange.services.reactor)
        try:
            return self._take(deadline)
        except sqlite3.OperationalError:  # interrupted, if not worse
            deadline.check()
            raise

    def _take(self, deadline: Deadline) -> list[bytes] | None:
        deadline.check()
        return self._search.next_slice(self._rows)

    def _adapt(self) -> None:
        """Set the rows of the next slice to as many as make about SLICE_BYTES: an entry may be a group of 100,000 members."""
        fitting = self._rows * SLICE_BYTES // max(1, sum(map(len, self._ready)))
        self._rows = max(1, min(self._rows * _GROWTH, fitting, SLICE_ROWS))


@dataclass(slots=True)
class LargeSearch:
    """A search that is under way, or between two pages. `party`: who may go on with it; `responses`: controls that come with
    the end of each page."""

    request: SearchRequest
    search: Search
    party: Party
    responses: tuple[Control, ...] = ()
    used_at: float = 0.0
    stream: EntryStream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = EntryStream(self.search)


async def in_thread(exchange: Exchange, deadline: Deadline, work: Callable[[], _T]) -> _T:
    """Do `work`, which touches the deadline's search, in a thread, when it is the party's turn. Raises Refused when the time is
    over."""
    services, share = exchange.services, exchange.share
    await services.scan_turns.enter(share)
    try:
        deadline.check()
        return await _uncancelled(deferToThreadPool(services.reactor, services.threads, work), deadline)
    except sqlite3.OperationalError:  # interrupted, if not worse
        deadline.check()
        raise
    finally:
        services.scan_turns.leave(share)


async def _uncancelled(slicing: "Deferred[_T]", deadline: Deadline) -> _T:
    """Wait for a thread to its end. A cancelled search (abandoned, disconnected) must not give its snapshot back while the
    thread still works with it."""
    waiting: Deferred[_T] = Deferred()
    over: Deferred[None] = Deferred()

    def ended(result: _T | Failure) -> None:
        if waiting.called:  # cancelled: the result is of no use any more
            over.callback(None)
        else:  # a failure takes its own way from here
            waiting.callback(result)

    slicing.addBoth(ended)
    try:
        return await waiting
    except CancelledError:
        deadline.expire()
        await over
        raise
