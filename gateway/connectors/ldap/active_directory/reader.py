"""Reading entries of a domain: everything, or again those that have changed and what hangs on them. Scope and filter are judged
by the controller and by the whole entry, never by what a change happened to tell.

Nothing is asked while another answer is still arriving: what must be asked about an entry waits until its search has ended."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.change_tracker import Change, Changes
from gateway.connectors.ldap.active_directory.controller import DomainController
from gateway.connectors.ldap.active_directory.entry_to_delta import (
    OBJECT_GUID,
    ActiveDirectoryEntry,
    ActiveDirectoryEntryMapper,
    pointers,
)
from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.wire import controls, filters
from gateway.wire.messages import BASE_OBJECT, NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

T = TypeVar("T")

GUIDS_IN_A_FILTER: Final = 100  # a filter of 3 KB
_EXTENDED = controls.control(controls.ExtendedDN(), criticality=True)
_RANGE = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)


class _Found(NamedTuple):
    """An entry, and of a group the values of its links: those that came, and which attributes have more, from which on."""

    entry: ActiveDirectoryEntry
    members: list[bytes]
    rest: list[tuple[str, int]]


class ControllerReader:
    """All reading on one session. `note`: is told of every user that is read."""

    def __init__(
        self,
        session: Session,
        settings: ActiveDirectorySettings,
        controller: DomainController,
        now: Callable[[], datetime],
        note: Callable[[ActiveDirectoryEntry], None],
    ) -> None:
        self._session = session
        self._page_size = settings.page_size
        self._controller = controller
        self._note = note
        self.readers = {kind.kind: ActiveDirectoryEntryMapper(settings.id, kind, now) for kind in settings.ordered_kinds}

    def everything(self) -> Iterator[Delta]:
        """All that is in scope: organizations, users, groups."""
        primary: defaultdict[bytes, list[str]] = defaultdict(list)
        for kind, reader in self.readers.items():
            for base in reader.settings.top_bases:
                for found in self._search(reader, base, links=True):
                    if found.entry.delta is None:
                        continue
                    if kind is Kind.USER and found.entry.primary_group:
                        primary[found.entry.primary_group].append(found.entry.guid)
                    yield _with_members(reader, found, found.entry.delta, primary.get(found.entry.sid, ()))

    def present(self) -> Iterator[Delta]:
        """The ids of all that is in scope."""
        for reader in self.readers.values():
            for base in reader.settings.top_bases:
                request = self._request(base, filters.parse(reader.settings.filter), (OBJECT_GUID,))
                for data in self._paged(reader, request):
                    object_name, attributes = self._session.entry(data)
                    if attributes and reader.settings.contains(object_name.decode(errors="replace")):
                        yield reader.present(windows_values.guid_text(attributes[0][1][0]))

    def again(self, changes: Changes) -> Iterator[Delta]:
        """What has become of these entries. What is not in scope (any more) is reported as gone: who knows whether it was."""
        for guid in changes.gone:
            yield from (reader.deleted(guid) for reader in self.readers.values())
        missing, leaves = dict(changes.changed), set()
        primary: defaultdict[bytes, list[str]] = defaultdict(list)
        for kind, reader in self.readers.items():
            for found in self._by_guid(reader, changes.changed):
                guid = found.entry.guid
                missing.pop(guid, None)
                if kind is not Kind.ORGANIZATION:
                    leaves.add(guid)
                if found.entry.delta is not None and found.entry.primary_group and changes.changed[guid].primary:
                    primary[found.entry.primary_group].append(guid)
                yield self._told(reader, found, changes.changed[guid])
        for guid in missing:
            yield from (reader.deleted(guid) for reader in self.readers.values())
        for change in changes.changed.values():
            if change.moved and change.guid not in leaves:
                yield from self._below(change.guid, primary)
        yield from self._primary_members(primary)

    def expiring(self, after: int, until: int) -> list[ActiveDirectoryEntry]:
        """The users in scope whose accounts expire in this time, which is told in ticks."""
        reader = self.readers.get(Kind.USER)
        if reader is None:
            return []
        between = (
            filters.GreaterOrEqual("accountExpires", str(after).encode()),
            filters.LessOrEqual("accountExpires", str(until).encode()),
        )
        return [found.entry for found in self._matching(reader, *between) if found.entry.delta is not None]

    def _told(self, reader: ActiveDirectoryEntryMapper, found: _Found, change: Change) -> Delta:
        delta = found.entry.delta
        if delta is None:
            return reader.deleted(found.entry.guid)
        if change.whole or not reader.links:
            return _with_members(reader, found, delta, self._primary_of(found.entry.sid) if reader.links else ())
        removed = self._without_primary(found.entry.sid, change.removed)
        added = {MEMBERS: change.added} if change.added else {}
        return replace(delta, added=added, removed={MEMBERS: removed} if removed else {})

    def _by_guid(self, reader: ActiveDirectoryEntryMapper, changed: dict[str, Change]) -> Iterator[_Found]:
        """Those of the entries that the kind's filter matches."""
        for links in (False, True):
            guids = [guid for guid, change in changed.items() if (change.whole and bool(reader.links)) is links]
            for chunk in _chunks(guids):
                yield from self._matching(reader, _one_of(chunk), links=links)

    def _matching(self, reader: ActiveDirectoryEntryMapper, *wanted: filters.Filter, links: bool = False) -> list[_Found]:
        """The entries of the kind, anywhere in the naming contexts of its bases, that match this too."""
        narrowed = filters.And((filters.parse(reader.settings.filter), *wanted))
        contexts = self._controller.contexts_of(reader.settings)
        return [found for context in contexts for found in self._search(reader, context, narrowed, links=links)]

    def _below(self, guid: str, primary: defaultdict[bytes, list[str]]) -> Iterator[Delta]:
        """Everything below an entry that may have been moved: it has new names, or has come into scope or left it."""
        for kind, reader in self.readers.items():
            for found in list(self._search(reader, f"<GUID={guid}>", links=True, may_be_gone=True)):
                if found.entry.guid == guid:
                    continue
                if kind is Kind.USER and found.entry.delta is not None and found.entry.primary_group:
                    primary[found.entry.primary_group].append(found.entry.guid)
                yield self._told(reader, found, Change(found.entry.guid, ""))

    # Primary groups: their members stand in no link ([MS-SAMR] §3.1.1.8.2), only each user's primaryGroupID tells.

    def _primary_members(self, primary: dict[bytes, list[str]]) -> Iterator[Delta]:
        """That these users are members of the groups, for those groups that are in scope."""
        reader = self.readers.get(Kind.GROUP)
        if reader is None or not reader.links:
            return
        for chunk in _chunks(list(primary)):
            for found in self._matching(reader, filters.Or(tuple(filters.Equality("objectSid", sid) for sid in chunk))):
                if found.entry.delta is not None:
                    members = tuple(Reference(ReferenceForm.ID, guid) for guid in primary[found.entry.sid])
                    yield Delta(DeltaType.UPSERT, Kind.GROUP, found.entry.guid, added={MEMBERS: members})

    def _primary_of(self, sid: bytes) -> list[str]:
        """The users in scope whose primary group it is."""
        reader = self.readers.get(Kind.USER)
        if reader is None or not sid:
            return []
        matching = self._matching(reader, filters.Equality("primaryGroupID", str(windows_values.relative_id(sid)).encode()))
        return [found.entry.guid for found in matching if found.entry.delta is not None and found.entry.primary_group == sid]

    def _without_primary(self, sid: bytes, removed: tuple[Reference, ...]) -> tuple[Reference, ...]:
        """Without those who left the link because the group has become their primary one."""
        reader = self.readers.get(Kind.USER)
        if reader is None or not removed or not sid:
            return removed
        still: set[str] = set()
        group = filters.Equality("primaryGroupID", str(windows_values.relative_id(sid)).encode())
        for chunk in _chunks([value for form, value in removed if form is ReferenceForm.ID]):
            still |= {found.entry.guid for found in self._matching(reader, group, _one_of(chunk))}
        return tuple(reference for reference in removed if reference.value not in still)

    # Searches

    def _search(
        self,
        reader: ActiveDirectoryEntryMapper,
        base: str,
        wanted: filters.Filter | None = None,
        *,
        links: bool = False,
        may_be_gone: bool = False,
    ) -> Iterator[_Found]:
        """The entries of a kind below `base`, those of groups with all values of their `links`."""
        telling = reader.links if links else ()
        request = self._request(
            base, wanted or filters.parse(reader.settings.filter), (*reader.identified_attributes, *telling)
        )
        long: list[_Found] = []
        for data in self._paged(reader, request, may_be_gone=may_be_gone, extended=bool(telling)):
            found = self._found(reader, telling, *self._session.entry(data))
            if found.rest:
                long.append(found)
            else:
                yield found
        for found in long:
            for link, start in found.rest:
                found.members.extend(self._rest(reader, found.entry.guid, link, start))
            yield found

    def _found(
        self,
        reader: ActiveDirectoryEntryMapper,
        links: tuple[str, ...],
        object_name: bytes,
        attributes: list[tuple[str, list[bytes]]],
    ) -> _Found:
        entry = reader.entry(object_name, attributes)
        if reader.kind is Kind.USER:
            self._note(entry)
        members, rest = _linked(links, attributes) if links else ([], [])
        return _Found(entry, members, rest)

    def _rest(self, reader: ActiveDirectoryEntryMapper, guid: str, link: str, start: int) -> Iterator[bytes]:
        """The values of a link from the one with this number on, which the controller gives in ranges ([MS-ADTS]
        §3.1.1.3.1.3.3)."""
        next_one: int | None = start
        while next_one is not None:
            wanted = (f"{link};range={next_one}-*",)
            request = SearchRequest(f"<GUID={guid}>", BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, wanted)
            next_one = None
            for data in list(self._paged(reader, request, may_be_gone=True, extended=True)):
                values, rest = _linked((link,), self._session.entry(data)[1])
                yield from values
                next_one = rest[0][1] if rest and values else None

    def _paged(
        self, reader: ActiveDirectoryEntryMapper, request: SearchRequest, *, may_be_gone: bool = False, extended: bool = False
    ) -> Iterator[bytes]:
        def judge(found: search.Found) -> None:
            gone = may_be_gone and found.code == ResultCode.NO_SUCH_OBJECT
            if found.code != ResultCode.SUCCESS and not gone:
                what = f"reading {reader.kind}s below {request.base_object!r} with {reader.settings.filter} failed"
                raise refusal(self._session.place, what, found.result.result, SEARCH_CURES)

        page_size = self._page_size if request.scope == WHOLE_SUBTREE else None
        return search.paged(self._session, request, page_size, judge, (_EXTENDED,) if extended else ())

    @staticmethod
    def _request(base: str, wanted: filters.Filter, attributes: tuple[str, ...]) -> SearchRequest:
        return SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, wanted, attributes)


def _with_members(reader: ActiveDirectoryEntryMapper, found: _Found, delta: Delta, primary: Iterable[str]) -> Delta:
    """The entry with all its members."""
    if not reader.links:
        return delta
    said = dict.fromkeys((*pointers(found.members), *(Reference(ReferenceForm.ID, guid) for guid in primary)))
    return replace(delta, references={**delta.references, MEMBERS: tuple(said)})


def _linked(links: tuple[str, ...], attributes: list[tuple[str, list[bytes]]]) -> tuple[list[bytes], list[tuple[str, int]]]:
    """The values of the links in an entry, and which links have more, from which number on."""
    wanted = {link.lower() for link in links}
    members: list[bytes] = []
    rest: list[tuple[str, int]] = []
    for description, values in attributes:
        matched = _RANGE.fullmatch(description)
        name = matched[1] if matched else description
        if name.lower() in wanted:
            members += values
            if matched and matched[3] != "*":
                rest.append((name, int(matched[3]) + 1))
    return members, rest


def _one_of(guids: Iterable[str]) -> filters.Filter:
    return filters.Or(tuple(filters.Equality(OBJECT_GUID, windows_values.guid_octets(guid)) for guid in guids))


def _chunks(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), GUIDS_IN_A_FILTER):
        yield items[start : start + GUIDS_IN_A_FILTER]
