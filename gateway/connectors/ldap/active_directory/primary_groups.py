"""Primary groups: their members stand in no link ([MS-SAMR] §3.1.1.8.2); only each user's primaryGroupID names the group."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.entry_search import EntrySearch
from gateway.connectors.ldap.active_directory.entry_to_delta import OBJECT_GUID, ActiveDirectoryEntryMapper
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.wire import filters

T = TypeVar("T")

TERMS_IN_A_FILTER: Final = 100  # a filter of 3 KB


class PrimaryGroups:
    """The memberships in primary groups, looked up on one session. Groups are named by their security identifiers (SID)."""

    def __init__(self, search: EntrySearch, mappers: Mapping[Kind, ActiveDirectoryEntryMapper]) -> None:
        self._search = search
        self._users = mappers.get(Kind.USER)
        self._groups = mappers.get(Kind.GROUP)

    def memberships(self, members_by_sid: Mapping[bytes, list[str]]) -> Iterator[Delta]:
        """Yield, for each of the groups that is in scope, a delta that adds these users (objectGUIDs) to it."""
        groups = self._groups
        if groups is None or not groups.links:
            return
        for sids in chunks(list(members_by_sid)):
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
        for guids in chunks([value for form, value in removed if form is ReferenceForm.ID]):
            matching = self._search.matching(self._users, _has_primary_group(sid), any_guid(guids))
            still_members |= {found.entry.guid for found in matching}
        return tuple(reference for reference in removed if reference.value not in still_members)


def any_guid(guids: Iterable[str]) -> filters.Filter:
    """Build the filter that matches entries with one of these objectGUIDs."""
    return filters.Or(tuple(filters.Equality(OBJECT_GUID, windows_values.guid_octets(guid)) for guid in guids))


def chunks(items: list[T]) -> Iterator[list[T]]:
    """Split `items` into lists of at most TERMS_IN_A_FILTER."""
    for start in range(0, len(items), TERMS_IN_A_FILTER):
        yield items[start : start + TERMS_IN_A_FILTER]


def _has_primary_group(sid: bytes) -> filters.Filter:
    return filters.Equality("primaryGroupID", str(windows_values.relative_id(sid)).encode())
