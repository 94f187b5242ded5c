"""One way to answer every list in both paging styles: pages by number, and pages that follow the id of the last item.

A nextToken follows an id, so that what comes and goes in between makes no other item be skipped or shown twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from gateway.frontends.developer.records.caller_scope import Caller
from gateway.frontends.developer.records.next_token import Binding, seal, unseal
from gateway.frontends.http.request import Request
from gateway.model.errors import InvalidInput

DEFAULT_SIZE = 20
MAX_SIZE = 100
"""The modelled API's own bounds."""

MAX_OFFSET = 1_000_000
"""How far pageNumber reaches: a store walks there item by item. Beyond it, nextToken and /export do not slow down."""

WALK = 1_000
"""Items passed over in one query on the way to a pageNumber."""

T = TypeVar("T")


class Paging(Struct, rename="camel"):
    """The parameters of both styles."""

    page_number: Annotated[int, Meta(ge=1)] | None = None
    page_size: Annotated[int, Meta(ge=1, le=MAX_SIZE)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=MAX_SIZE)] | None = None
    next_token: str | None = None

    @property
    def limit(self) -> int:
        """How many items are wanted."""
        return self.max_results or self.page_size or DEFAULT_SIZE

    @property
    def offset(self) -> int:
        """How many items come before them, by number. Raises InvalidInput beyond MAX_OFFSET."""
        offset = ((self.page_number or 1) - 1) * self.limit
        if offset > MAX_OFFSET:
            raise InvalidInput(f"pageNumber: reaches only the first {MAX_OFFSET} items; follow nextToken instead.")
        return offset


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list in the order of its items' ids.

    `purpose` names it with its filters, for its tokens. `follow(after, limit)` gives what follows an id ("" to begin).
    `skip(offset, limit)` gives a page by number where the store can; None: it is walked to.
    """

    purpose: str
    follow: Callable[[str, int], list[T]]
    total: Callable[[], int]
    skip: Callable[[int, int], list[T]] | None
    id_of: Callable[[T], str]

    def page(self, offset: int, limit: int) -> list[T]:
        """A page by number."""
        if self.skip is not None:
            return self.skip(offset, limit)
        after = ""
        while offset > 0:
            passed = self.follow(after, min(WALK, offset))
            if not passed:
                return []
            after = self.id_of(passed[-1])
            offset -= len(passed)
        return self.follow(after, limit)


def answer_list(caller: Caller, request: Request, listing: Listing[T], project: Callable[[T], object]) -> dict[str, object]:
    """`data`, `totalCount`, `maxResults`, and `nextToken` when there may be more; in every style the same."""
    paging = request.query_as(Paging)
    binding = Binding(caller.instance_id, caller.application.id, listing.purpose)
    # One more than asked for tells whether there is a next page.
    if paging.next_token:
        items = listing.follow(unseal(binding, paging.next_token, str), paging.limit + 1)
    else:
        items = listing.page(paging.offset, paging.limit + 1)
    more = len(items) > paging.limit
    items = items[: paging.limit]
    answer: dict[str, object] = {"data": [project(item) for item in items]}
    answer |= {"totalCount": listing.total(), "maxResults": paging.limit}
    return {**answer, "nextToken": seal(binding, listing.id_of(items[-1]))} if more else answer
