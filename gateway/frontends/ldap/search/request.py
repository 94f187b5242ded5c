"""The common part of everything that searches: names, the prepared search of a party, limits, and how an answer ends."""

from collections.abc import Sequence

from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.sort_keys import Order
from gateway.directory.search.sorted_search import SortedSearch
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import SUCCESS, Refused, search_done
from gateway.model.bounded_cache import cached
from gateway.model.ldap.dn import DN
from gateway.wire.codec.encoder import encode_controls, encode_operation, wrap
from gateway.wire.filters import Filter
from gateway.wire.messages import BASE_OBJECT, Control, Result, SearchRequest, SearchResultDone
from gateway.wire.result_codes import ResultCode

_BIND_FIRST = "anonymous may see the root DSE and the subschema only; bind first"


@cached(4_096)
def named(text: str) -> tuple[DN, str]:
    """Return a DN and its key; requests repeat few bases. Raises InvalidDN."""
    name = DN.parse(text)
    return name, name.key


def prepare(
    exchange: Exchange,
    base: DN,
    base_key: str,
    request: SearchRequest,
    order: Order = (),
    matched_values: tuple[Filter, ...] = (),
) -> Search:
    """Return the search, through what the party may see. Raises Refused, NoSuchObject, ViewNotReady."""
    searcher = searcher_of(exchange, base_key, request)
    query = Query(base, base_key, request.scope, request.filter, request.attributes, request.types_only, order, matched_values)
    return SortedSearch(searcher, query) if order and request.scope != BASE_OBJECT else Search(searcher, query)


def searcher_of(exchange: Exchange, base_key: str, request: SearchRequest) -> ViewSearcher:
    """Return the view in which the base of a search lies, as the party sees it. Raises Refused, ViewNotReady."""
    directory, party = exchange.services.directory, exchange.party
    if not 0 <= request.scope <= 3:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"there is no search scope {request.scope}")
    view = directory.view_of(party, base_key)
    if view is None:
        if party.is_anonymous:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, _BIND_FIRST)
        raise Refused(ResultCode.NO_SUCH_OBJECT)
    return directory.searcher(view.name, party.access)


def size_limit(exchange: Exchange, request: SearchRequest) -> int:
    """Return the smaller of the client's limit and ours; 0 for none."""
    limits = [limit for limit in (request.size_limit, exchange.services.limits.size_limit) if limit > 0]
    return min(limits, default=0)


def too_many(limit: int) -> Result:
    """Return the result of a search with more entries than its limit."""
    return Result(ResultCode.SIZE_LIMIT_EXCEEDED, "", f"there are more than {limit} entries")


def done(message_id: int, result: Result, controls: Sequence[Control] = ()) -> bytes:
    """Return the message that ends a search, with response controls."""
    if result is SUCCESS and not controls:
        return search_done(message_id)
    operation = encode_operation(SearchResultDone(result))
    return wrap(message_id, operation, encode_controls(tuple(controls))) if controls else wrap(message_id, operation)
