"""Fast path: the searches that programs send most, answered with the least work: one equality assertion, or a flat "and" or
"or" of some (`(&(objectClass=person)(uid=x))`), or one piece of a value (`(cn=*x*)`), without controls, that find a few
entries.

A request's octets but for the assertion values are its template (request_template.py): what was found out about them once
(view, plan, selection) is kept. Whatever does not fit goes the ordinary way, and the answers are the same: a test compares
them octet by octet. Hits, misses and failures are counted; a failure is logged, the first of each kind."""

import sqlite3
import traceback
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

import structlog

from gateway.directory.access import Access
from gateway.directory.directory import Follower, Party, ViewNotReady
from gateway.directory.planning.filter_shape import Key
from gateway.directory.search import direct_plan
from gateway.directory.search.direct_plan import DIRECT_ROWS, DirectPlan
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.view_reader import ViewReader
from gateway.frontends.ldap.core.limits import OUTPUT_CHUNK_BYTES
from gateway.frontends.ldap.core.results import search_done
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search.request import named
from gateway.frontends.ldap.server.request_template import RequestPattern, Span, message_end, pattern_of, split
from gateway.model.ldap.dn import InvalidDN
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import wrap
from gateway.wire.errors import WireError
from gateway.wire.messages import SearchRequest

_log = structlog.get_logger("gateway.ldap")

_MAX_TEMPLATES = 500
"""Kept per party; a program sends a handful."""


@dataclass(frozen=True, slots=True)
class _KeptPlan:
    """A plan, and the state of the view that it was made for."""

    follower: Follower
    reader: ViewReader
    generation: int
    execute: Callable[..., sqlite3.Cursor]
    plan: DirectPlan
    limit: int

    @property
    def is_current(self) -> bool:
        """True if the view is still the same file, and the planner would decide the same."""
        return self.follower.reader is self.reader and self.reader.generation == self.generation


class FastPath:
    """The plans of parties that see the same: by template, and for the last request of each length.

    A request may be tried twice, when it is read (`serve`) and when its turn comes (`answer`); it is counted once.
    """

    def __init__(self, services: Services, party: Party, failures: "FailureLog") -> None:
        self._services = services
        self._party = party
        self._failures = failures
        self._plans: dict[bytes, _KeptPlan | None] = {}
        self._last: dict[int, tuple[RequestPattern, _KeptPlan]] = {}
        """By length: programs send the same request with another name in it."""
        self._counters = services.counters
        self._reader: ViewReader | None = None
        """The reader of the last answer."""

    def serve(self, data: bytes, ready: list[bytes]) -> bytes:
        """Append to `ready` the answers to the requests that `data` begins with, as far as they can be given, up to about
        OUTPUT_CHUNK_BYTES, and return what is left of `data`. For a connection on which nothing is outstanding."""
        end = message_end(data, 0)
        if end == len(data):
            answer = self._first_try(data)
            if answer is None:
                return data
            ready.append(answer)
            return b""
        reader = self._reader
        holding = reader is not None and reader.hold()
        try:
            return self._serve_all(data, ready)
        finally:
            if holding and reader is not None:
                reader.let_go()

    def _serve_all(self, data: bytes, ready: list[bytes]) -> bytes:
        position, size, room = 0, len(data), OUTPUT_CHUNK_BYTES
        while position < size and room > 0:
            end = message_end(data, position)
            answer = self._first_try(data[position:end]) if end <= size else None
            if answer is None:
                break
            ready.append(answer)
            room -= len(answer)
            position = end
        return data[position:]

    def _first_try(self, message: bytes) -> bytes | None:
        """Return the answer to a request that has just been read; None when it has to wait for its turn."""
        try:
            return self._answer(message, ())
        except Exception as error:  # met again when its turn comes, as a rule
            self._failures.report(error)
            return None

    def answer(self, message: bytes, outstanding: Container[int]) -> bytes | None:
        """Return the whole answer to a request, or None when it has to go the ordinary way. `outstanding`: the message ids in
        use."""
        try:
            answer = self._answer(message, outstanding)
        except Exception as error:  # the ordinary way meets it again, and answers it
            self._counters.fast_path_failures += 1
            self._failures.report(error)
            return None
        if answer is None:
            self._counters.fast_path_misses += 1
        return answer

    def _answer(self, message: bytes, outstanding: Container[int]) -> bytes | None:
        try:
            id_start = 2 if message[1] < 0x80 else message[1] - 0x7E
            id_end = id_start + 2 + message[id_start + 1]
        except IndexError:  # too short for a message id
            return None
        last = self._last.get(len(message) - id_end)
        if last is not None:
            pattern, kept = last
            if kept.is_current and pattern.matches(message, id_start, id_end):
                message_id = int.from_bytes(message[id_start + 2 : id_end], "big")
                if not message_id or message_id in outstanding:
                    return None
                return self._execute(message, message_id, id_end, pattern.spans, kept)
        return self._answer_by_template(message, outstanding)

    def _answer_by_template(self, message: bytes, outstanding: Container[int]) -> bytes | None:
        """Return the answer to a request that is not like the last one of its length."""
        parts = split(message)
        if parts is None or not parts[0] or parts[0] in outstanding:
            return None
        message_id, template, id_end, spans = parts
        kept = self._plans.get(template)
        if kept is None or not kept.is_current:
            kept = self._learn(template, message, len(spans))
            if kept is None:
                return None
        if len(self._last) >= _MAX_TEMPLATES:
            self._last.clear()
        self._last[len(message) - id_end] = pattern_of(message, id_end, spans), kept
        return self._execute(message, message_id, id_end, spans, kept)

    def _execute(self, message: bytes, message_id: int, id_end: int, spans: Sequence[Span], kept: _KeptPlan) -> bytes | None:
        plan = kept.plan
        if len(spans) == 1:
            ((start, end),) = spans
            keys: Sequence[Key | None] = (plan.keys[0](message[id_end + start : id_end + end]),)
        else:
            values = [message[id_end + start : id_end + end] for start, end in spans]
            keys = [key(value) for key, value in zip(plan.keys, values, strict=True)]
        if None in keys:
            return None
        self._reader = kept.reader
        rows = kept.execute(plan.sql, (*plan.base, *keys)).fetchall()
        count = len(rows)
        if count > kept.limit:
            return None
        render = plan.render
        if count == 1:
            row = rows[0]
            found = wrap(message_id, row[0] if render is None else render(row))
        else:
            found = b"".join([wrap(message_id, row[0] if render is None else render(row)) for row in rows])
        counters = self._counters
        counters.operations["search", 0] += 1
        counters.entries += count
        counters.fast_path_hits += 1
        return found + search_done(message_id)

    def _learn(self, template: bytes, message: bytes, values: int) -> _KeptPlan | None:
        """Find and keep the ordinary way's plan for such a request; None when it needs the ordinary way each time."""
        if template in self._plans and self._plans[template] is None:
            return None
        if len(self._plans) >= _MAX_TEMPLATES:
            self._plans.clear()
        try:
            kept = self._plans[template] = self._prepare(message, values)
        except ViewNotReady:  # which the ordinary way says; the plan is for later
            return None
        return kept

    def _prepare(self, message: bytes, values: int) -> _KeptPlan | None:
        try:
            request = decode_message(message).operation
            if not isinstance(request, SearchRequest):
                return None
            base, base_key = named(request.base_object)
            view = self._services.directory.view_of(self._party, base_key) if base_key else None
            if view is None or not 0 < request.scope <= 3:
                return None
            searcher = self._services.directory.searcher(view.name, self._party.access)
            query = Query(base, base_key, request.scope, request.filter, request.attributes, request.types_only)
            plan = direct_plan.prepare(searcher, query)
        except (WireError, InvalidDN, NoSuchObject):
            return None
        if plan is None or len(plan.keys) != values:
            return None
        limits = [n for n in (request.size_limit, self._services.limits.size_limit, DIRECT_ROWS) if n > 0]
        follower = self._services.directory.followers[view.name]
        return _KeptPlan(follower, searcher.reader, searcher.reader.generation, searcher.reader.point, plan, min(limits))


class FastPaths:
    """The fast paths of one server, shared by all its connections."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failures = FailureLog()
        self._paths: dict[tuple[tuple[str, ...], Access], FastPath] = {}

    def of(self, party: Party) -> FastPath | None:
        """Return the fast path of a party; None when it must not be taken."""
        if party.is_anonymous or not party.access.is_everything:
            return None
        if self._services.log_operations or self._services.log_searches:
            return None
        key = (party.views, party.access)
        known = self._paths.get(key)
        if known is None:
            known = self._paths[key] = FastPath(self._services, party, self._failures)
        return known


class FailureLog:
    """The failures of the fast path that have been logged: the first of each kind, which is an exception's type and place."""

    def __init__(self) -> None:
        self._logged: set[tuple[type[Exception], str]] = set()

    def report(self, error: Exception) -> None:
        """Log the error, unless one of its kind has been logged."""
        place = _place(error)
        if (type(error), place) not in self._logged:
            self._logged.add((type(error), place))
            _log.warning("fast path failed", error=repr(error), place=place, exc_info=error)


def _place(error: Exception) -> str:
    """Return the file and line where an error was raised."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return f"{frames[-1][0].f_code.co_filename}:{frames[-1][1]}" if frames else ""
