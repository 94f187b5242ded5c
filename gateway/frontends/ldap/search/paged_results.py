"""Searches that stay open between two requests of one connection, on one state of the view (a snapshot of
directory/search/shared/snapshot_pool.py): paged results (RFC 2696), and the sorted lists of virtual list views."""

import secrets
from collections import OrderedDict
from typing import Protocol, TypeAlias

from gateway.directory.directory import Party
from gateway.directory.search.sort_keys import Order
from gateway.frontends.ldap.core.limits import PAGED_SEARCHES_PER_CONNECTION, VIRTUAL_LISTS_PER_CONNECTION
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search.streaming import LargeSearch
from gateway.wire.messages import SearchRequest
from gateway.wire.result_codes import ResultCode

_Open: TypeAlias = OrderedDict[bytes, LargeSearch]


class SearchResponder(PacedResponder, Protocol):
    """Search's: it keeps searches open between two requests."""

    @property
    def paged(self) -> "PagedSearches":
        """The open searches of the connection."""


class PagedSearches:
    """The open searches of one connection, by cookie and by context id. There are none on most connections."""

    __slots__ = ("_lists", "_open")

    def __init__(self) -> None:
        self._open: _Open | None = None
        self._lists: _Open | None = None

    def take(self, cookie: bytes, request: SearchRequest, party: Party) -> LargeSearch:
        """Return the search that a cookie stands for; it is not kept any more. Raises Refused."""
        paged = self._open.pop(cookie, None) if self._open else None
        if paged is None:
            raise Refused(
                ResultCode.UNWILLING_TO_PERFORM,
                "the paged results cookie is unknown or too old; begin the search again without a cookie",
            )
        if not _continues(paged, request, party):
            paged.search.close()
            raise Refused(
                ResultCode.UNWILLING_TO_PERFORM, "the search differs from the one that the paged results cookie belongs to"
            )
        return paged

    def keep(self, paged: LargeSearch, now: float) -> bytes:
        """Keep a search for its next page, and return the cookie for it."""
        if self._open is None:
            self._open = OrderedDict()
        return _keep(self._open, paged, now, PAGED_SEARCHES_PER_CONNECTION)

    def take_list(self, context_id: bytes | None, request: SearchRequest, order: Order, party: Party) -> LargeSearch | None:
        """Return the sorted list that a context id stands for, which is not kept any more; None when there is none for this
        search."""
        found = self._lists.pop(context_id, None) if self._lists and context_id else None
        if found is None or (_continues(found, request, party) and found.search.order == order):
            return found
        found.search.close()
        return None

    def keep_list(self, large: LargeSearch, now: float) -> bytes:
        """Keep a sorted list for its next window, and return the context id for it."""
        if self._lists is None:
            self._lists = OrderedDict()
        return _keep(self._lists, large, now, VIRTUAL_LISTS_PER_CONNECTION)

    def close(self, before: float = float("inf")) -> None:
        """End the searches that were last used before `before`."""
        for kept in (self._open, self._lists):
            for cookie in [cookie for cookie, large in (kept or {}).items() if large.used_at < before]:
                kept.pop(cookie).search.close()  # type: ignore[union-attr]


def _keep(kept: _Open, large: LargeSearch, now: float, most: int) -> bytes:
    large.used_at = now
    cookie = secrets.token_bytes(12)
    kept[cookie] = large
    while len(kept) > most:
        _, oldest = kept.popitem(last=False)
        oldest.search.close()
    return cookie


def _continues(large: LargeSearch, request: SearchRequest, party: Party) -> bool:
    """Return whether a request goes on with a search that was begun: everything but limits must be the same (RFC 2696 §3)."""
    return large.party == party and _without_limits(large.request) == _without_limits(request)


def _without_limits(request: SearchRequest) -> tuple[object, ...]:
    return (request.base_object, request.scope, request.deref_aliases, request.types_only, request.filter, request.attributes)
