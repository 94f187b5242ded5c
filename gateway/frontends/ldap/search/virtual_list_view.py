"""Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09): a window on a sorted search, which is kept for the next window.

A context id that is not known any more is no error: the list is sorted anew, as slapd does."""

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from gateway.directory.search.sorted_search import SortedSearch
from gateway.frontends.ldap.core.results import SUCCESS, of_error
from gateway.frontends.ldap.search import root_dse
from gateway.frontends.ldap.search.request import done, prepare, size_limit, too_many
from gateway.frontends.ldap.search.request_controls import SearchControls, Sorting, sorting_of
from gateway.frontends.ldap.search.streaming import Deadline, LargeSearch
from gateway.model.ldap.dn import DN
from gateway.wire import controls as values
from gateway.wire.controls.virtual_list_view import ListPosition, ListRequest, ListResponse
from gateway.wire.messages import Control, Result, SearchRequest
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

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
    connection: "LDAPConnection", message_id: int, base: DN, base_key: str, request: SearchRequest, asked: SearchControls
) -> bytes | None:
    """None: the answer comes later. Raises what `prepare` raises."""
    window = asked.window
    assert window is not None  # noqa: S101 (whoever calls has looked)
    sorting = sorting_of(connection, asked)
    code = _refusal(base_key, asked, sorting)
    if code is not None:
        return _refused(connection, message_id, code, sorting.responses)
    large = connection.paged.take_list(window.context_id, request, sorting.order, connection.party)
    if large is None:
        search = prepare(connection, base, base_key, request, sorting.order, asked.matched_values)
        if not isinstance(search, SortedSearch):
            return _refused(connection, message_id, ResultCode.UNWILLING_TO_PERFORM, sorting.responses)
        search.open(connection.host)
        large = LargeSearch(request, search, connection.party, sorting.responses)
    connection.begin(message_id, _run(connection, message_id, large, window), "search")
    return None


def _refusal(base_key: str, asked: SearchControls, sorting: Sorting) -> ResultCode | None:
    if asked.sort is None:
        return ResultCode.SORT_CONTROL_MISSING
    if asked.paged is not None or not base_key or base_key == root_dse.SUBSCHEMA_KEY:
        return ResultCode.UNWILLING_TO_PERFORM
    return ResultCode.INAPPROPRIATE_MATCHING if sorting.code else None


def _refused(connection: "LDAPConnection", message_id: int, code: ResultCode, responses: tuple[Control, ...]) -> bytes:
    result = _failure(code)
    connection.count("search", result)
    return done(message_id, result, (*responses, values.control(ListResponse(0, 0, code))))


def _failure(code: ResultCode) -> Result:
    return Result(ResultCode.VIRTUAL_LIST_VIEW_ERROR, "", _SENTENCES[code])


async def _run(connection: "LDAPConnection", message_id: int, large: LargeSearch, window: ListRequest) -> None:
    """Finds the window, sends it, and keeps the list."""
    search = large.search
    assert isinstance(search, SortedSearch)  # noqa: S101 (`handle` has made it)
    deadline = Deadline(connection, large)
    limit = size_limit(connection, large.request)
    result, code, position, keep = SUCCESS, ResultCode.SUCCESS, 0, False
    try:
        position = await large.away(connection, deadline, lambda: _locate(search, window))
        start, stop = _bounds(position, search.count, window)
        search.seek(start, stop)
        large.forget()
        left = stop - start
        if limit and left > limit:
            left, result = limit, too_many(limit)
        while left and (sent := await large.send_next(connection, message_id, left, deadline)):
            left -= sent
        keep = True
    except CancelledError:  # abandoned: no answer
        raise
    except _Failed as error:
        result, code, keep = _failure(error.code), error.code, True
    except Exception as error:
        result = of_error(error)
    finally:
        deadline.stop()
        if not keep:
            search.close()
    count = search.count
    context_id = connection.paged.keep_list(large, connection.services.reactor.seconds()) if keep else None
    response = values.control(ListResponse(position, count, code, context_id))
    connection.finish(message_id, "search", result, done(message_id, result, (*large.responses, response)))


def _locate(search: SortedSearch, window: ListRequest) -> int:
    """The target's position, from 1; one behind the last when every value is less; 0 in an empty list. Not in the reactor."""
    search.arrange(exactly=True)
    if isinstance(window.target, ListPosition):
        return _scaled(window.target, search.count)
    asserted = search.order[0].key(window.target)
    if asserted is None:
        raise _Failed(ResultCode.INAPPROPRIATE_MATCHING)
    return search.locate(asserted) + 1 if search.count else 0


def _scaled(target: ListPosition, count: int) -> int:
    """The position in a list of `count` entries, when the client took it to have another number of them (§5.1)."""
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
    """The places, from 0, from which and before which entries are sent."""
    target = position - 1
    return min(count, max(0, target - window.before_count)), min(count, max(0, target + window.after_count + 1))
