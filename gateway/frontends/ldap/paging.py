"""Paged results (RFC 2696): searches that stay open between two requests of one connection, on one state of the view."""

import secrets
from collections import OrderedDict

from gateway.frontends.ldap.limits import PAGED_SEARCHES_PER_CONNECTION
from gateway.frontends.ldap.results import Refused
from gateway.frontends.ldap.slicing import LargeSearch
from gateway.wire.messages import SearchRequest
from gateway.wire.result_codes import ResultCode


class PagedSearches:
    """The paged searches of one connection, by cookie."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: OrderedDict[bytes, LargeSearch] = OrderedDict()

    def take(self, cookie: bytes, request: SearchRequest) -> LargeSearch:
        """The search that a cookie stands for; it is not kept any more. Raises Refused."""
        paged = self._open.pop(cookie, None)
        if paged is None:
            raise Refused(
                ResultCode.UNWILLING_TO_PERFORM,
                "the paged results cookie is unknown or too old; begin the search again without a cookie",
            )
        if _without_limits(paged.request) != _without_limits(request):
            paged.search.close()
            raise Refused(
                ResultCode.UNWILLING_TO_PERFORM, "the search differs from the one that the paged results cookie belongs to"
            )
        return paged

    def keep(self, paged: LargeSearch, now: float) -> bytes:
        """Keeps a search for its next page; the cookie for it."""
        paged.used_at = now
        cookie = secrets.token_bytes(12)
        self._open[cookie] = paged
        while len(self._open) > PAGED_SEARCHES_PER_CONNECTION:
            _, oldest = self._open.popitem(last=False)
            oldest.search.close()
        return cookie

    def close(self, before: float = float("inf")) -> None:
        """Ends the searches that were last used before `before`."""
        for cookie in [cookie for cookie, paged in self._open.items() if paged.used_at < before]:
            self._open.pop(cookie).search.close()


def _without_limits(request: SearchRequest) -> tuple[object, ...]:
    """Everything that must be the same on every page (RFC 2696 §3)."""
    return (request.base_object, request.scope, request.deref_aliases, request.types_only, request.filter, request.attributes)
