"""What searches that tell of changes have in common: a journal of the view, its events as messages, and waiting for more.

Nothing is queued for a client: when it has taken what it was sent, it is told what differs from there to the present."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from twisted.internet.defer import CancelledError, Deferred

from gateway.directory.journal.journal import Journal
from gateway.directory.journal.journal_reader import Event, JournalReader
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.snapshot_pool import TooManySearches
from gateway.frontends.ldap.core.limits import REFRESH_SECONDS
from gateway.frontends.ldap.core.results import SUCCESS, Refused, of_error
from gateway.frontends.ldap.core.subscription_limit import NoSeat
from gateway.frontends.ldap.search.request import done, named, searcher_of, size_limit, too_many
from gateway.frontends.ldap.search.streaming import Deadline, LargeSearch
from gateway.wire.ber import MAX_INT
from gateway.wire.codec.encoder import encode_controls
from gateway.wire.controls import ControlValue, control
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

Encode: TypeAlias = Callable[[Sequence[Event]], list[bytes]]
"""Events → encoded protocolOps, each with its encoded controls behind it, as `wrap` takes them."""

_AGAIN_SECONDS = 1.0
"""After which a change that could not be read, because too many large searches are running, is read again."""

_BUILT_AGAIN = "the view has been built again; begin anew"
_TOO_FAR_BEHIND = "the client is too far behind; begin anew"


def encoded_control(value: ControlValue) -> bytes:
    """The controls of a message that has one."""
    return encode_controls((control(value),))


class Telling:
    """One such search of one connection. `position`: up to where the client has been told everything."""

    def __init__(
        self, connection: "LDAPConnection", message_id: int, request: SearchRequest, attributes: tuple[str, ...]
    ) -> None:
        base, base_key = named(request.base_object)
        searcher = searcher_of(connection, base_key, request)
        query = Query(base, base_key, request.scope, request.filter, attributes, request.types_only)
        self.journal = Journal(searcher, query)
        self.position = self.journal.position()
        self._connection = connection
        self._message_id = message_id
        self._request = request
        self._told_of = connection.services.directory.followers[searcher.reader.view.name].on_change
        self._waiting: Deferred[None] | None = None

    def begin(self, work: Callable[[], Any], *, for_ever: bool) -> None:
        """Runs `work`, which gives the controls of the search's end, until it ends or the search is abandoned or cancelled."""
        self._connection.begin(self._message_id, self._run(work, for_ever=for_ever), "search")

    async def _run(self, work: Callable[[], Any], *, for_ever: bool) -> None:
        connection, result, controls = self._connection, SUCCESS, cast(tuple[Control, ...], ())
        self._told_of.append(self._wake)
        try:
            if for_ever:
                with connection.services.seats.taken(connection.peer):
                    await work()
            else:
                controls = await work()
        except CancelledError:
            raise
        except NoSeat as error:
            result = of_error(Refused(ResultCode.ADMIN_LIMIT_EXCEEDED, str(error)))
        except Exception as error:
            result = of_error(error)
        finally:
            self._told_of.remove(self._wake)
        connection.finish(self._message_id, "search", result, done(self._message_id, result, controls))

    async def send(self, reading: JournalReader, encode: Encode, limit: int = 0) -> None:
        """Sends all that a reading tells, at the client's pace. `limit`: of entries, 0: none. Raises Refused and
        TooManySearches."""
        told = _Told(reading, encode)
        reading.open(self._connection.host)
        large = LargeSearch(self._request, cast(Search, told), self._connection.party)
        deadline = Deadline(self._connection, large, REFRESH_SECONDS)
        left = limit or MAX_INT
        try:
            while left and (sent := await large.send_next(self._connection, self._message_id, left, deadline)):
                left -= sent
            if not left and await large.read_ahead(self._connection, deadline):
                raise Refused(ResultCode.SIZE_LIMIT_EXCEEDED, too_many(limit).diagnostic_message)
        finally:
            deadline.stop()
            reading.close()
        self.position = reading.position

    @property
    def size_limit(self) -> int:
        """Holds for what there is at the beginning, as for any search."""
        return size_limit(self._connection, self._request)

    async def send_changes(self, encode: Encode, then: Callable[[JournalReader], None]) -> None:
        """For ever: whenever the view has changed, sends what differs, then calls `then`. Raises Refused
        (e-syncRefreshRequired) when what happened since cannot be known any more."""
        while True:
            await self._connection.output.writable()
            await self._change()
            reading = self.journal.since(self.position)
            try:
                await self.send(reading, encode)
            except TooManySearches:
                await self._pause()
            else:
                then(reading)

    def write(self, data: bytes) -> None:
        """Hands a message to the client."""
        self._connection.send(data)

    async def _change(self) -> None:
        """Waits until the view is further than the client."""
        while self._is_level():
            self._waiting = Deferred()
            await self._waiting

    def _is_level(self) -> bool:
        if not self.journal.is_current:
            raise Refused(ResultCode.SYNC_REFRESH_REQUIRED, _BUILT_AGAIN)
        if not self.journal.remembers(self.position):
            raise Refused(ResultCode.SYNC_REFRESH_REQUIRED, _TOO_FAR_BEHIND)
        return self.journal.position() <= self.position

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    async def _pause(self) -> None:
        over: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self._connection.services.reactor.callLater(_AGAIN_SECONDS, over.callback, None)
        await over


class _Told:
    """A reading with the methods by which LargeSearch takes slices of a search."""

    def __init__(self, reading: JournalReader, encode: Encode) -> None:
        self._reading = reading
        self._encode = encode
        self.interrupt = reading.interrupt

    @property
    def blocking(self) -> bool:
        return self._reading.blocking

    def next_slice(self, rows: int) -> list[bytes] | None:
        events = self._reading.next_slice(rows)
        return None if events is None else self._encode(events)
