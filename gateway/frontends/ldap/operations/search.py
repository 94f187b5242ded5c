"""Search (RFC 4511 §4.5): small ones are answered at once, large ones in slices at the client's pace."""

from collections.abc import Sequence
from functools import partial

from twisted.internet.defer import CancelledError

from gateway.directory.search.attribute_selection import with_matched_values
from gateway.frontends.ldap.cldap import ping
from gateway.frontends.ldap.cldap.domains import domain_of
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.core.supported_controls import SUBSCRIPTIONS
from gateway.frontends.ldap.search import assertion, domain_controller, root_dse, virtual_list_view
from gateway.frontends.ldap.search.paged_results import SearchResponder
from gateway.frontends.ldap.search.request import done, located, prepare, size_limit, too_many
from gateway.frontends.ldap.search.request_controls import NONE, SearchControls, read, sorting_of
from gateway.frontends.ldap.search.search_audit import log_search
from gateway.frontends.ldap.search.streaming import Deadline, LargeSearch
from gateway.frontends.ldap.subscriptions import dispatch
from gateway.model.ldap.dn import DN
from gateway.wire import controls as values
from gateway.wire.ber import MAX_INT
from gateway.wire.codec.encoder import wrap
from gateway.wire.controls.search import PagedResults
from gateway.wire.messages import BASE_OBJECT, WHOLE_SUBTREE, Control, Result, SearchRequest
from gateway.wire.result_codes import ResultCode

_NO_SUCH_BASE = "the root DSE answers base searches only; what can be searched is in its namingContexts"
_NOT_SORTED = "the entries cannot be sorted so; the sort response control says why"
_EVERYTHING = MAX_INT


def handle(exchange: Exchange, request: SearchRequest, responder: SearchResponder) -> bytes | None:
    """Return the whole answer of a small search; None for a large one, which is begun."""
    if exchange.services.log_searches:
        log_search(exchange, request)
    base, base_key = located(exchange, request.base_object)
    asked, controls = NONE, exchange.controls
    if controls:
        assertion.check(exchange, request.base_object)
        if not SUBSCRIPTIONS.isdisjoint(controls):
            dispatch.handle(exchange, request, responder)
            return None
        asked = read(controls)
    if asked.window is not None:
        return virtual_list_view.handle(exchange, base, base_key, request, asked, responder)
    paged = asked.paged
    if not base_key or base_key == root_dse.SUBSCHEMA_KEY:
        return _virtual(exchange, responder, base, request, asked)
    controller = domain_controller.configuration_of(exchange, base_key)
    if controller is not None:
        found = domain_controller.search(exchange, controller, base, base_key, request)
        return _small(exchange, responder, request, found, (*sorting_of(exchange, asked).responses, *_page_end(paged)))
    if paged is not None and paged.cookie:
        large = responder.paged.take(paged.cookie, request, exchange.party)
    else:
        sorting = sorting_of(exchange, asked)
        if sorting.code and asked.sort_is_critical:
            return _unsorted(exchange, responder, sorting.responses)
        search = prepare(
            exchange,
            base,
            base_key,
            request,
            sorting.order,
            asked.matched_values,
            show_deleted=asked.show_deleted,
            extended_names=asked.extended_names,
        )
        if search.is_small and (entries := search.at_once()) is not None and (paged is None or len(entries) <= paged.size):
            return _small(exchange, responder, request, entries, (*sorting.responses, *_page_end(paged)))
        search.open(exchange.client.host)
        large = LargeSearch(request, search, exchange.party, sorting.responses)
    size = _EVERYTHING if paged is None else paged.size
    responder.begin(exchange.message_id, _run(exchange, responder, large, size, paged=paged is not None), "search")
    return None


def _virtual(exchange: Exchange, responder: SearchResponder, base: DN, request: SearchRequest, asked: SearchControls) -> bytes:
    """Answer a search of an entry in memory. The root DSE answers to base searches only; nothing is below the subschema. One
    entry is in any order."""
    if not base.rdns and request.scope != BASE_OBJECT:
        raise Refused(ResultCode.NO_SUCH_OBJECT, _NO_SUCH_BASE)
    sorting = sorting_of(exchange, asked)
    if sorting.code and asked.sort_is_critical:
        return _unsorted(exchange, responder, sorting.responses)
    found = ping.entry(request, partial(domain_of, exchange.services))
    if found is None and request.scope in (BASE_OBJECT, WHOLE_SUBTREE):
        found = root_dse.virtual_entry(exchange, base).answer(request)
    if found is not None and asked.matched_values and not request.types_only:
        found = with_matched_values(found, asked.matched_values)
    entries = [] if found is None else [found]
    return _small(exchange, responder, request, entries, (*sorting.responses, *_page_end(asked.paged)))


def _unsorted(exchange: Exchange, responder: SearchResponder, responses: Sequence[Control]) -> bytes:
    """Return the whole answer when a client wants entries sorted or not at all (RFC 2891 §1.2)."""
    result = Result(ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, "", _NOT_SORTED)
    responder.count("search", result)
    return done(exchange.message_id, result, responses)


def _small(
    exchange: Exchange,
    responder: SearchResponder,
    request: SearchRequest,
    entries: list[bytes],
    responses: Sequence[Control] = (),
) -> bytes:
    limit, message_id = size_limit(exchange, request), exchange.message_id
    result = SUCCESS
    if limit and len(entries) > limit:
        entries, result = entries[:limit], too_many(limit)
    exchange.services.counters.entries += len(entries)
    parts = [wrap(message_id, entry) for entry in entries]
    parts.append(done(message_id, result, responses))
    responder.count("search", result)
    return b"".join(parts)


def _page_end(paged: PagedResults | None, cookie: bytes = b"") -> tuple[Control, ...]:
    """Return the response control of a paged search, with the cookie for the next page."""
    return () if paged is None else (values.control(PagedResults(0, cookie)),)


async def _run(exchange: Exchange, responder: SearchResponder, large: LargeSearch, size: int, *, paged: bool) -> None:
    """Send a large search to its end, or one page of `size` entries of it; page size 0 ends it (RFC 2696 §3)."""
    services, message_id, stream = exchange.services, exchange.message_id, large.stream
    deadline = Deadline(services, large.request, large.search)
    limit = size_limit(exchange, large.request)
    result, keep = SUCCESS, False
    try:
        left = max(0, min(size, limit - stream.sent)) if limit else size
        while left and (sent := await stream.send_next(exchange, responder, left, deadline)):
            left -= sent
        more = size > 0 and not left and await stream.read_ahead(exchange, deadline)
        if more and limit and stream.sent >= limit:
            result = too_many(limit)
        keep = more and result is SUCCESS
    except CancelledError:  # abandoned: no answer
        raise
    except Exception as error:
        result = result_of(error)
    finally:
        deadline.stop()
        if not keep:
            large.search.close()
    cookie = responder.paged.keep(large, services.reactor.seconds()) if keep else b""
    responses = (*large.responses, *_page_end(PagedResults(0) if paged else None, cookie))
    responder.finish(message_id, "search", result, done(message_id, result, responses))
