"""Every write over the API goes this way: the grant, If-Match, the idempotency key and the write itself are one transaction;
then the audit's log line and the answer.

A request whose answer was lost is repeated under its Idempotency-Key and done once."""

import hashlib
import re
from collections.abc import Callable, Collection
from typing import Final, TypeAlias

import structlog

from gateway.frontends.developer.records.caller import Admitted, CallerView
from gateway.frontends.developer.records.entity_tag import entity_tag, matches
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request, json_body
from gateway.frontends.scoped_writes import ScopedWork, ScopedWrites, check_granted
from gateway.model.applications import Grant
from gateway.model.errors import Conflict, InvalidInput
from gateway.store.clients import idempotency_keys
from gateway.store.clients.idempotency_keys import KnownRequest
from gateway.store.engine.database import Connection, Database
from gateway.sync.local.source import Written
from gateway.sync.local.writer import Writer

Record: TypeAlias = Callable[[CallerView, Request], object]
"""Reads the object of a request's path as its record."""

_KEY: Final = re.compile(r'"?([!#-~]{1,255})"?')

_log = structlog.get_logger("gateway.write")


class WriteEndpoint:
    """The way of a write. `sources`: the names of the configured ones, for the refusal of an application without the grant."""

    def __init__(self, database: Database, writer: Writer, sources: Collection[str]) -> None:
        self._database = database
        self._writer = writer
        self._sources = sources

    async def check(self, admitted: Admitted, *also: Grant) -> None:
        """Raise HttpError or NotGranted for a caller that may not write: before it queues for the store's one writer."""
        await self._database.read(lambda connection: self._permitted(admitted(connection), also))

    async def carry_out(
        self,
        operation: str,
        request: Request,
        admitted: Admitted,
        work: ScopedWork,
        *,
        record: Record | None = None,
        also: Collection[Grant] = (),
        content: bytes | None = None,
    ) -> Written:
        """Carry out a write; `found` when an earlier request with the same key has. `record`: of
        the object that If-Match is about; `also`: the grants that it needs beside the one to write; `content`: the body
        without the password that it holds, of which nothing must be kept (law 12)."""
        digest, key = _digest(request, request.body if content is None else content), _key_of(request)
        by: list[str] = []

        def write(connection: Connection) -> Written:
            view = admitted(connection)
            self._permitted(view, also)
            self._writer.door.lock(connection)
            application, now = view.caller.application, self._writer.now()
            application_id, by[:] = application.id, [application.name]
            known = idempotency_keys.find(connection, application_id, key, now) if key else None
            if known is not None:
                if known.digest != digest:
                    raise Conflict("Idempotency-Key: was given to another request; take a new one for each.")
                return Written(known.kind, known.object_id, known.change_number, found=True)
            if record is not None:
                _check_unchanged(request, view, record)
            written = work(ScopedWrites(view.directory, self._writer.door, now))
            if key:
                done = KnownRequest(digest, written.kind, written.object_id, written.change_number)
                idempotency_keys.add(connection, application_id, key, done, now)
            return written

        written = await self._writer.write(write)
        _audit(operation, request, by[0], written)
        return written

    def _permitted(self, view: CallerView, also: Collection[Grant]) -> None:
        for grant in (Grant.WRITE, *also):
            check_granted(view.caller.application, grant, self._sources)


def _check_unchanged(request: Request, view: CallerView, record: Record) -> None:
    """Raise HttpError 412 when the record is not the one that If-Match names (RFC 9110 §13.1.1)."""
    wanted = request.headers.get("if-match")
    if wanted is not None and not matches(wanted, entity_tag(json_body(record(view, request)))):
        raise HttpError(412, "PreconditionFailed", "The record has changed since it was read: read it again, and decide anew.")


def _key_of(request: Request) -> str:
    given = request.headers.get("idempotency-key")
    if given is None:
        return ""
    found = _KEY.fullmatch(given.strip())
    if found is None:
        raise InvalidInput("Idempotency-Key: is 1 to 255 printable characters without spaces and quotes.")
    return found[1]


def _digest(request: Request, content: bytes) -> bytes:
    return hashlib.sha256(b"\0".join((request.method.encode(), request.path.encode(), content))).digest()


def _audit(operation: str, request: Request, application: str, written: Written) -> None:
    _log.info(
        "write repeated" if written.found else "write",
        operation=operation,
        application=application,
        kind=written.kind.value,
        object=written.object_id,
        peer=request.peer,
        change=written.change_number,
        request=request.id,
    )
    for problem in written.problems:
        _log.warning(problem)
