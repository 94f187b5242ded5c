"""The common part of everything that searches: names, the prepared search of a party, limits, and how an answer ends."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.directory.domain import alternative_names, ambiguous_names
from gateway.directory.projection.view_definition import View
from gateway.directory.search.deleted_search import DeletedSearch
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.search import Search
from gateway.directory.search.sort_keys import Order
from gateway.directory.search.sorted_search import SortedSearch
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import SUCCESS, Refused, search_done
from gateway.model.bounded_cache import cached
from gateway.model.ldap.dn import DN, InvalidDN
from gateway.model.objects import Kind
from gateway.wire.codec.encoder import encode_controls, encode_operation, wrap
from gateway.wire.controls.active_directory import ExtendedDN
from gateway.wire.entries import object_name
from gateway.wire.filters import Equality, Filter
from gateway.wire.messages import BASE_OBJECT, WHOLE_SUBTREE, Control, Result, SearchRequest, SearchResultDone
from gateway.wire.result_codes import ResultCode

_DELETED_UNSORTED = "deleted objects are sent as they come, and whole: not sorted, nor cut to matched values"

_BIND_FIRST = "anonymous may see the root DSE and the subschema only; bind first"


@cached(4_096)
def named(text: str) -> tuple[DN, str]:
    """Return a DN and its key; requests repeat few bases. Raises InvalidDN."""
    name = DN.parse(text)
    return name, name.key


def located(exchange: Exchange, text: str) -> tuple[DN, str]:
    """Return the DN and key that a name in a request stands for: a DN, or, in a view of kind `ad` that the party may search, an
    entry's `<GUID=…>` and the like. Raises InvalidDN, NoSuchObject, ViewNotReady."""
    if not alternative_names.is_alternative(text):
        return named(text)
    meant = alternative_names.parse(text)
    if meant is None:
        raise InvalidDN(f"{text!r} is no name: neither a DN nor <GUID=…>, <SID=…> or <WKGUID=…,DN>")
    for view in exchange.services.directory.granted(exchange.party):
        found = _name_in(exchange, view, meant) if view.kind == "ad" else None
        if found is not None:
            return named(found)
    raise NoSuchObject("")


def _name_in(exchange: Exchange, view: View, meant: alternative_names.Identifier | alternative_names.WellKnown) -> str | None:
    """Return the DN of the visible entry of a view that a name means; None for none."""
    if isinstance(meant, alternative_names.WellKnown):
        if named(meant.base)[1] != view.base.key:
            return None
        return str(view.container(Kind.USER) if meant.purpose == "users" else view.deleted_objects)
    searcher = exchange.services.directory.searcher(view.name, exchange.party.access)
    item = Equality(meant.attribute, meant.value)
    found = Search(searcher, Query(view.base, view.base.key, WHOLE_SUBTREE, item, ("1.1",))).at_once()
    return object_name(found[0]).decode() if found else None


def prepare(
    exchange: Exchange,
    base: DN,
    base_key: str,
    request: SearchRequest,
    order: Order = (),
    matched_values: tuple[Filter, ...] = (),
    *,
    show_deleted: bool = False,
    extended_names: ExtendedDN | None = None,
) -> Search:
    """Return the search, through what the party may see. Raises Refused, NoSuchObject, ViewNotReady."""
    searcher = searcher_of(exchange, base_key, request)
    item = resolved_filter(searcher, request)
    query = Query(base, base_key, request.scope, item, request.attributes, request.types_only, order, matched_values)
    if extended_names is not None and searcher.reader.view.kind == "ad":
        query = replace(query, extended_names="text" if extended_names.as_text else "hexadecimal")
    if show_deleted and searcher.reader.view.has_tombstones:
        if order or matched_values:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, _DELETED_UNSORTED)
        return DeletedSearch(searcher, query)
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


def resolved_filter(searcher: ViewSearcher, request: SearchRequest) -> Filter:
    """Return the filter of a request, with what only Active Directory has written out. Raises Refused."""
    if searcher.reader.view.kind != "ad":
        return request.filter
    try:
        return ambiguous_names.resolved(request.filter)
    except ambiguous_names.TooManyNames as error:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, str(error)) from None


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
