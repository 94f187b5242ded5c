"""Search (RFC 4511 §4.5): small ones are answered in the same breath, large ones in slices at the client's pace."""

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.directory.reader import BASE_OBJECT, WHOLE_SUBTREE, TooManySearches
from gateway.directory.search import Query, Search
from gateway.frontends.ldap import virtual
from gateway.frontends.ldap.paging import PagedSearch
from gateway.frontends.ldap.results import SUCCESS, Refused, of_error, search_done
from gateway.model.dn import DN
from gateway.wire import oids
from gateway.wire.controls_search import PagedResults
from gateway.wire.encoder import encode_controls, encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.messages import Control, Result, SearchRequest, SearchResultDone
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection

_BIND_FIRST = "anonymous may see the root DSE and the subschema only; bind first"
_NO_SUCH_BASE = "the root DSE answers base searches only; what can be searched is in its namingContexts"
_BUSY = "too many large searches are running; try again shortly"


def handle(connection: "LDAPConnection", message_id: int, request: SearchRequest, controls: dict[str, Control]) -> bytes | None:
    """The whole answer of a small search; None for a large one, which is begun."""
    base, base_key = named(request.base_object)
    paged = _paged_control(controls)
    if not base_key or base_key == virtual.SUBSCHEMA_KEY:
        return _virtual(connection, message_id, base, request, paged)
    if paged is not None and paged.cookie:
        continued = connection.paged.take(paged.cookie, request)
        connection.begin(message_id, _page(connection, message_id, continued, paged.size), "search")
        return None
    search = prepare(connection, base, base_key, request)
    if paged is not None:
        _open(search)
        connection.begin(message_id, _page(connection, message_id, PagedSearch(request, search), paged.size), "search")
        return None
    if search.is_small:
        entries = search.at_once()
        if entries is not None:
            return _small(connection, message_id, request, entries)
    _open(search)
    connection.begin(message_id, _stream(connection, message_id, request, search), "search")
    return None


@lru_cache(maxsize=4096)
def named(text: str) -> tuple[DN, str]:
    """A DN and its key; requests repeat few bases. Raises InvalidDN."""
    name = DN.parse(text)
    return name, name.key


def prepare(connection: "LDAPConnection", base: DN, base_key: str, request: SearchRequest) -> Search:
    """The search through what the bound party may see. Raises Refused, NoSuchObject, ViewNotReady."""
    directory, party = connection.services.directory, connection.party
    if not 0 <= request.scope <= 3:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"there is no search scope {request.scope}")
    view = directory.view_of(party, base_key)
    if view is None:
        if party.is_anonymous:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, _BIND_FIRST)
        raise Refused(ResultCode.NO_SUCH_OBJECT)
    searcher = directory.searcher(view.name, party.access)
    return searcher.search(Query(base, base_key, request.scope, request.filter, request.attributes, request.types_only))


def _paged_control(controls: dict[str, Control]) -> PagedResults | None:
    control = controls.get(oids.PAGED_RESULTS)
    if control is None:
        return None
    try:
        paged = PagedResults.decode(control.value)
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the paged results control cannot be read: {error.reason}") from error
    if paged.size < 0:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the page size is negative")
    return paged


def _open(search: Search) -> None:
    try:
        search.open()
    except TooManySearches:
        raise Refused(ResultCode.BUSY, _BUSY) from None


def _virtual(
    connection: "LDAPConnection", message_id: int, base: DN, request: SearchRequest, paged: PagedResults | None
) -> bytes:
    """The root DSE answers to base searches only; nothing is below the subschema."""
    if not base.rdns and request.scope != BASE_OBJECT:
        raise Refused(ResultCode.NO_SUCH_OBJECT, _NO_SUCH_BASE)
    found = connection.virtual_entry(base).answer(request) if request.scope in (BASE_OBJECT, WHOLE_SUBTREE) else None
    connection.services.statistics.entries += found is not None
    connection.count("search", SUCCESS)
    done = _done(message_id, SUCCESS, None if paged is None else b"")
    return done if found is None else wrap(message_id, found) + done


def size_limit(connection: "LDAPConnection", request: SearchRequest) -> int:
    """The smaller of the client's limit and ours; 0 for none."""
    limits = [limit for limit in (request.size_limit, connection.services.limits.size_limit) if limit > 0]
    return min(limits, default=0)


def _small(connection: "LDAPConnection", message_id: int, request: SearchRequest, entries: list[bytes]) -> bytes:
    limit = size_limit(connection, request)
    result = SUCCESS
    if limit and len(entries) > limit:
        entries, result = entries[:limit], _too_many(limit)
    connection.services.statistics.entries += len(entries)
    parts = [wrap(message_id, entry) for entry in entries]
    parts.append(_done(message_id, result))
    connection.count("search", result)
    return b"".join(parts)


def _too_many(limit: int) -> Result:
    return Result(ResultCode.SIZE_LIMIT_EXCEEDED, "", f"there are more than {limit} entries")


def _done(message_id: int, result: Result, cookie: bytes | None = None) -> bytes:
    """`cookie`: for the response control of a paged search; None when the search was not paged."""
    if cookie is None:
        return search_done(message_id) if result is SUCCESS else wrap(message_id, encode_operation(SearchResultDone(result)))
    control = Control(oids.PAGED_RESULTS, False, PagedResults(0, cookie).encode())
    return wrap(message_id, encode_operation(SearchResultDone(result)), encode_controls((control,)))


class _Deadline:
    """The time limit of a search: the client's or ours, whichever is shorter."""

    def __init__(self, connection: "LDAPConnection", request: SearchRequest, search: Search) -> None:
        limits = [seconds for seconds in (request.time_limit, connection.services.limits.time_limit_seconds) if seconds > 0]
        self._expired = False
        self._search = search
        reactor = connection.services.reactor
        self._call = reactor.callLater(min(limits), self._expire) if limits else None

    def _expire(self) -> None:
        self._expired = True
        self._search.interrupt()

    def check(self) -> None:
        """Raises Refused when the time is over."""
        if self._expired:
            raise Refused(ResultCode.TIME_LIMIT_EXCEEDED, "the time limit of the search is over")

    def stop(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()


async def _stream(connection: "LDAPConnection", message_id: int, request: SearchRequest, search: Search) -> None:
    """Sends a large search to its end."""
    limit = size_limit(connection, request)
    deadline = _Deadline(connection, request, search)
    sent, result = 0, SUCCESS
    try:
        while (entries := await _slice(connection, search, deadline)) is not None:
            if limit and sent + len(entries) > limit:
                entries, result = entries[: limit - sent], _too_many(limit)
            sent += len(entries)
            await _send(connection, message_id, entries)
            if result is not SUCCESS:
                break
    except CancelledError:  # abandoned: no answer
        raise
    except Exception as error:
        result = of_error(error)
    finally:
        deadline.stop()
        search.close()
    connection.finish(message_id, "search", result, _done(message_id, result))


async def _page(connection: "LDAPConnection", message_id: int, paged: PagedSearch, size: int) -> None:
    """Sends one page; page size 0 ends the paged search (RFC 2696 §3)."""
    search, request = paged.search, paged.request
    deadline = _Deadline(connection, request, search)
    limit = size_limit(connection, request)
    cookie, keep = b"", False
    result = SUCCESS
    try:
        left = max(0, min(size, limit - paged.sent)) if limit else size
        while left and await _read_ahead(connection, paged, deadline):
            page, paged.ready = paged.ready[:left], paged.ready[left:]
            left -= len(page)
            paged.sent += len(page)
            await _send(connection, message_id, page)
        more = size > 0 and await _read_ahead(connection, paged, deadline)
        if more and limit and paged.sent >= limit:
            result = _too_many(limit)
        keep = more and result is SUCCESS
    except CancelledError:
        raise
    except Exception as error:
        result = of_error(error)
    finally:
        deadline.stop()
        if not keep:
            search.close()
    if keep:
        cookie = connection.paged.keep(paged, connection.services.reactor.seconds())
    connection.finish(message_id, "search", result, _done(message_id, result, cookie))


async def _read_ahead(connection: "LDAPConnection", paged: PagedSearch, deadline: _Deadline) -> bool:
    """Whether there are more entries; then the next of them are ready."""
    while not paged.ready:
        entries = await _slice(connection, paged.search, deadline)
        if entries is None:
            return False
        paged.ready = entries
    return True


async def _slice(connection: "LDAPConnection", search: Search, deadline: _Deadline) -> list[bytes] | None:
    """The next entries. Between two slices the reactor serves everybody else."""
    deadline.check()
    try:
        if search.blocking:
            slicing = deferToThreadPool(connection.services.reactor, connection.services.threads, search.next_slice)
            return await _uncancelled(slicing, search)
        await connection.turn()
        return search.next_slice()
    except sqlite3.OperationalError:
        deadline.check()
        raise


async def _uncancelled(slicing: "Deferred[list[bytes] | None]", search: Search) -> list[bytes] | None:
    """A cancelled search (abandoned, disconnected) must not give its snapshot back while a thread still works with it."""
    waiting: Deferred[list[bytes] | None] = Deferred()
    over: Deferred[None] = Deferred()

    def ended(result: list[bytes] | Failure | None) -> None:
        if waiting.called:  # cancelled: nobody wants it any more
            over.callback(None)
        else:  # a failure takes its own way from here
            waiting.callback(result)

    slicing.addBoth(ended)
    try:
        return await waiting
    except CancelledError:
        search.interrupt()
        await over
        raise


async def _send(connection: "LDAPConnection", message_id: int, entries: list[bytes]) -> None:
    connection.services.statistics.entries += len(entries)
    if entries:
        await connection.writable()
        connection.send(b"".join([wrap(message_id, entry) for entry in entries]))
