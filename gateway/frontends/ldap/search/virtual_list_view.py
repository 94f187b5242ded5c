"""Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted search, which is kept for the next window.

A context id that is not known any more is no error: the list is sorted anew, as slapd does."""

from twisted.internet.defer import CancelledError

from gateway.directory.search.sorted_search import SortedSearch
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import SUCCESS, result_of
from gateway.frontends.ldap.search import root_dse
from gateway.frontends.ldap.search.paged_results import SearchResponder
from gateway.frontends.ldap.search.request import done, prepare, size_limit, too_many
from gateway.frontends.ldap.search.request_controls import SearchControls, Sorting, sorting_of
from gateway.frontends.ldap.search.streaming import Deadline, LargeSearch, in_thread
from gateway.model.ldap.dn import DN
from gateway.wire import controls as values
from gateway.wire.controls.virtual_list_view import ListPosition, ListRequest, ListResponse
from gateway.wire.messages import Control, Result, SearchRequest
from gateway.wire.result_codes import ResultCode

_SENTENCES = {
    ResultCode.SORT_CONTROL_MISSING: "a virtual list view needs a sort control beside it",
    ResultCode.OFFSET_RANGE_ERROR: "there is no such position in the list",
    ResultCode.INAPPROPRIATE_MATCHING: "the value cannot be compared with those that the list is sorted by",
    ResultCode.UNWILLING_TO_PERFORM: "the list cannot be had so: not together with paged results, nor of one entry",
}


class _Failed(Exception):
    """There is no window on the list; the virtual list view's own result code."""

    def __init__(self, code: ResultCode) -> None:
        super().__init__(code)
        self.code = code


def handle(
    exchange: Exchange, base: DN, base_key: str, request: SearchRequest, asked: SearchControls, responder: SearchResponder
) -> bytes | None:
    """Begin the search for a window, or return its refusal. None: the answer comes later. Raises what `prepare` raises."""
    window = asked.window
    assert window is not None  # noqa: S101 (the caller has looked)
    sorting = sorting_of(exchange, asked)
    code = _refusal(base_key, asked, sorting)
    if code is not None:
        return _refused(exchange, responder, code, sorting.responses)
    large = responder.paged.take_list(window.context_id, request, sorting.order, exchange.party)
    if large is None:
        search = prepare(exchange, base, base_key, request, sorting.order, asked.matched_values)
        if not isinstance(search, SortedSearch):
            return _refused(exchange, responder, ResultCode.UNWILLING_TO_PERFORM, sorting.responses)
        search.open(exchange.client.host)
        large = LargeSearch(request, search, exchange.party, sorting.responses)
    responder.begin(exchange.message_id, _run(exchange, responder, large, window), "search")
    return None


def _refusal(base_key: str, asked: SearchControls, sorting: Sorting) -> ResultCode | None:
    if asked.sort is None:
        return ResultCode.SORT_CONTROL_MISSING
    if asked.paged is not None or not base_key or base_key == root_dse.SUBSCHEMA_KEY:
        return ResultCode.UNWILLING_TO_PERFORM
    return ResultCode.INAPPROPRIATE_MATCHING if sorting.code else None


def _refused(exchange: Exchange, responder: SearchResponder, code: ResultCode, responses: tuple[Control, ...]) -> bytes:
    result = _failure(code)
    responder.count("search", result)
    return done(exchange.message_id, result, (*responses, values.control(ListResponse(0, 0, code))))


def _failure(code: ResultCode) -> Result:
    return Result(ResultCode.VIRTUAL_LIST_VIEW_ERROR, "", _SENTENCES[code])


async def _run(exchange: Exchange, responder: SearchResponder, large: LargeSearch, window: ListRequest) -> None:
    """Find the window, send it, and keep the list."""
    search = large.search
    assert isinstance(search, SortedSearch)  # noqa: S101 (`handle` has made it)
    services, message_id = exchange.services, exchange.message_id
    deadline = Deadline(services, large.request, search)
    limit = size_limit(exchange, large.request)
    result, code, position, keep = SUCCESS, ResultCode.SUCCESS, 0, False
    try:
        position = await in_thread(exchange, deadline, lambda: _locate(search, window))
        start, stop = _bounds(position, search.count, window)
        search.seek(start, stop)
        large.stream.drop_read_ahead()
        left = stop - start
        if limit and left > limit:
            left, result = limit, too_many(limit)
        while left and (sent := await large.stream.send_next(exchange, responder, left, deadline)):
            left -= sent
        keep = True
    except CancelledError:  # abandoned: no answer
        raise
    except _Failed as error:
        result, code, keep = _failure(error.code), error.code, True
    except Exception as error:
        result = result_of(error)
    finally:
        deadline.stop()
        if not keep:
            search.close()
    count = search.count
    context_id = responder.paged.keep_list(large, services.reactor.seconds()) if keep else None
    response = values.control(ListResponse(position, count, code, context_id))
    responder.finish(message_id, "search", result, done(message_id, result, (*large.responses, response)))


def _locate(search: SortedSearch, window: ListRequest) -> int:
    """Return the target's position, from 1; one behind the last when every value is less; 0 in an empty list. Not in the
    reactor."""
    search.arrange(exactly=True)
    if isinstance(window.target, ListPosition):
        return _scaled(window.target, search.count)
    asserted = search.order[0].key(window.target)
    if asserted is None:
        raise _Failed(ResultCode.INAPPROPRIATE_MATCHING)
    return search.locate(asserted) + 1 if search.count else 0


def _scaled(target: ListPosition, count: int) -> int:
    """Return the position in a list of `count` entries, when the client took it to have another number of them (§5.1)."""
    if not target.offset:
        raise _Failed(ResultCode.OFFSET_RANGE_ERROR)
    if target.offset == 1:
        return min(1, count)
    if target.offset == target.content_count:
        return count
    if target.offset > (target.content_count or count):
        raise _Failed(ResultCode.OFFSET_RANGE_ERROR)
    return max(1, count * target.offset // target.content_count) if target.content_count else target.offset


def _bounds(position: int, count: int, window: ListRequest) -> tuple[int, int]:
    """Return the places, from 0, from which and before which entries are sent."""
    target = position - 1
    return min(count, max(0, target - window.before_count)), min(count, max(0, target + window.after_count + 1))
