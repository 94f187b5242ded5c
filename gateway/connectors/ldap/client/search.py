"""Searches on a session: the root DSE, the schema, bases, and paged reads (RFC 2696)."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    Result,
    SearchRequest,
    SearchResultDone,
)
from gateway.wire.result_codes import ResultCode

NO_ATTRIBUTES: Final = ("1.1",)  # RFC 4511 §4.5.1.8
PROBE_ANSWER_SECONDS: Final = 10.0  # the root DSE is answered from memory; a living server is not busy for longer
EVERYTHING: Final = filters.Present("objectClass")


@dataclass(slots=True)
class SearchOutcome:
    """The final response of one search: `done` is set when the iterator of its entries has ended."""

    done: LDAPMessage | None = None

    @property
    def code(self) -> int:
        return self.result.code

    @property
    def result(self) -> Result:
        if self.done is None or not isinstance(self.done.operation, SearchResultDone):
            raise AssertionError("the search has not ended")
        return self.done.operation.result

    @property
    def controls(self) -> tuple[Control, ...]:
        return self.done.controls if self.done else ()


def execute(
    session: Session, request: SearchRequest, outcome: SearchOutcome, request_controls: tuple[Control, ...] = ()
) -> Iterator[bytes]:
    """Yield the entries of a search as whole messages; then `outcome` has the final response, whatever its code."""
    asked = session.send(request, request_controls)
    for data in session.messages():
        message_id, tag = session.envelope(data)
        if message_id != asked:
            session.defer(message_id, data)
            continue
        if tag == SEARCH_RESULT_ENTRY:
            yield data
        elif tag == SEARCH_RESULT_DONE:
            outcome.done = session.decode(data)
            return


def read_root_dse(session: Session, attributes: tuple[str, ...] = ("objectClass", "supportedControl")) -> dict[str, list[str]]:
    """Return the root DSE's values by lower-case attribute type; empty when the server shows none (RFC 4512 §5.1)."""
    found: dict[str, list[str]] = {}
    for data in execute(session, _base_search("", attributes), SearchOutcome()):
        for name, values in session.entry(data)[1]:
            found[name.lower()] = [value.decode(errors="replace") for value in values]
    return found


def read_attribute_types(session: Session) -> list[str]:
    """Return the definitions of attribute types in the subschema that the root DSE names; none when they are not shown."""
    named: list[str] = []
    for data in execute(session, _base_search("", ("subschemaSubentry",)), SearchOutcome()):
        named += [value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values]
    definitions: list[str] = []
    for name in named[:1]:
        for data in execute(session, _base_search(name, ("attributeTypes",)), SearchOutcome()):
            definitions += [value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values]
    return definitions


def probe(session: Session) -> int:
    """Send the cheapest request that a living server answers, and return its message ID; the answer arrives by
    `session.receive`."""
    return session.send(_base_search("", NO_ATTRIBUTES))


def require_life(session: Session) -> None:
    """Raise UpstreamUnavailable unless the server answers the cheapest request within PROBE_ANSWER_SECONDS. What arrives for
    open searches meanwhile is kept."""
    seconds = min(PROBE_ANSWER_SECONDS, session.answer_seconds)
    sent, until, done = probe(session), time.monotonic() + seconds, False
    while not done:
        messages = session.receive(until - time.monotonic())
        if not messages:
            raise silent(session, seconds)
        for data in messages:
            message_id, tag = session.envelope(data)
            done = done or (message_id == sent and tag == SEARCH_RESULT_DONE)
            session.defer(message_id, data)


def silent(session: Session, seconds: float) -> UpstreamUnavailable:
    """Return the error for a followed server that has not answered a probe."""
    what = f"followed, but silent for {seconds:.3g} s even when asked"
    return UpstreamUnavailable(session.place, what, "see whether the server hangs; it is tried again later")


def require_base(session: Session, base: str) -> None:
    """Raise UpstreamRefused when the base cannot be seen: a search above it would find nothing and return success."""
    outcome = SearchOutcome()
    seen = sum(1 for _ in execute(session, _base_search(base, NO_ATTRIBUTES), outcome))
    if outcome.code != ResultCode.SUCCESS:
        raise refusal(session.place, f"base {base} cannot be read", outcome.result, SEARCH_CURES)
    if not seen:
        raise UpstreamRefused(session.place, f"base {base} is not shown", "give bind_dn the right to see it")


def require_success(session: Session, mapper: EntryMapper, outcome: SearchOutcome) -> None:
    """Raise UpstreamRefused or UpstreamUnavailable for any code but success: a partial answer is no answer."""
    if outcome.code != ResultCode.SUCCESS:
        settings = mapper.settings
        what = f"reading {mapper.kind}s below {settings.search_base!r} with {settings.filter} failed"
        raise refusal(session.place, what, outcome.result, SEARCH_CURES)


def kind_entries(
    session: Session, mapper: EntryMapper, attributes: tuple[str, ...], base: str, page_size: int | None
) -> Iterator[bytes]:
    """Yield the kind's entries below `base` as whole messages, in pages when `page_size` is given. Raises as
    `require_success`."""
    request = subtree_search(mapper, base, attributes)
    return paged(session, request, page_size, lambda outcome: require_success(session, mapper, outcome))


def paged(
    session: Session,
    request: SearchRequest,
    page_size: int | None,
    require: Callable[[SearchOutcome], None],
    further_controls: tuple[Control, ...] = (),
) -> Iterator[bytes]:
    """Yield the entries of a search as whole messages, in pages of `page_size` entries when it is given.

    `require` is called after each page and raises for an outcome that is not acceptable. `further_controls` go with each
    request.
    """
    cookie = b""
    while True:
        outcome = SearchOutcome()
        paging = () if page_size is None else (_paging(page_size, cookie),)
        yield from execute(session, request, outcome, (*paging, *further_controls))
        require(outcome)
        cookie = _next_page(session, outcome)
        if not cookie:
            return


def subtree_search(mapper: EntryMapper, base: str, attributes: tuple[str, ...], size_limit: int = 0) -> SearchRequest:
    """Build the search for one kind's entries below `base`."""
    kind_filter = filters.parse(mapper.settings.filter)
    return SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, size_limit, 0, False, kind_filter, attributes)


def object_classes(session: Session, base: str, limit: int) -> list[str]:
    """Return the object classes of the first `limit` entries below `base`, the most frequent first; none when they cannot be
    read."""
    request = SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, limit, 0, False, EVERYTHING, ("objectClass",))
    found: Counter[str] = Counter()
    for data in execute(session, request, SearchOutcome()):
        for _, values in session.entry(data)[1]:
            found.update(value.decode(errors="replace") for value in values)
    return [name for name, _ in found.most_common() if name.lower() != "top"]


def deltas(session: Session, mapper: EntryMapper, page_size: int | None) -> Iterator[Delta]:
    """Yield every entry of the kind that is in scope, as an upsert."""
    for data in kind_entries(session, mapper, mapper.identified_attributes, mapper.settings.search_base, page_size):
        delta = mapper.to_delta(*session.entry(data))
        if delta is not None:
            yield delta


def _paging(page_size: int, cookie: bytes) -> Control:
    return controls.control(controls.PagedResults(page_size, cookie), criticality=True)


def _next_page(session: Session, outcome: SearchOutcome) -> bytes:
    """Return the cookie of the next page; empty after the last one."""
    try:
        paged = controls.find(outcome.controls, controls.PagedResults)
    except WireError as error:
        cure = "see what the server is"
        raise UpstreamUnavailable(session.place, f"the paged results control is malformed ({error})", cure) from None
    return paged.cookie if paged else b""


def _base_search(base: str, attributes: tuple[str, ...]) -> SearchRequest:
    return SearchRequest(base, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, EVERYTHING, attributes)
