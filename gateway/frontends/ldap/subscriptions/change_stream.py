"""Change stream: the common part of searches that report changes: a journal of the view, its events as messages, and waiting
for more.

Nothing is queued for a client: when it has taken what it was sent, it is sent what differs from there to the present."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from twisted.internet.defer import CancelledError, Deferred

from gateway.directory.journal.journal import Journal
from gateway.directory.journal.journal_reader import Event, JournalReader
from gateway.directory.search.query import Query
from gateway.directory.search.shared.snapshot_pool import TooManySearches
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.limits import REFRESH_SECONDS
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.core.subscription_limit import TooManySubscriptions
from gateway.frontends.ldap.search.request import done, located, resolved_filter, searcher_of, size_limit, too_many
from gateway.frontends.ldap.search.streaming import Deadline, EntryStream
from gateway.wire.ber import MAX_INT
from gateway.wire.codec.encoder import encode_controls
from gateway.wire.controls import ControlValue, control
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode

Encode: TypeAlias = Callable[[Sequence[Event]], list[bytes]]
"""Events → encoded protocolOps, each with its encoded controls behind it, as `wrap` takes them."""

_AGAIN_SECONDS = 1.0
"""After which a change that could not be read, because too many large searches are running, is read again."""

_BUILT_AGAIN = "the view has been built again; begin anew"
_TOO_FAR_BEHIND = "the client is too far behind; begin anew"


def encoded_control(value: ControlValue) -> bytes:
    """Return the controls of a message that has one."""
    return encode_controls((control(value),))


class ChangeStream:
    """One such search of one connection. `position`: up to where the client has been sent everything."""

    def __init__(
        self, exchange: Exchange, responder: PacedResponder, request: SearchRequest, attributes: tuple[str, ...]
    ) -> None:
        base, base_key = located(exchange, request.base_object)
        searcher = searcher_of(exchange, base_key, request)
        query = Query(base, base_key, request.scope, resolved_filter(searcher, request), attributes, request.types_only)
        self.journal = Journal(searcher, query)
        self.position = self.journal.position()
        self._exchange = exchange
        self._responder = responder
        self._request = request
        self._on_change = exchange.services.directory.followers[searcher.reader.view.name].on_change
        self._waiting: Deferred[None] | None = None

    def begin(self, work: Callable[[], Awaitable[tuple[Control, ...]]]) -> None:
        """Run `work`, which returns the controls of the search's end, unless the search is abandoned or cancelled before."""
        self._responder.begin(self._exchange.message_id, self._run(work), "search")

    def begin_subscription(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`, which has no end of its own and is counted as a subscription, until the search is abandoned or
        cancelled."""

        async def counted() -> tuple[Control, ...]:
            with self._exchange.services.subscriptions.counted(self._exchange.client.peer, self._exchange.share):
                await work()
            return ()

        self.begin(counted)

    async def _run(self, work: Callable[[], Awaitable[tuple[Control, ...]]]) -> None:
        message_id, result = self._exchange.message_id, SUCCESS
        controls: tuple[Control, ...] = ()
        self._on_change.append(self._wake)
        try:
            controls = await work()
        except CancelledError:
            raise
        except TooManySubscriptions as error:
            result = result_of(Refused(ResultCode.ADMIN_LIMIT_EXCEEDED, str(error)))
        except Exception as error:
            result = result_of(error)
        finally:
            self._on_change.remove(self._wake)
        self._responder.finish(message_id, "search", result, done(message_id, result, controls))

    async def send(self, reading: JournalReader, encode: Encode, limit: int = 0) -> None:
        """Send all events of a reading, at the client's pace. `limit`: of entries, 0: none. Raises Refused and
        TooManySearches."""
        exchange, responder = self._exchange, self._responder
        encoded = _EncodedReading(reading, encode)
        reading.open(exchange.client.host)
        stream = EntryStream(encoded)
        deadline = Deadline(exchange.services, self._request, encoded, REFRESH_SECONDS)
        left = limit or MAX_INT
        try:
            while left and (sent := await stream.send_next(exchange, responder, left, deadline)):
                left -= sent
            if not left and await stream.read_ahead(exchange, deadline):
                raise Refused(ResultCode.SIZE_LIMIT_EXCEEDED, too_many(limit).diagnostic_message)
        finally:
            deadline.stop()
            reading.close()
        self.position = reading.position

    @property
    def size_limit(self) -> int:
        """The limit on what there is at the beginning, as for any search."""
        return size_limit(self._exchange, self._request)

    async def send_changes(self, encode: Encode, then: Callable[[JournalReader], None]) -> None:
        """Send what differs whenever the view has changed, then call `then`; without an end. Raises Refused
        (e-syncRefreshRequired) when what happened since cannot be known any more."""
        while True:
            await self._responder.writable()
            await self._change()
            reading = self.journal.since(self.position)
            try:
                await self.send(reading, encode)
            except TooManySearches:
                await self._pause()
            else:
                then(reading)

    def write(self, data: bytes) -> None:
        """Send a message."""
        self._responder.send(data)

    async def _change(self) -> None:
        """Wait until the view is further than the client."""
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
        call = self._exchange.services.reactor.callLater(_AGAIN_SECONDS, over.callback, None)
        await over


class _EncodedReading:
    """A reading of the journal as EntryStream takes it (Sliceable)."""

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
