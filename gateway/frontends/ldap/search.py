"""Search (RFC 4511 §4.5): small ones are answered in the same breath, large ones in slices at the client's pace."""

from functools import lru_cache
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from gateway.directory.reader import BASE_OBJECT, WHOLE_SUBTREE, TooManySearches
from gateway.directory.search import Query, Search
from gateway.frontends.ldap import virtual
from gateway.frontends.ldap.results import SUCCESS, Refused, of_error, search_done
from gateway.frontends.ldap.slicing import Deadline, LargeSearch
from gateway.model.dn import DN
from gateway.wire import oids
from gateway.wire.ber import MAX_INT
from gateway.wire.controls_search import PagedResults
from gateway.wire.encoder import encode_controls, encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.messages import Control, Result, SearchRequest, SearchResultDone
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection

_BIND_FIRST = "anonymous may see the root DSE and the subschema only; bind first"
_NO_SUCH_BASE = "the root DSE answers base searches only; what can be searched is in its namingContexts"
_EVERYTHING = MAX_INT
_BUSY = "too many large searches are running; try again shortly"


def handle(connection: "LDAPConnection", message_id: int, request: SearchRequest, controls: dict[str, Control]) -> bytes | None:
    """The whole answer of a small search; None for a large one, which is begun."""
    base, base_key = named(request.base_object)
    paged = _paged_control(controls)
    if not base_key or base_key == virtual.SUBSCHEMA_KEY:
        return _virtual(connection, message_id, base, request, paged)
    if paged is not None and paged.cookie:
        large = connection.paged.take(paged.cookie, request)
    else:
        search = prepare(connection, base, base_key, request)
        if paged is None and search.is_small and (entries := search.at_once()) is not None:
            return _small(connection, message_id, request, entries)
        _open(search)
        large = LargeSearch(request, search)
    size = _EVERYTHING if paged is None else paged.size
    connection.begin(message_id, _run(connection, message_id, large, size, paged=paged is not None), "search")
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


async def _run(connection: "LDAPConnection", message_id: int, large: LargeSearch, size: int, *, paged: bool) -> None:
    """Sends a large search to its end, or one page of `size` entries of it; page size 0 ends it (RFC 2696 §3)."""
    deadline = Deadline(connection, large)
    limit = size_limit(connection, large.request)
    result, keep = SUCCESS, False
    try:
        left = max(0, min(size, limit - large.sent)) if limit else size
        while left and (sent := await large.send_next(connection, message_id, left, deadline)):
            left -= sent
        more = size > 0 and not left and await large.read_ahead(connection, deadline)
        if more and limit and large.sent >= limit:
            result = _too_many(limit)
        keep = more and result is SUCCESS
    except CancelledError:  # abandoned: no answer
        raise
    except Exception as error:
        result = of_error(error)
    finally:
        deadline.stop()
        if not keep:
            large.search.close()
    cookie = connection.paged.keep(large, connection.services.reactor.seconds()) if keep else b""
    connection.finish(message_id, "search", result, _done(message_id, result, cookie if paged else None))
