"""The admin API for records and the objects that they belong to: what `gateway links` does, over HTTP, with a token.

GET /admin/links (situation, source, settled, maxResults, nextToken), GET /admin/links/record (source, kind, externalId), POST
/admin/links/link, unlink, split (source, kind, externalId; objectId for link) and merge (kind, keptId, lostId)."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import structlog
from msgspec import Meta, Struct

from gateway.frontends.admin.token_auth import Keeper
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.frontends.http.router import Route
from gateway.model.attributes import shown as readable
from gateway.model.errors import InvalidInput, NotFound
from gateway.model.objects import Attributes, Kind
from gateway.model.records import Situation
from gateway.store.engine.database import Connection, Database
from gateway.store.records import records, unlinked_records
from gateway.sync.review import review_queue
from gateway.sync.review.link_decisions import Decided, Decisions, RecordName
from gateway.sync.review.review_queue import Named, Shown

DEFAULT_SIZE, MAX_SIZE = 100, 1_000
"""Records of one page."""

DECIDED_BY = "admin API"
"""Who decided, as it is kept and shown, when the caller does not say on whose behalf it asks."""

_log = structlog.get_logger("gateway.links")


class Listing(Struct, rename="camel", forbid_unknown_fields=True):
    """The query of a list. `settled`: also what is ignored or was decided before."""

    situation: Situation | None = None
    source: str | None = None
    settled: bool = False
    max_results: Annotated[int, Meta(ge=1, le=MAX_SIZE)] = DEFAULT_SIZE
    next_token: Annotated[int, Meta(ge=0)] = 0


class RecordOf(Struct, rename="camel", forbid_unknown_fields=True):
    """Which record. `by`: on whose behalf."""

    source: str
    external_id: str
    kind: Kind = Kind.USER
    by: Annotated[str, Meta(min_length=1, max_length=200)] = DECIDED_BY

    @property
    def name(self) -> RecordName:
        """In the words of the door."""
        return RecordName(self.source, self.kind, self.external_id)


class RecordTo(RecordOf, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Which record belongs to which object."""

    object_id: str


class Pair(Struct, rename="camel", forbid_unknown_fields=True):
    """Which objects are one."""

    kept_id: str
    lost_id: str
    kind: Kind = Kind.USER
    by: Annotated[str, Meta(min_length=1, max_length=200)] = DECIDED_BY


class AdminLinks:
    """Every request is checked by `keeper` before anything of it is read."""

    def __init__(self, database: Database, decisions: Decisions, keeper: Keeper) -> None:
        self._database = database
        self._decisions = decisions
        self._keeper = keeper

    def routes(self) -> list[Route]:
        """All routes, for `make_site`."""
        return [
            Route("GET", "/admin/links", "ListLinks", self._list),
            Route("GET", "/admin/links/record", "ShowRecord", self._show),
            Route("POST", "/admin/links/link", "LinkRecord", self._link),
            Route("POST", "/admin/links/unlink", "UnlinkRecord", self._unlink),
            Route("POST", "/admin/links/split", "SplitRecord", self._split),
            Route("POST", "/admin/links/merge", "MergeObjects", self._merge),
        ]

    async def _list(self, request: Request) -> Answer:
        """Records that wait for a person, in the order of their arrival; `nextToken` is "" on the last page."""
        self._keeper.check(request)
        asked = request.query_as(Listing)
        situations = unlinked_records.LOOSE if asked.situation is None else (asked.situation,)

        def work(connection: Connection) -> tuple[list[int], list[Shown]]:
            found = unlinked_records.page(
                connection, situations, asked.source, asked.next_token, asked.max_results, settled=asked.settled
            )
            return [number for number, _ in found], review_queue.show(connection, [record for _, record in found])

        numbers, shown = await self._database.read(work)
        more = str(numbers[-1]) if len(numbers) == asked.max_results else ""
        return json_answer({"data": [_facts(one) for one in shown], "nextToken": more})

    async def _show(self, request: Request) -> Answer:
        self._keeper.check(request)
        name = request.query_as(RecordOf).name

        def work(connection: Connection) -> list[Shown]:
            found = records.get(connection, name.source_id, name.kind, name.external_id)
            return review_queue.show(connection, [] if found is None else [found])

        shown = await self._database.read(work)
        if not shown:
            raise NotFound(f"there is no {name}")
        return json_answer({**_facts(shown[0]), "attributes": _plain(shown[0].record.attributes)})

    async def _link(self, request: Request) -> Answer:
        self._keeper.check(request)
        asked = request.json_as(RecordTo)
        work = partial(self._decisions.link, name=asked.name, object_id=asked.object_id, by=asked.by)
        return await self._decided(request, "link", asked, work)

    async def _unlink(self, request: Request) -> Answer:
        self._keeper.check(request)
        asked = request.json_as(RecordOf)
        return await self._decided(request, "unlink", asked, partial(self._decisions.unlink, name=asked.name, by=asked.by))

    async def _split(self, request: Request) -> Answer:
        self._keeper.check(request)
        asked = request.json_as(RecordOf)
        return await self._decided(request, "split", asked, partial(self._decisions.split, name=asked.name, by=asked.by))

    async def _merge(self, request: Request) -> Answer:
        self._keeper.check(request)
        asked = request.json_as(Pair)
        if "" in (asked.kept_id, asked.lost_id):
            raise InvalidInput("keptId and lostId: name two objects.")
        work = partial(self._decisions.merge, kind=asked.kind, kept_id=asked.kept_id, lost_id=asked.lost_id, by=asked.by)
        return await self._decided(request, "merge", asked, work)

    async def _decided(
        self, request: Request, action: str, asked: RecordOf | Pair, work: Callable[[Connection], Decided]
    ) -> Answer:
        """Carry the decision out, tell the log of it, and answer with whom it ended at."""
        decided = await self._database.write(work)
        told = {"kept": asked.kept_id, "lost": asked.lost_id} if isinstance(asked, Pair) else _named_record(asked.name)
        _log.info(
            "link decision",
            action=action,
            by=asked.by,
            kind=asked.kind.value,
            object=decided.object_id,
            change=decided.change_number,
            peer=request.peer,
            request_id=request.id,
            **told,
        )
        return json_answer({"objectId": decided.object_id, "changeNumber": decided.change_number, "problems": decided.problems})


def _named_record(name: RecordName) -> dict[str, str]:
    return {"source": name.source_id, "record": name.external_id}


def _facts(shown: Shown) -> dict[str, Any]:
    record = shown.record
    return {
        "source": record.source_id,
        "kind": record.kind.value,
        "externalId": record.external_id,
        "dn": record.dn,
        "situation": record.situation.value,
        "reason": record.reason,
        "object": None if shown.linked_to is None else _object(shown.linked_to),
        "decidedBy": record.decided_by,
        "candidates": [_object(candidate) for candidate in shown.candidates],
        "decisions": [
            {
                "verdict": decision.verdict.value,
                "objectId": decision.object_id,
                "by": decision.decided_by,
                "at": _stamp(decision.decided_at),
            }
            for decision in shown.decisions
        ],
    }


def _object(named: Named) -> dict[str, str]:
    return {"id": named.id, "name": named.words}


def _plain(attributes: Attributes) -> dict[str, list[str]]:
    return {name: readable(name, values) for name, values in attributes.items()}


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
