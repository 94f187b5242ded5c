"""Reading the entries of a domain as deltas: everything, or those that have changed and what depends on them. Scope and filter
are judged by the controller and by the whole entry, never by the reported part of a change."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeSet, EntryChange
from gateway.connectors.ldap.active_directory.controller import DomainController
from gateway.connectors.ldap.active_directory.entry_search import EntrySearch, FoundEntry
from gateway.connectors.ldap.active_directory.entry_to_delta import (
    OBJECT_GUID,
    ActiveDirectoryEntry,
    ActiveDirectoryEntryMapper,
    link_references,
)
from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings
from gateway.connectors.ldap.client.session import Session
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.wire import filters

T = TypeVar("T")

TERMS_IN_A_FILTER: Final = 100  # a filter of 3 KB

_MembersBySid = defaultdict[bytes, list[str]]
"""Users (objectGUIDs) by the security identifier of their primary group."""


class ControllerReader:
    """All reading of entries on one session. `on_user` is called with every user that is read."""

    def __init__(
        self,
        session: Session,
        settings: ActiveDirectorySettings,
        controller: DomainController,
        now: Callable[[], datetime],
        on_user: Callable[[ActiveDirectoryEntry], None],
    ) -> None:
        self.mappers = {
            kind.kind: ActiveDirectoryEntryMapper(settings.id, kind, now, controller.lockout) for kind in settings.ordered_kinds
        }
        self._search = EntrySearch(session, settings.page_size, controller, on_user)
        self._primary_groups = _PrimaryGroups(self._search, self.mappers)

    def everything(self) -> Iterator[Delta]:
        """Yield all entries in scope as upserts: organizations, users, groups."""
        primary: _MembersBySid = defaultdict(list)
        for mapper in self.mappers.values():
            for base in mapper.settings.top_bases:
                for found in self._search.below(mapper, base, links=True):
                    if found.entry.delta is None:
                        continue
                    _add_primary(primary, found.entry)
                    yield _with_members(mapper, found, found.entry.delta, primary.get(found.entry.sid, ()))

    def present(self) -> Iterator[Delta]:
        """Yield a delta of type PRESENT for each entry in scope."""
        for mapper in self.mappers.values():
            for base in mapper.settings.top_bases:
                yield from (mapper.present(guid) for guid in self._search.guids(mapper, base))

    def changed(self, changes: ChangeSet) -> Iterator[Delta]:
        """Yield the present state of the changed entries, of the entries below moved ones, and of primary groups.

        An entry that is not in scope is reported as deleted, because it may have been in scope before.
        """
        for guid in changes.deleted:
            yield from self._deleted(guid)
        missing, leaves = dict(changes.changed), set()
        primary: _MembersBySid = defaultdict(list)
        for kind, mapper in self.mappers.items():
            for found in self._by_guid(mapper, changes.changed):
                guid = found.entry.guid
                missing.pop(guid, None)
                if kind is not Kind.ORGANIZATION:
                    leaves.add(guid)
                if changes.changed[guid].primary_group_changed:
                    _add_primary(primary, found.entry)
                yield self._delta(mapper, found, changes.changed[guid])
        for guid in missing:
            yield from self._deleted(guid)
        for change in changes.changed.values():
            if change.moved and change.guid not in leaves:
                yield from self._below(change.guid, primary)
        yield from self._primary_groups.memberships(primary)

    def expiring(self, after: int, until: int) -> list[ActiveDirectoryEntry]:
        """Return the users in scope whose accounts expire between these moments (FILETIME ticks)."""
        mapper = self.mappers.get(Kind.USER)
        if mapper is None:
            return []
        between = (
            filters.GreaterOrEqual("accountExpires", str(after).encode()),
            filters.LessOrEqual("accountExpires", str(until).encode()),
        )
        return [found.entry for found in self._search.matching(mapper, *between) if found.entry.delta is not None]

    def _deleted(self, guid: str) -> Iterator[Delta]:
        """Yield a deletion for every kind: the kind of a deleted entry is not known."""
        return (mapper.deleted(guid) for mapper in self.mappers.values())

    def _delta(self, mapper: ActiveDirectoryEntryMapper, found: FoundEntry, change: EntryChange) -> Delta:
        delta = found.entry.delta
        if delta is None:
            return mapper.deleted(found.entry.guid)
        if not mapper.links:
            return delta
        if change.whole:
            return _with_members(mapper, found, delta, self._primary_groups.members(found.entry.sid))
        removed = self._primary_groups.without_members(found.entry.sid, change.removed)
        added = {MEMBERS: change.added} if change.added else {}
        return replace(delta, added=added, removed={MEMBERS: removed} if removed else {})

    def _by_guid(self, mapper: ActiveDirectoryEntryMapper, changed: dict[str, EntryChange]) -> Iterator[FoundEntry]:
        """Yield those of the changed entries that the kind's filter matches."""
        for links in (False, True):
            guids = [guid for guid, change in changed.items() if (change.whole and bool(mapper.links)) is links]
            for some in _chunks(guids):
                yield from self._search.matching(mapper, _any_guid(some), links=links)

    def _below(self, guid: str, primary: _MembersBySid) -> Iterator[Delta]:
        """Yield everything below an entry that may have been moved: it has new DNs, or has come into scope or left it."""
        for mapper in self.mappers.values():
            for found in list(self._search.below(mapper, f"<GUID={guid}>", links=True, may_be_missing=True)):
                if found.entry.guid != guid:
                    _add_primary(primary, found.entry)
                    yield self._delta(mapper, found, EntryChange(found.entry.guid, ""))


def _add_primary(primary: _MembersBySid, entry: ActiveDirectoryEntry) -> None:
    if entry.delta is not None and entry.primary_group:
        primary[entry.primary_group].append(entry.guid)


def _with_members(mapper: ActiveDirectoryEntryMapper, found: FoundEntry, delta: Delta, primary: Iterable[str]) -> Delta:
    """Return the delta with all members: those of the link and the users whose primary group it is."""
    if not mapper.links:
        return delta
    members = dict.fromkeys((*link_references(found.members), *(Reference(ReferenceForm.ID, guid) for guid in primary)))
    return replace(delta, references={**delta.references, MEMBERS: tuple(members)})


class _PrimaryGroups:
    """The memberships in primary groups, looked up on one session: they stand in no link ([MS-SAMR] §3.1.1.8.2), only each
    user's primaryGroupID names the group. Groups are named by their security identifiers (SID)."""

    def __init__(self, search: EntrySearch, mappers: Mapping[Kind, ActiveDirectoryEntryMapper]) -> None:
        self._search = search
        self._users = mappers.get(Kind.USER)
        self._groups = mappers.get(Kind.GROUP)

    def memberships(self, members_by_sid: Mapping[bytes, list[str]]) -> Iterator[Delta]:
        """Yield, for each of the groups that is in scope, a delta that adds these users (objectGUIDs) to it."""
        groups = self._groups
        if groups is None or not groups.links:
            return
        for sids in _chunks(list(members_by_sid)):
            for found in self._search.matching(groups, filters.Or(tuple(filters.Equality("objectSid", sid) for sid in sids))):
                if found.entry.delta is not None:
                    members = tuple(Reference(ReferenceForm.ID, guid) for guid in members_by_sid[found.entry.sid])
                    yield Delta(DeltaType.UPSERT, Kind.GROUP, found.entry.guid, added={MEMBERS: members})

    def members(self, sid: bytes) -> list[str]:
        """Return the objectGUIDs of the users in scope whose primary group it is."""
        if self._users is None or not sid:
            return []
        matching = self._search.matching(self._users, _has_primary_group(sid))
        return [found.entry.guid for found in matching if found.entry.delta is not None and found.entry.primary_group == sid]

    def without_members(self, sid: bytes, removed: tuple[Reference, ...]) -> tuple[Reference, ...]:
        """Return `removed` without the users who left the link because the group has become their primary one."""
        if self._users is None or not removed or not sid:
            return removed
        still_members: set[str] = set()
        for guids in _chunks([value for form, value in removed if form is ReferenceForm.ID]):
            matching = self._search.matching(self._users, _has_primary_group(sid), _any_guid(guids))
            still_members |= {found.entry.guid for found in matching}
        return tuple(reference for reference in removed if reference.value not in still_members)


def _any_guid(guids: Iterable[str]) -> filters.Filter:
    """Build the filter that matches entries with one of these objectGUIDs."""
    return filters.Or(tuple(filters.Equality(OBJECT_GUID, windows_values.guid_octets(guid)) for guid in guids))


def _chunks(items: list[T]) -> Iterator[list[T]]:
    """Split `items` into lists of at most TERMS_IN_A_FILTER."""
    for start in range(0, len(items), TERMS_IN_A_FILTER):
        yield items[start : start + TERMS_IN_A_FILTER]


def _has_primary_group(sid: bytes) -> filters.Filter:
    return filters.Equality("primaryGroupID", str(windows_values.relative_id(sid)).encode())
