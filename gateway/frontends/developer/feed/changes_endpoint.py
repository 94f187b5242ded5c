"""GET /changes as a request: its parameters, and waiting until there is something to tell (long poll)."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gateway.changelog.tail import Tail, TailClosed
from gateway.frontends.developer.feed.change_feed import Page
from gateway.frontends.developer.feed.position import position_of, token_of
from gateway.frontends.developer.records.caller_scope import Visible
from gateway.frontends.http.request import Answer, Request
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes

MAX_RESULTS = 1_000
"""Items of one answer: some 1 MB of JSON."""

DEFAULT_RESULTS = 100

MAX_WAIT_SECONDS = 30
"""Shorter than the sixty seconds after which proxies commonly give up on an answer."""


class _Asked(Struct, rename="camel"):
    next_token: str | None = None
    max_results: Annotated[int, Meta(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS
    wait_seconds: Annotated[int, Meta(ge=0, le=MAX_WAIT_SECONDS)] = 0


class _Told(Struct):
    """An answer, and what decides whether to wait for a better one."""

    body: bytes
    token: str
    number: int
    final: bool


class ChangesEndpoint:
    """Answers /changes. `reactor` needs IReactorTime."""

    def __init__(self, database: Database, tail: Tail, reactor: Any) -> None:
        self._database = database
        self._tail = tail
        self._reactor = reactor

    async def answer(self, request: Request, admitted: Callable[[Connection], Visible]) -> Answer:
        """`items` in commit order, `nextToken` to go on from (always), `hasMore` when asking again at once is worth it.

        `admitted` says who asks, and is asked again after each wait: a token may have been revoked meanwhile.
        """
        asked = request.query_as(_Asked)
        deadline = self._reactor.seconds() + asked.wait_seconds
        token = asked.next_token
        while True:
            told = await self._database.read(partial(_tell, admitted=admitted, token=token, limit=asked.max_results))
            left = deadline - self._reactor.seconds()
            if told.final or left <= 0 or not await self._grown(told.number, left):
                return Answer(body=told.body)
            token = told.token

    async def _grown(self, number: int, seconds: float) -> bool:
        """Whether the log got longer in time. A service that is stopping lets its waiting clients go with what there is."""
        try:
            return bool(await self._tail.after(number, 1, seconds))
        except TailClosed:
            return False


def _tell(connection: Connection, admitted: Callable[[Connection], Visible], token: str | None, limit: int) -> _Told:
    visible = admitted(connection)
    position = position_of(visible.caller, token, changes.last(connection))
    page = Page(visible, position, limit)
    page.fill()
    more = page.more
    next_token = token_of(visible.caller, page.position)
    body = msgspec.json.encode({"items": page.items, "nextToken": next_token, "hasMore": more})
    return _Told(body, next_token, page.position.number, bool(page.items) or more)
