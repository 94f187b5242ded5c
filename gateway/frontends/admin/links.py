"""The admin API for records and the objects that they belong to: what `gateway links` does, over HTTP, with a token.

GET /admin/links (situation, source, settled, max_results, next_token), GET /admin/links/record (source, kind, external_id),
POST /admin/links/link, unlink, split, withdraw (source, kind, external_id; object_id for link) and merge (kind, kept_id,
lost_id).
Keys are snake_case both ways, so that what is shown can be sent back; the shapes of answers are in link_format.py."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import structlog
from msgspec import Meta, Struct

from gateway.frontends.admin.link_format import (
    MergedJson,
    OutcomeJson,
    RecordNameJson,
    outcome_json,
    record_json,
    record_with_attributes_json,
    subject_json,
)
from gateway.frontends.admin.token_auth import AdminTokenCheck
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.frontends.http.router import Route
from gateway.model.errors import InvalidInput, NotFound
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.engine.database import Connection, Database
from gateway.store.records import records, unlinked_records
from gateway.sync.review import review_queue
from gateway.sync.review.link_decisions import Decided, Decisions, RecordName
from gateway.sync.review.review_queue import ReviewedRecord

DEFAULT_SIZE, MAX_SIZE = 100, 1_000
"""Records of one page."""

DECIDED_BY = "admin API"
"""The decider as it is kept and shown, when the caller does not name a person on whose behalf it asks."""

_log = structlog.get_logger("gateway.links")


class Listing(Struct, forbid_unknown_fields=True):
    """The query of a list. `settled`: also what is ignored or was decided before."""

    situation: Situation | None = None
    source: str | None = None
    settled: bool = False
    max_results: Annotated[int, Meta(ge=1, le=MAX_SIZE)] = DEFAULT_SIZE
    next_token: Annotated[int, Meta(ge=0)] = 0


class RecordOf(Struct, forbid_unknown_fields=True):
    """A record by its name at its source. `by`: the person on whose behalf the caller decides."""

    source: str
    external_id: str
    kind: Kind = Kind.USER
    by: Annotated[str, Meta(min_length=1, max_length=200)] = DECIDED_BY

    @property
    def name(self) -> RecordName:
        """The record's name as decisions take it."""
        return RecordName(self.source, self.kind, self.external_id)

    @property
    def subject(self) -> RecordNameJson:
        """The subject of the answer."""
        return subject_json(self.name)

    @property
    def log_fields(self) -> dict[str, str]:
        """The subject of the log line."""
        return {"source": self.source, "record": self.external_id}


class RecordTo(RecordOf, forbid_unknown_fields=True, kw_only=True):
    """A record, and the object that it belongs to."""

    object_id: str


class Pair(Struct, forbid_unknown_fields=True):
    """Two objects that are one."""

    kept_id: str
    lost_id: str
    kind: Kind = Kind.USER
    by: Annotated[str, Meta(min_length=1, max_length=200)] = DECIDED_BY

    @property
    def subject(self) -> MergedJson:
        """The subject of the answer."""
        return {"kind": self.kind.value, "kept": self.kept_id, "lost": self.lost_id}

    @property
    def log_fields(self) -> dict[str, str]:
        """The subject of the log line."""
        return {"kept": self.kept_id, "lost": self.lost_id}


class AdminLinks:
    """The operations. Every request is checked by `token_check` before anything of it is read."""

    def __init__(self, database: Database, decisions: Decisions, token_check: AdminTokenCheck) -> None:
        self._database = database
        self._decisions = decisions
        self._token_check = token_check

    def routes(self) -> list[Route]:
        """Return all routes, for `make_site`."""
        return [
            Route("GET", "/admin/links", "ListLinks", self._list),
            Route("GET", "/admin/links/record", "ShowRecord", self._show),
            Route("POST", "/admin/links/link", "LinkRecord", self._link),
            Route("POST", "/admin/links/unlink", "UnlinkRecord", self._unlink),
            Route("POST", "/admin/links/split", "SplitRecord", self._split),
            Route("POST", "/admin/links/withdraw", "WithdrawDecisions", self._withdraw),
            Route("POST", "/admin/links/merge", "MergeObjects", self._merge),
        ]

    async def _list(self, request: Request) -> Answer:
        """Records that wait for a person, in the order of their arrival; `next_token` is "" on the last page."""
        self._token_check.check(request)
        asked = request.query_as(Listing)
        situations = unlinked_records.LOOSE if asked.situation is None else (asked.situation,)

        def work(connection: Connection) -> tuple[list[int], list[ReviewedRecord]]:
            found = unlinked_records.page(
                connection, situations, asked.source, asked.next_token, asked.max_results, settled=asked.settled
            )
            return [number for number, _ in found], review_queue.show(connection, [record for _, record in found])

        numbers, shown = await self._database.read(work)
        more = str(numbers[-1]) if len(numbers) == asked.max_results else ""
        return json_answer({"data": [record_json(one) for one in shown], "next_token": more})

    async def _show(self, request: Request) -> Answer:
        self._token_check.check(request)
        name = request.query_as(RecordOf).name

        def work(connection: Connection) -> list[ReviewedRecord]:
            found = records.get(connection, name.source_id, name.kind, name.external_id)
            return review_queue.show(connection, [] if found is None else [found])

        shown = await self._database.read(work)
        if not shown:
            raise NotFound(f"there is no {name}")
        return json_answer(record_with_attributes_json(shown[0]))

    async def _link(self, request: Request) -> Answer:
        self._token_check.check(request)
        asked = request.json_as(RecordTo)
        decide = partial(self._decisions.link, name=asked.name, object_id=asked.object_id, by=asked.by)
        return await self._carry_out(request, "link", asked, decide)

    async def _unlink(self, request: Request) -> Answer:
        self._token_check.check(request)
        asked = request.json_as(RecordOf)
        return await self._carry_out(request, "unlink", asked, partial(self._decisions.unlink, name=asked.name, by=asked.by))

    async def _split(self, request: Request) -> Answer:
        self._token_check.check(request)
        asked = request.json_as(RecordOf)
        return await self._carry_out(request, "split", asked, partial(self._decisions.split, name=asked.name, by=asked.by))

    async def _withdraw(self, request: Request) -> Answer:
        self._token_check.check(request)
        asked = request.json_as(RecordOf)
        return await self._carry_out(request, "withdraw", asked, partial(self._decisions.withdraw, name=asked.name))

    async def _merge(self, request: Request) -> Answer:
        self._token_check.check(request)
        asked = request.json_as(Pair)
        if "" in (asked.kept_id, asked.lost_id):
            raise InvalidInput("kept_id and lost_id: name two objects.")
        decide = partial(self._decisions.merge, kind=asked.kind, kept_id=asked.kept_id, lost_id=asked.lost_id, by=asked.by)
        return await self._carry_out(request, "merge", asked, decide)

    async def _carry_out(
        self, request: Request, action: str, asked: RecordOf | Pair, decide: Callable[[Connection], Decided]
    ) -> Answer:
        """Decide in one transaction, log the decision, and answer with its outcome."""

        def work(connection: Connection) -> tuple[Decided, OutcomeJson]:
            decided = decide(connection)
            return decided, outcome_json(connection, action, asked.kind, decided)

        decided, outcome = await self._database.write(work)
        _log.info(
            "link decision",
            action=action,
            by=asked.by,
            kind=asked.kind.value,
            object=decided.object_id,
            change=decided.change_number,
            peer=request.peer,
            request_id=request.id,
            **asked.log_fields,
        )
        return json_answer({**asked.subject, **outcome})
