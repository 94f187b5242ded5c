"""Pagination of every list in both styles of the API: pages by number, and pages that follow the id of the last item."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from gateway.directory.application_scope.listings import Listing
from gateway.frontends.developer.records.caller import Caller
from gateway.frontends.developer.records.next_token import seal, unseal
from gateway.model.errors import InvalidInput

DEFAULT_SIZE = 20
MAX_SIZE = 100
"""The modelled API's own bounds."""

MAX_OFFSET = 1_000_000
"""The reach of pageNumber: a store walks there item by item. Beyond it, nextToken and /export do not slow down."""

T = TypeVar("T")


class Paging(Struct, rename="camel"):
    """The parameters of both styles."""

    page_number: Annotated[int, Meta(ge=1)] | None = None
    page_size: Annotated[int, Meta(ge=1, le=MAX_SIZE)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=MAX_SIZE)] | None = None
    next_token: str | None = None

    @property
    def limit(self) -> int:
        """Number of items wanted."""
        return self.max_results or self.page_size or DEFAULT_SIZE

    @property
    def offset(self) -> int:
        """Number of items before them, by page number. Raises InvalidInput beyond MAX_OFFSET."""
        offset = ((self.page_number or 1) - 1) * self.limit
        if offset > MAX_OFFSET:
            raise InvalidInput(f"pageNumber: reaches only the first {MAX_OFFSET} items; follow nextToken instead.")
        return offset


def answer_list(
    caller: Caller, paging: Paging, purpose: str, listing: Listing[T], project: Callable[[T], object]
) -> dict[str, object]:
    """Return `data`, `totalCount`, `maxResults`, and `nextToken` when there may be more; in every style the same.

    `purpose` names the list with its filters; its tokens are bound to that.
    """
    binding = caller.binding(purpose)
    # One more than asked for shows that there is a next page.
    if paging.next_token:
        items = listing.follow(unseal(binding, paging.next_token, str), paging.limit + 1)
    else:
        items = listing.page(paging.offset, paging.limit + 1)
    more = len(items) > paging.limit
    items = items[: paging.limit]
    answer: dict[str, object] = {"data": [project(item) for item in items]}
    answer |= {"totalCount": listing.total(), "maxResults": paging.limit}
    return {**answer, "nextToken": seal(binding, listing.id_of(items[-1]))} if more else answer
