"""GET /changes as a request: its parameters, and waiting until there is something to report (long poll)."""

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from twisted.internet.interfaces import IReactorTime

from gateway.changelog.tail import Tail, TailClosed
from gateway.directory.application_scope.change_feed import FeedPage
from gateway.frontends.developer.feed.feed_token import position_of, token_of
from gateway.frontends.developer.feed.json_items import change_items
from gateway.frontends.developer.records.caller import Admitted
from gateway.frontends.http.request import Answer, Request
from gateway.model.errors import HistoryChanged
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.store_threads import PAGE_SECONDS

MAX_RESULTS = 1_000
"""Items of one answer: some 1 MB of JSON."""

DEFAULT_RESULTS = 100

MAX_WAIT_SECONDS = 30
"""Shorter than the sixty seconds after which proxies commonly give up on an answer."""


class _Parameters(Struct, rename="camel"):
    next_token: str | None = None
    max_results: Annotated[int, Meta(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS
    wait_seconds: Annotated[int, Meta(ge=0, le=MAX_WAIT_SECONDS)] = 0


class _PageRead(Struct):
    """A page of the feed as JSON, and what decides whether to wait for more. `final`: it has items, or more are there."""

    body: bytes
    token: str
    number: int
    final: bool


class ChangesEndpoint:
    """Answers /changes. `clock` gives the time that readers wait."""

    def __init__(self, database: Database, tail: Tail, clock: IReactorTime) -> None:
        self._database = database
        self._tail = tail
        self._clock = clock

    async def answer(self, request: Request, admitted: Admitted) -> Answer:
        """Answer `items` in commit order, `nextToken` to go on from (always), `hasMore` when asking again at once is worth it.

        `admitted` authenticates the caller, and is called again after each wait: a token may have been revoked meanwhile.
        """
        asked = request.query_as(_Parameters)
        deadline = self._clock.seconds() + asked.wait_seconds
        token = asked.next_token
        while True:
            reading = partial(_read_page, admitted=admitted, token=token, limit=asked.max_results)
            page = await self._database.read(reading, PAGE_SECONDS)
            left = deadline - self._clock.seconds()
            if page.final or left <= 0 or not await self._grown(page.number, left):
                return Answer(body=page.body)
            token = page.token

    async def _grown(self, number: int, seconds: float) -> bool:
        """Return True when the log got longer in time. A service that stops answers its waiting clients with what there is."""
        try:
            return bool(await self._tail.after(number, 1, seconds))
        except TailClosed:
            return False
        except HistoryChanged:  # the next page says which
            return True


def _read_page(connection: Connection, admitted: Admitted, token: str | None, limit: int) -> _PageRead:
    view = admitted(connection)
    page = FeedPage(view.directory, position_of(connection, view.caller, token), limit)
    page.fill()
    more = page.more
    next_token = token_of(connection, view.caller, page.position)
    items = change_items(page.items, view.project)
    body = msgspec.json.encode({"items": items, "nextToken": next_token, "hasMore": more})
    return _PageRead(body, next_token, page.position.number, bool(items) or more)
