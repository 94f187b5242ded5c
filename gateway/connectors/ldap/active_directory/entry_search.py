"""Searches for the entries of one kind on a domain controller: paged, narrowed by a filter, and for groups with all values of
their links.

No request is sent while another answer is still arriving: the further ranges of a link are requested when its search has
ended."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.controller import DomainController
from gateway.connectors.ldap.active_directory.entry_to_delta import (
    OBJECT_GUID,
    ActiveDirectoryEntry,
    ActiveDirectoryEntryMapper,
)
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.model.objects import Kind
from gateway.wire import controls, filters
from gateway.wire.messages import BASE_OBJECT, NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

_EXTENDED_DN: Final = controls.control(controls.ExtendedDN(), criticality=True)
_RANGE: Final = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)


class FoundEntry(NamedTuple):
    """An entry, and the values of its links when they were requested. `unfinished`: the links with more values, and the number
    of the first value that is missing."""

    entry: ActiveDirectoryEntry
    members: list[bytes]
    unfinished: list[tuple[str, int]]


class EntrySearch:
    """The searches on one session. `on_user` is called with every user that is read."""

    def __init__(
        self,
        session: Session,
        page_size: int,
        controller: DomainController,
        on_user: Callable[[ActiveDirectoryEntry], None],
    ) -> None:
        self._session = session
        self._page_size = page_size
        self._controller = controller
        self._on_user = on_user

    def below(
        self,
        mapper: ActiveDirectoryEntryMapper,
        base: str,
        entry_filter: filters.Filter | None = None,
        *,
        links: bool = False,
        may_be_missing: bool = False,
    ) -> Iterator[FoundEntry]:
        """Yield the entries of a kind below `base` (the kind's filter without `entry_filter`), with all values of their links
        when `links` is set. Raises UpstreamRefused, UpstreamUnavailable; `may_be_missing`: a base that is gone is empty."""
        requested = mapper.links if links else ()
        entry_filter = entry_filter or filters.parse(mapper.settings.filter)
        request = _subtree_search(base, entry_filter, (*mapper.identified_attributes, *requested))
        unfinished: list[FoundEntry] = []
        for data in self._paged(mapper, request, may_be_missing=may_be_missing, extended_dn=bool(requested)):
            found = self._found(mapper, requested, *self._session.entry(data))
            if found.unfinished:
                unfinished.append(found)
            else:
                yield found
        for found in unfinished:
            for link, start in found.unfinished:
                found.members.extend(self._further_values(mapper, found.entry.guid, link, start))
            yield found

    def matching(
        self, mapper: ActiveDirectoryEntryMapper, *conditions: filters.Filter, links: bool = False
    ) -> list[FoundEntry]:
        """Return the entries of a kind that match all `conditions` too, anywhere in the naming contexts of its bases."""
        narrowed = filters.And((filters.parse(mapper.settings.filter), *conditions))
        contexts = self._controller.contexts_of(mapper.settings)
        return [found for context in contexts for found in self.below(mapper, context, narrowed, links=links)]

    def guids(self, mapper: ActiveDirectoryEntryMapper, base: str) -> Iterator[str]:
        """Yield the objectGUIDs of the kind's entries below `base` that are in scope."""
        request = _subtree_search(base, filters.parse(mapper.settings.filter), (OBJECT_GUID,))
        for data in self._paged(mapper, request):
            object_name, attributes = self._session.entry(data)
            if attributes and mapper.settings.contains(object_name.decode(errors="replace")):
                yield windows_values.guid_text(attributes[0][1][0])

    def _found(
        self,
        mapper: ActiveDirectoryEntryMapper,
        links: tuple[str, ...],
        object_name: bytes,
        attributes: list[tuple[str, list[bytes]]],
    ) -> FoundEntry:
        entry = mapper.to_entry(object_name, attributes)
        if mapper.kind is Kind.USER:
            self._on_user(entry)
        members, unfinished = _link_values(links, attributes) if links else ([], [])
        return FoundEntry(entry, members, unfinished)

    def _further_values(self, mapper: ActiveDirectoryEntryMapper, guid: str, link: str, start: int) -> Iterator[bytes]:
        """Yield the values of a link from the one numbered `start` on; the controller returns them in ranges ([MS-ADTS]
        §3.1.1.3.1.3.3)."""
        first: int | None = start
        while first is not None:
            wanted = (f"{link};range={first}-*",)
            request = SearchRequest(f"<GUID={guid}>", BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, wanted)
            first = None
            for data in list(self._paged(mapper, request, may_be_missing=True, extended_dn=True)):
                values, unfinished = _link_values((link,), self._session.entry(data)[1])
                yield from values
                first = unfinished[0][1] if unfinished and values else None

    def _paged(
        self,
        mapper: ActiveDirectoryEntryMapper,
        request: SearchRequest,
        *,
        may_be_missing: bool = False,
        extended_dn: bool = False,
    ) -> Iterator[bytes]:
        def require(outcome: search.SearchOutcome) -> None:
            is_missing = may_be_missing and outcome.code == ResultCode.NO_SUCH_OBJECT
            if outcome.code != ResultCode.SUCCESS and not is_missing:
                what = f"reading {mapper.kind}s below {request.base_object!r} with {mapper.settings.filter} failed"
                raise refusal(self._session.place, what, outcome.result, SEARCH_CURES)

        page_size = self._page_size if request.scope == WHOLE_SUBTREE else None
        return search.paged(self._session, request, page_size, require, (_EXTENDED_DN,) if extended_dn else ())


def _subtree_search(base: str, entry_filter: filters.Filter, attributes: tuple[str, ...]) -> SearchRequest:
    return SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, entry_filter, attributes)


def _link_values(
    links: tuple[str, ...], attributes: list[tuple[str, list[bytes]]]
) -> tuple[list[bytes], list[tuple[str, int]]]:
    """Return the values of the links in an entry; and the links with more values, with the number of the next one."""
    wanted = {link.lower() for link in links}
    members: list[bytes] = []
    unfinished: list[tuple[str, int]] = []
    for description, values in attributes:
        matched = _RANGE.fullmatch(description)
        name = matched[1] if matched else description
        if name.lower() in wanted:
            members += values
            if matched and matched[3] != "*":
                unfinished.append((name, int(matched[3]) + 1))
    return members, unfinished
