"""Plain searches on a session: root DSE, bases, counts, and the paged full read (RFC 2696)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.connectors.ldap.client.entry_mapper import EntryMapper
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamRefused, UpstreamUnavailable, refusal
from gateway.connectors.ldap.client.session import SEARCH_RESULT_DONE, SEARCH_RESULT_ENTRY, Session
from gateway.model.deltas import Delta
from gateway.wire import controls, filters
from gateway.wire.errors import WireError
from gateway.wire.messages import (
    BASE_OBJECT,
    NEVER_DEREF_ALIASES,
    WHOLE_SUBTREE,
    Control,
    LDAPMessage,
    SearchRequest,
    SearchResultDone,
)
from gateway.wire.result_codes import ResultCode

NO_ATTRIBUTES: Final = ("1.1",)  # RFC 4511 §4.5.1.8
EVERYTHING: Final = filters.Present("objectClass")


@dataclass(slots=True)
class Found:
    """What one search gave: entries as they come, then the final response in `done`."""

    done: LDAPMessage | None = field(default=None)

    @property
    def code(self) -> int:
        return self.result.result.code

    @property
    def result(self) -> SearchResultDone:
        if self.done is None or not isinstance(self.done.operation, SearchResultDone):
            raise AssertionError("the search has not ended")
        return self.done.operation


def search(session: Session, request: SearchRequest, found: Found, wanted: tuple[Control, ...] = ()) -> Iterator[bytes]:
    """The entries as whole messages. When the iterator has ended, `found` has the final response, whatever its code."""
    asked = session.send(request, wanted)
    for data in session.messages():
        message_id, tag = session.envelope(data)
        if message_id != asked:
            session.put_aside(message_id, data)
            continue
        if tag == SEARCH_RESULT_ENTRY:
            yield data
        elif tag == SEARCH_RESULT_DONE:
            found.done = session.decode(data)
            return


def root_dse(session: Session, wanted: tuple[str, ...] = ("objectClass", "supportedControl")) -> dict[str, list[str]]:
    """The root DSE's values by lower-case attribute type; empty when the server shows none (RFC 4512 §5.1)."""
    found: dict[str, list[str]] = {}
    for data in search(session, _base_search("", wanted), Found()):
        for name, values in session.entry(data)[1]:
            found[name.lower()] = [value.decode(errors="replace") for value in values]
    return found


def subschema(session: Session) -> list[str]:
    """The definitions of attribute types in the subschema that the root DSE names; none when they are not shown."""
    named: list[str] = []
    for data in search(session, _base_search("", ("subschemaSubentry",)), Found()):
        named += [value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values]
    definitions: list[str] = []
    for name in named[:1]:
        for data in search(session, _base_search(name, ("attributeTypes",)), Found()):
            definitions += [value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values]
    return definitions


def probe(session: Session) -> None:
    """Send the cheapest request that a living server answers; the answer is for who reads the session."""
    session.send(_base_search("", NO_ATTRIBUTES))


def require_base(session: Session, base: str) -> None:
    """Raises UpstreamRefused when the base cannot be seen: a search above it would find nothing and say success."""
    found = Found()
    seen = sum(1 for _ in search(session, _base_search(base, NO_ATTRIBUTES), found))
    if found.code != ResultCode.SUCCESS:
        raise refusal(session.place, f"base {base} cannot be read", found.result.result, SEARCH_CURES)
    if not seen:
        raise UpstreamRefused(session.place, f"base {base} is not shown", "give bind_dn the right to see it")


def require_success(session: Session, mapper: EntryMapper, found: Found) -> None:
    """A partial answer is never taken for a whole one."""
    if found.code != ResultCode.SUCCESS:
        settings = mapper.settings
        what = f"reading {mapper.kind}s below {settings.search_base!r} with {settings.filter} failed"
        raise refusal(session.place, what, found.result.result, SEARCH_CURES)


def entries(
    session: Session, mapper: EntryMapper, attributes: tuple[str, ...], base: str, page_size: int | None
) -> Iterator[bytes]:
    """All entries below `base` as whole messages, in pages when `page_size` is given. Raises as `require_success`."""
    request = subtree_search(mapper, base, attributes)
    return paged(session, request, page_size, lambda found: require_success(session, mapper, found))


def paged(
    session: Session,
    request: SearchRequest,
    page_size: int | None,
    judge: Callable[[Found], None],
    beside: tuple[Control, ...] = (),
) -> Iterator[bytes]:
    """The entries of a search as whole messages, in pages when `page_size` is given; `judge` raises for an end that is none.
    `beside`: what else goes with each request."""
    cookie = b""
    while True:
        found = Found()
        paging = () if page_size is None else (_paging(page_size, cookie),)
        yield from search(session, request, found, (*paging, *beside))
        judge(found)
        cookie = _next_page(session, found)
        if not cookie:
            return


def subtree_search(mapper: EntryMapper, base: str, attributes: tuple[str, ...], size_limit: int = 0) -> SearchRequest:
    """The search for one kind's entries below `base`."""
    wanted = filters.parse(mapper.settings.filter)
    return SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, size_limit, 0, False, wanted, attributes)


def deltas(session: Session, mapper: EntryMapper, page_size: int | None) -> Iterator[Delta]:
    """Every entry of the kind that is in scope, as an upsert."""
    for data in entries(session, mapper, mapper.identified_attributes, mapper.settings.search_base, page_size):
        delta = mapper.to_delta(*session.entry(data))
        if delta is not None:
            yield delta


def _paging(page_size: int, cookie: bytes) -> Control:
    return controls.control(controls.PagedResults(page_size, cookie), criticality=True)


def _next_page(session: Session, found: Found) -> bytes:
    """The cookie of the next page; empty after the last one."""
    try:
        paged = controls.find(found.done.controls, controls.PagedResults) if found.done else None
    except WireError as error:
        cure = "see what the server is"
        raise UpstreamUnavailable(session.place, f"the paged results control is malformed ({error})", cure) from None
    return paged.cookie if paged else b""


def _base_search(base: str, attributes: tuple[str, ...]) -> SearchRequest:
    return SearchRequest(base, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, EVERYTHING, attributes)
