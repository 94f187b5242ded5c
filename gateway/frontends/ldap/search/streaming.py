"""A large search, slice by slice: at the client's pace, within its time limit, and with a bounded part of it in memory."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.directory.directory import Party
from gateway.directory.search.search import SLICE_ROWS, Search
from gateway.frontends.ldap.core.limits import SLICE_BYTES
from gateway.frontends.ldap.core.results import Refused
from gateway.wire.codec.encoder import Heads
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

_FIRST_ROWS = 8
_GROWTH = 4
_AGAIN_SECONDS = 0.05


_T = TypeVar("_T")


@dataclass(slots=True)
class LargeSearch:
    """A search that is under way, or between two pages. `party`: who may go on with it; `responses`: controls that come with
    the end of each page; `ready`: entries that were read ahead; `sent`: entries sent so far."""

    request: SearchRequest
    search: Search
    party: Party
    responses: tuple[Control, ...] = ()
    ready: list[bytes] = field(default_factory=list)
    sent: int = 0
    used_at: float = 0.0
    _rows: int = _FIRST_ROWS

    async def read_ahead(self, connection: "LDAPConnection", deadline: "Deadline") -> bool:
        """Whether there are more entries; then the next of them are ready. Raises Refused when the time is over."""
        while not self.ready:
            try:
                entries = await self._slice(connection, deadline)
            except sqlite3.OperationalError:  # interrupted, if not worse
                deadline.check()
                raise
            if entries is None:
                return False
            self.ready = entries
            self._adapt()
        return True

    async def _slice(self, connection: "LDAPConnection", deadline: "Deadline") -> list[bytes] | None:
        """The next entries. Between two slices the reactor serves everybody else."""
        if self.search.blocking:
            return await self.away(connection, deadline, lambda: self._take(deadline))
        await connection.turn()
        return self._take(deadline)

    async def away(self, connection: "LDAPConnection", deadline: "Deadline", work: Callable[[], _T]) -> _T:
        """Does `work` with the search in a thread. Raises Refused when the time is over."""
        services = connection.services
        try:
            return await _uncancelled(deferToThreadPool(services.reactor, services.threads, work), deadline)
        except sqlite3.OperationalError:  # interrupted, if not worse
            deadline.check()
            raise

    def forget(self) -> None:
        """Drops what was read ahead: the search goes on somewhere else."""
        self.ready.clear()
        self._rows = _FIRST_ROWS

    def _take(self, deadline: "Deadline") -> list[bytes] | None:
        deadline.check()
        return self.search.next_slice(self._rows)

    def _adapt(self) -> None:
        """As many rows as make a slice of about SLICE_BYTES: an entry may be a group with 100,000 members."""
        fitting = self._rows * SLICE_BYTES // max(1, sum(map(len, self.ready)))
        self._rows = max(1, min(self._rows * _GROWTH, fitting, SLICE_ROWS))

    async def send_next(self, connection: "LDAPConnection", message_id: int, most: int, deadline: "Deadline") -> int:
        """Sends the next entries, at most `most`, when the client takes them; how many (0: there are no more)."""
        await connection.slices.acquire()
        try:
            await connection.output.writable()
            if not await self.read_ahead(connection, deadline):
                return 0
            entries, self.ready = self.ready[:most], self.ready[most:]
            self.sent += len(entries)
            connection.services.statistics.entries += len(entries)
            connection.send(Heads(message_id).wrap_all(entries))
            return len(entries)
        finally:
            connection.slices.release()


class Deadline:
    """The time limit of a search: the client's or ours, whichever is shorter. `ours`: another than that of the limits."""

    def __init__(self, connection: "LDAPConnection", large: LargeSearch, ours: float | None = None) -> None:
        ours = connection.services.limits.time_limit_seconds if ours is None else ours
        limits = [seconds for seconds in (large.request.time_limit, ours) if seconds > 0]
        self._expired = False
        self._search = large.search
        self._reactor = connection.services.reactor
        self._call = self._reactor.callLater(min(limits), self.expire) if limits else None

    def expire(self) -> None:
        """The time is over. SQLite forgets an interrupt that comes before a statement runs, so it is repeated until `stop`."""
        self.stop()
        self._expired = True
        self._search.interrupt()
        self._call = self._reactor.callLater(_AGAIN_SECONDS, self.expire)

    def check(self) -> None:
        """Raises Refused when the time is over."""
        if self._expired:
            raise Refused(ResultCode.TIME_LIMIT_EXCEEDED, "the time limit of the search is over")

    def stop(self) -> None:
        """There is nothing to limit any more."""
        if self._call is not None and self._call.active():
            self._call.cancel()


async def _uncancelled(slicing: "Deferred[_T]", deadline: Deadline) -> _T:
    """A cancelled search (abandoned, disconnected) must not give its snapshot back while a thread still works with it."""
    waiting: Deferred[_T] = Deferred()
    over: Deferred[None] = Deferred()

    def ended(result: _T | Failure) -> None:
        if waiting.called:  # cancelled: nobody wants it any more
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
