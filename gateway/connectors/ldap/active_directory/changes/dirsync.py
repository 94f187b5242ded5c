"""Changes by the DirSync control ([MS-ADTS] §3.1.1.3.4.1.3): one cookie for each naming context; links value by value.

An answer holds the changed attributes of each entry and nothing else; an attribute without values was removed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes.tracker import (
    ChangeSet,
    EntryChange,
    TrackerState,
    TrackingForbidden,
    WatermarkRefused,
)
from gateway.connectors.ldap.active_directory.entry_to_delta import OBJECT_GUID, ActiveDirectoryEntryMapper, link_references
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamUnavailable, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.model.records import ReferenceForm
from gateway.wire import controls, filters
from gateway.wire.controls import DirSync, DirSyncFlags
from gateway.wire.errors import WireError
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, Control, SearchRequest
from gateway.wire.result_codes import ResultCode

MAX_BYTES: Final = 1024 * 1024  # of one answer; Windows keeps to it about, Samba not at all
FLAGS: Final = DirSyncFlags.INCREMENTAL_VALUES | DirSyncFlags.ANCESTORS_FIRST
ONE_ANSWER_BYTES: Final = 1024  # one entry proves that the others are shown
NO_ENTRY: Final = filters.Equality(OBJECT_GUID, bytes(16))
"""A filter that matches no entry: the answer is only a cookie."""

_DELETED = filters.Equality("isDeleted", b"TRUE")
_TEMPORARY = frozenset({ResultCode.BUSY, ResultCode.UNAVAILABLE, ResultCode.TIME_LIMIT_EXCEEDED})
_RIGHTS = 'give bind_dn the right "Replicating Directory Changes" on the naming context, or set mode = "usn"'
_SHOW_DELETED = controls.control(controls.ShowDeleted())  # DirSync implies it: [MS-ADTS] §3.1.1.3.4.1.3
_EXTENDED_DN = controls.control(controls.ExtendedDN(), criticality=True)
_NAME_AND_PARENT = ("name", "parentGUID")
"""Both are reported when an entry is new, renamed or moved, and not otherwise."""

_ALWAYS_REQUESTED = (OBJECT_GUID, "isDeleted", "objectClass", *_NAME_AND_PARENT)


class DirSyncTracker:
    """A ChangeTracker (tracker.py). `cookies`: where to continue, by naming context."""

    name = "dirsync"

    def __init__(
        self,
        session: Session,
        contexts: tuple[str, ...],
        mappers: Iterable[ActiveDirectoryEntryMapper],
        cookies: Mapping[str, bytes],
    ) -> None:
        self._session = session
        self._contexts = contexts
        self._cookies = dict(cookies)
        of_kinds = tuple(mappers)
        self._links = frozenset(link.lower() for mapper in of_kinds for link in mapper.links)
        self._filter_attributes = frozenset(name for mapper in of_kinds for name in mapper.settings.filter_attributes)
        self._filters_by_membership = "memberof" in self._filter_attributes
        mapped = [name for mapper in of_kinds for name in (*mapper.identified_attributes, *mapper.links)]
        requested = (*_ALWAYS_REQUESTED, *mapped, *sorted(self._filter_attributes))
        self._attributes = tuple({name.lower(): name for name in requested}.values())

    @property
    def state(self) -> TrackerState:
        return TrackerState(dict(self._cookies))

    def start(self) -> None:
        self._cookies = {}
        for context in self._contexts:
            for _ in self._answers(context, NO_ENTRY, b""):
                pass

    def change_sets(self) -> Iterator[ChangeSet]:
        for context in self._contexts:
            yield from self._answers(context, search.EVERYTHING, self._cookies[context])

    def reports_deletions(self) -> bool:
        """See ChangeTracker. The right to use DirSync is not yet one to be shown tombstones: that a list of all entries has one
        proves it. The container of deleted objects counts, which is there in any domain and marked as they are."""
        return all(self._shows_deleted(context) for context in self._contexts)

    def _shows_deleted(self, context: str) -> bool:
        outcome = search.SearchOutcome()
        control = controls.control(DirSync(FLAGS, ONE_ANSWER_BYTES, b""), criticality=True)
        wanted = (OBJECT_GUID, "isDeleted")
        request = SearchRequest(context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, _DELETED, wanted)
        shown = sum(
            _is_deleted(self._session.entry(data)[1])
            for data in search.execute(self._session, request, outcome, (control, _SHOW_DELETED))
        )
        self._require_success(context, outcome, has_cookie=False)
        return shown > 0

    def _answers(self, context: str, entry_filter: filters.Filter, cookie: bytes) -> Iterator[ChangeSet]:
        more = True
        while more:
            changes, outcome = ChangeSet(), search.SearchOutcome()
            control = controls.control(DirSync(FLAGS, MAX_BYTES, cookie), criticality=True)
            request = SearchRequest(context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, entry_filter, self._attributes)
            for data in search.execute(self._session, request, outcome, (control, _EXTENDED_DN)):
                self._add(changes, *self._session.entry(data))
            self._require_success(context, outcome, has_cookie=bool(cookie))
            more, cookie = self._next_cookie(outcome.controls)
            self._cookies[context] = cookie
            yield changes

    def _require_success(self, context: str, outcome: search.SearchOutcome, *, has_cookie: bool) -> None:
        if outcome.code == ResultCode.SUCCESS:
            return
        result = outcome.result
        error = refusal(self._session.place, f"reading the changes of {context} failed", result, SEARCH_CURES)
        if outcome.code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS:
            cures = {**SEARCH_CURES, ResultCode.INSUFFICIENT_ACCESS_RIGHTS: _RIGHTS}
            what = f"bind_dn may not use DirSync on {context}"
            raise TrackingForbidden(refusal(self._session.place, what, result, cures))
        if outcome.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION:
            raise TrackingForbidden(error)
        if has_cookie and outcome.code not in _TEMPORARY:
            raise WatermarkRefused(error)
        raise error

    def _next_cookie(self, received: tuple[Control, ...]) -> tuple[bool, bytes]:
        """Return True when more answers are to be requested, and the cookie for the next request."""
        try:
            answer = controls.find(received, DirSync)
        except WireError as error:
            what = f"the DirSync control is malformed ({error})"
            raise UpstreamUnavailable(self._session.place, what, 'see what the server is, or set mode = "usn"') from None
        if answer is None:
            what = "an answer came without the DirSync control"
            raise UpstreamUnavailable(self._session.place, what, 'see what the server is, or set mode = "usn"')
        return answer.flags != 0, answer.cookie

    def _add(self, changes: ChangeSet, object_name: bytes, attributes: list[tuple[str, list[bytes]]]) -> None:
        received = {description.lower(): values for description, values in attributes}
        guid = windows_values.guid_text(received["objectguid"][0]) if received.get("objectguid") else ""
        if not guid:
            return
        if _is_deleted(attributes):
            changes.add_deleted(guid)
            return
        added, removed, whole = self._link_changes(received)
        moved = any(received.get(name.lower()) for name in _NAME_AND_PARENT)
        changes.add(
            EntryChange(
                guid,
                windows_values.plain_dn(object_name.decode(errors="replace")),
                moved=moved,
                whole=whole or moved or not self._filter_attributes.isdisjoint(received),
                primary_group_changed=moved or "primarygroupid" in received,
                added=link_references(added),
                removed=link_references(removed),
            )
        )
        if self._filters_by_membership:  # a filter names memberOf, and only the group's change reports it
            for form, value in (*link_references(added), *link_references(removed)):
                if form is ReferenceForm.ID and value not in changes.changed and value not in changes.deleted:
                    changes.add(EntryChange(value, "", moved=False))

    def _link_changes(self, received: Mapping[str, list[bytes]]) -> tuple[list[bytes], list[bytes], bool]:
        """Return the values added to links, those removed, and True when a link was reported as a whole. Incremental values
        come as `range=1-1` (added) and `range=0-0` (removed)."""
        added: list[bytes] = []
        removed: list[bytes] = []
        whole = False
        for description, values in received.items():
            name, _, option = description.partition(";")
            if name in self._links:
                if option == "range=1-1":
                    added += values
                elif option == "range=0-0":
                    removed += values
                else:
                    whole = True
        return added, removed, whole


def _is_deleted(attributes: list[tuple[str, list[bytes]]]) -> bool:
    return any(name.lower() == "isdeleted" and values[0:1] == [b"TRUE"] for name, values in attributes)
