"""The searches that programs send most, answered with the least work: one equality assertion, or a flat "and" or "or" of some
(`(&(objectClass=person)(uid=x))`), or one piece of a value (`(cn=*x*)`), without controls, that find a few entries.

A request's octets but for the assertion values are its template: what was found out about them once (view, plan, selection)
is kept. Whatever does not fit goes the ordinary way, and the answers are the same: a test compares them octet by octet."""

import sqlite3
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.directory import Follower, Party
from gateway.directory.planning.filter_shape import Key
from gateway.directory.planning.kind_constants import OF_ITS_KIND
from gateway.directory.search import direct_plan
from gateway.directory.search.direct_plan import DIRECT_ROWS, DirectPlan
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.view_reader import ViewReader
from gateway.frontends.ldap.core.limits import OUTPUT_CHUNK_BYTES
from gateway.frontends.ldap.core.results import search_done
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search.request import named
from gateway.model.ldap.dn import InvalidDN
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import wrap
from gateway.wire.errors import WireError
from gateway.wire.messages import SearchRequest

_MAX_TEMPLATES = 500
"""Kept per party; a program sends a handful."""

_SEARCH = 0x63
_AND, _OR, _EQUALITY, _SUBSTRINGS = 0xA0, 0xA1, 0xA3, 0xA4
_PIECE_IN_THE_MIDDLE = 0x81

_MAX_ASSERTIONS = 8

_OF_ITS_KIND = frozenset(attribute.encode() for attribute in OF_ITS_KIND)
"""What is asserted of these is part of the template."""


@dataclass(frozen=True, slots=True)
class _Template:
    """A plan, and the state of the view that it was made for."""

    follower: Follower
    reader: ViewReader
    generation: int
    execute: Callable[..., sqlite3.Cursor]
    plan: DirectPlan
    limit: int

    @property
    def is_current(self) -> bool:
        """Whether the view is the same file still, and the planner would decide the same."""
        return self.follower.reader is self.reader and self.reader.generation == self.generation


Span: TypeAlias = tuple[int, int]
"""Start and end of an assertion value, counted from the end of the message id."""


def split(message: bytes) -> tuple[int, bytes, int, list[Span]] | None:
    """Message id, template, the end of the message id, and where the assertion values are, of a search with equality
    assertions, or substring assertions of one piece in the middle; None for anything else.

    `message` comes from the framer, so its own length is right. Every length that is not in the template is checked here, and
    those in it are of one octet: two messages with the same template are read alike by the ordinary decoder, which has
    accepted one of them before the template is used.
    """
    try:
        id_start = 2 if message[1] < 0x80 else message[1] - 0x7E
        size = message[id_start + 1]
        id_end = id_start + 2 + size
        if message[id_start] != 0x02 or not 0 < size <= 4 or message[id_start + 2] > 0x7F or message[id_end] != _SEARCH:
            return None
        size = message[id_end + 1]
        start = id_end + 2
        if size > 0x7F:
            start += size - 0x80
            size = int.from_bytes(message[id_end + 2 : start], "big") if size <= 0x84 else -1
        if start + size != len(message):
            return None
        pos = start + 2 + message[start + 1]  # behind the base
        if message[start + 1] > 0x7F or message[pos : pos + 2] != b"\x0a\x01" or message[pos + 3 : pos + 5] != b"\x0a\x01":
            return None
        pos += 6
        size = message[pos + 1]
        pos += 2 + size  # behind the size limit
        if size > 0x7F or message[pos + 1] > 0x7F:
            return None
        pos += 2 + message[pos + 1]  # behind the time limit
        if message[pos + 1] != 1 or message[pos + 4] > 0x7F:
            return None
        pos += 3  # behind typesOnly
        template = message[start:pos]
        spans: list[Span] = []
        filter_end = pos + 2 + message[pos + 1]
        if message[pos] == _AND or message[pos] == _OR:
            template += message[pos : pos + 1]
            pos += 2
        while pos < filter_end:
            end = pos + 2 + message[pos + 1]
            value = pos + 4 + message[pos + 3]
            if message[pos + 1] > 0x7F or message[pos + 2] != 0x04 or value + 2 + message[value + 1] != end:
                return None
            if message[pos] == _SUBSTRINGS:
                piece = value + 2
                if message[value] != 0x30 or message[piece] != _PIECE_IN_THE_MIDDLE or piece + 2 + message[piece + 1] != end:
                    return None
                template += message[pos : pos + 1] + message[pos + 2 : value]
                spans.append((piece + 2 - id_end, end - id_end))
            elif message[pos] != _EQUALITY or message[value] != 0x04:
                return None
            elif message[pos + 4 : value].lower() in _OF_ITS_KIND:
                template += message[pos + 2 : end]
            else:
                template += message[pos + 2 : value]
                spans.append((value + 2 - id_end, end - id_end))
            pos = end
        if pos != filter_end or not 0 < len(spans) <= _MAX_ASSERTIONS:
            return None
        if message[filter_end] != 0x30 or filter_end + 2 + message[filter_end + 1] != len(message):
            return None
        return int.from_bytes(message[id_start + 2 : id_end], "big"), template + message[filter_end:], id_end, spans
    except IndexError:
        return None


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What a request was like, from the end of its message id on: `fixed` octets by their place, assertion values between
    them. Another one of the same length with the same fixed octets is read alike, whatever its values are."""

    fixed: tuple[tuple[int, bytes], ...]
    spans: tuple[Span, ...]
    template: _Template

    def is_of(self, message: bytes, id_start: int, id_end: int) -> bool:
        """Whether the message is like this; its length from `id_end` on is known to be the same."""
        if message[id_start] != 0x02 or not id_start + 2 < id_end <= id_start + 6 or message[id_start + 2] > 0x7F:
            return False
        for start, octets in self.fixed:  # noqa: SIM110 (this loop is run for every request, and all() costs twice as much)
            if not message.startswith(octets, id_end + start):
                return False
        return True


def _likeness(message: bytes, id_end: int, spans: list[Span], template: _Template) -> _Likeness:
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(message) - id_end]
    fixed = tuple((start, message[id_end + start : id_end + end]) for start, end in zip(starts, ends, strict=True))
    return _Likeness(fixed, tuple(spans), template)


def _end(data: bytes, position: int) -> int:
    """Where the message at `position` ends; beyond the end of `data` when that cannot be told so simply."""
    try:
        first = data[position + 1]
        if data[position] != 0x30 or first > 0x82:
            return len(data) + 1
        if first < 0x80:
            return position + 2 + first
        if first == 0x81:
            return position + 3 + data[position + 2]
        return position + 4 + data[position + 2] * 256 + data[position + 3]
    except IndexError:
        return len(data) + 1


class FastPath:
    """The templates of one kind of party."""

    def __init__(self, services: Services, party: Party) -> None:
        self._services = services
        self._party = party
        self._templates: dict[bytes, _Template | None] = {}
        self._likenesses: dict[int, _Likeness] = {}
        """The last request of each length: programs send the same request with another name in it."""
        self._statistics = services.statistics
        self._reader: ViewReader | None = None
        """Of the last answer."""

    def serve(self, data: bytes, ready: list[bytes]) -> bytes:
        """Appends to `ready` the answers to the requests that `data` begins with, as far as they can be given, up to about
        OUTPUT_CHUNK_BYTES; what is left of `data`. For a connection on which nothing is outstanding."""
        end = _end(data, 0)
        if end == len(data):
            answer = self.answer(data, ())
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
            end = _end(data, position)
            answer = self.answer(data[position:end], ()) if end <= size else None
            if answer is None:
                break
            ready.append(answer)
            room -= len(answer)
            position = end
        return data[position:]

    def answer(self, message: bytes, outstanding: Container[int]) -> bytes | None:
        """The whole answer, or None when the request has to go the ordinary way. `outstanding`: the message ids in use."""
        try:
            id_start = 2 if message[1] < 0x80 else message[1] - 0x7E
            id_end = id_start + 2 + message[id_start + 1]
            alike = self._likenesses.get(len(message) - id_end)
            if alike is not None and alike.template.is_current and alike.is_of(message, id_start, id_end):
                message_id = int.from_bytes(message[id_start + 2 : id_end], "big")
                if not message_id or message_id in outstanding:
                    return None
                return self._answer(message, message_id, id_end, alike.spans, alike.template)
            return self._first_answer(message, outstanding)
        except Exception:  # whatever it is, the ordinary way meets it again, and tells
            return None

    def _first_answer(self, message: bytes, outstanding: Container[int]) -> bytes | None:
        """The answer to a request that is not like the last of its length."""
        parts = split(message)
        if parts is None or not parts[0] or parts[0] in outstanding:
            return None
        message_id, octets, id_end, spans = parts
        template = self._templates.get(octets)
        if template is None or not template.is_current:
            template = self._learn(octets, message, len(spans))
            if template is None:
                return None
        if len(self._likenesses) >= _MAX_TEMPLATES:
            self._likenesses.clear()
        self._likenesses[len(message) - id_end] = _likeness(message, id_end, spans, template)
        return self._answer(message, message_id, id_end, spans, template)

    def _answer(self, message: bytes, message_id: int, id_end: int, spans: Sequence[Span], template: _Template) -> bytes | None:
        plan = template.plan
        if len(spans) == 1:
            ((start, end),) = spans
            keys: Sequence[Key | None] = (plan.keys[0](message[id_end + start : id_end + end]),)
        else:
            values = [message[id_end + start : id_end + end] for start, end in spans]
            keys = [key(value) for key, value in zip(plan.keys, values, strict=True)]
        if None in keys:
            return None
        self._reader = template.reader
        rows = template.execute(plan.sql, (*plan.base, *keys)).fetchall()
        count = len(rows)
        if count > template.limit:
            return None
        self._statistics.operations["search", 0] += 1
        self._statistics.entries += count
        render = plan.render
        if count == 1:
            row = rows[0]
            return wrap(message_id, row[0] if render is None else render(row)) + search_done(message_id)
        found = [wrap(message_id, row[0] if render is None else render(row)) for row in rows]
        return b"".join(found) + search_done(message_id)

    def _learn(self, octets: bytes, message: bytes, values: int) -> _Template | None:
        """What the ordinary way would do with such a request; None when it needs the ordinary way each time."""
        if octets in self._templates and self._templates[octets] is None:
            return None
        if len(self._templates) >= _MAX_TEMPLATES:
            self._templates.clear()
        template = self._templates[octets] = self._prepare(message, values)
        return template

    def _prepare(self, message: bytes, values: int) -> _Template | None:
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
        return _Template(follower, searcher.reader, searcher.reader.generation, searcher.reader.point, plan, min(limits))


def of(services: Services, party: Party) -> FastPath | None:
    """The fast path of a party; None when it must not be taken."""
    if services.log_operations or not party.access.is_everything:
        return None
    key = (party.views, party.access)
    known = services.fast_paths.get(key)
    if known is None:
        known = services.fast_paths[key] = FastPath(services, party)
    return known
