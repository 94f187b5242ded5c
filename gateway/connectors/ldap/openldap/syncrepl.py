"""The consumer of RFC 4533: the content synchronization of one kind, from messages to deltas. Sans-IO.

The gaps of RFC 4533, and the parts that close them: new DNs below a renamed unit, and members that refint removed or renamed:
sync/inbound, from the unit's or the user's own delta; memberOf: not requested, memberships come from the groups; an entry that
a rename above it carried out of the bases without a message: the next reconciliation."""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.connectors.ldap.client.session import INTERMEDIATE_RESPONSE, SEARCH_RESULT_DONE, SEARCH_RESULT_ENTRY
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper, uuid_text
from gateway.model.deltas import Delta
from gateway.wire import controls, filters, oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.entries import decode_search_entry
from gateway.wire.errors import WireError
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    NEVER_DEREF_ALIASES,
    WHOLE_SUBTREE,
    Control,
    IntermediateResponse,
    Result,
    SearchRequest,
    SearchResultDone,
)
from gateway.wire.result_codes import ResultCode

RESTART_CODES: Final = frozenset({ResultCode.SYNC_REFRESH_REQUIRED, ResultCode.UNWILLING_TO_PERFORM})
"""The answers to a cookie from which the server cannot continue: 4096 (RFC 4533 §3.9), and slapd's 53 "consumer state is newer
than provider" after a restore. Without a cookie they are refusals like any other."""


class Subscription:
    """The synchronization of one kind. `feed` takes every message that answers the request and returns its deltas.

    Begun with a cookie it is incremental, else a full read (`full`). `refreshed`: the refresh is complete. `reconciliation`: it
    listed what is present, not what was deleted; then `present()` yields that, and everything else is deleted. `result`: of the
    search, when the server has ended it.
    """

    def __init__(self, reader: OpenLDAPEntryMapper, cookie: bytes | None) -> None:
        self.reader = reader
        self.kind = reader.kind
        self.result: Result | None = None
        self._follow = False
        self._begin(cookie)

    def _begin(self, cookie: bytes | None) -> None:
        self.cookie = self._requested_with = cookie
        self.full = cookie is None
        self.refreshed = False
        self.reconciliation = False
        self._seen: set[bytes] = set()
        self._deletes_listed = False

    def request(self, *, follow: bool) -> tuple[SearchRequest, tuple[Control, ...]]:
        """Return the search that begins, or begins again, the synchronization, with its control."""
        settings = self.reader.settings
        self._begin(self.cookie)
        self._follow = follow
        self.result = None
        mode = controls.SyncMode.REFRESH_AND_PERSIST if follow else controls.SyncMode.REFRESH_ONLY
        sync_request = controls.control(controls.SyncRequest(mode, self.cookie), criticality=True)
        search = SearchRequest(
            settings.search_base,
            WHOLE_SUBTREE,
            NEVER_DEREF_ALIASES,  # slapd refuses a sync search that dereferences
            0,
            0,
            False,
            filters.parse(settings.filter),
            self.reader.attributes,
        )
        return search, (sync_request,)

    def feed(self, data: bytes, tag: int) -> list[Delta]:
        """Return the deltas of one message. Raises WireError for a message that RFC 4533 does not allow here."""
        if tag == SEARCH_RESULT_ENTRY:
            return self._entry(data)
        if tag == INTERMEDIATE_RESPONSE:
            return self._information(data)
        if tag == SEARCH_RESULT_DONE:
            self._done(data)
        return []  # a search result reference names entries that another server holds: they are not this source's

    @property
    def resumable(self) -> bytes | None:
        """The cookie to continue from after a crash: a newer one counts only when the refresh that it came in is complete."""
        return self.cookie if self.refreshed else self._requested_with

    @property
    def ended_as_requested(self) -> bool:
        """True when the search has ended as a refreshOnly search ends."""
        success = self.result is not None and self.result.code == ResultCode.SUCCESS
        return success and self.refreshed and not self._follow

    def restarts(self) -> bool:
        """Return True when the server refused the cookie; then the next `request` is a full read."""
        if self.result is None or self.result.code not in RESTART_CODES or self.cookie is None:
            return False
        self._begin(None)
        return True

    def present(self) -> Iterator[Delta]:
        """Yield everything that is present, after a refresh with `reconciliation`; once."""
        yield from (self.reader.present(uuid_text(octets)) for octets in self._seen)
        self._seen = set()

    def _entry(self, data: bytes) -> list[Delta]:
        object_name, attributes, received = decode_search_entry(data)
        state = controls.find(received, controls.SyncState)
        if state is None:
            raise WireError("an entry has no Sync State control")
        if state.cookie:
            self.cookie = state.cookie
        external_id = uuid_text(state.entry_uuid)
        if state.state == controls.EntryState.DELETE:
            return self._deleted([state.entry_uuid])
        if state.state == controls.EntryState.PRESENT:
            return self._present([state.entry_uuid])
        delta = self.reader.upsert(object_name, attributes, external_id)
        if delta is None:  # it may have been in scope before it was moved; a full read forgets it by itself
            return [] if self.full and not self.refreshed else [self.reader.deleted(external_id)]
        if not self.full and not self.refreshed:
            self._seen.add(state.entry_uuid)
        return [delta]

    def _deleted(self, entry_uuids: Iterable[bytes]) -> list[Delta]:
        gone = list(entry_uuids)
        self._seen.difference_update(gone)
        return [self.reader.deleted(uuid_text(octets)) for octets in gone]

    def _present(self, entry_uuids: Iterable[bytes]) -> list[Delta]:
        if self.full:
            return [self.reader.present(uuid_text(octets)) for octets in entry_uuids]
        self._seen.update(entry_uuids)
        return []

    def _information(self, data: bytes) -> list[Delta]:
        operation = decode_message(data, _LIMITS).operation
        if not isinstance(operation, IntermediateResponse) or operation.name != oids.SYNC_INFO:
            return []
        information = controls.decode_sync_info(operation.value)
        if information.cookie:
            self.cookie = information.cookie
        match information:
            case controls.SyncIdSet(refresh_deletes=True):
                self._deletes_listed = True
                return self._deleted(information.entry_uuids)
            case controls.SyncIdSet():
                return self._present(information.entry_uuids)
            case controls.RefreshDelete():
                self._end_phase(deletes=True, done=information.refresh_done)
            case controls.RefreshPresent():
                self._end_phase(deletes=False, done=information.refresh_done)
        return []

    def _done(self, data: bytes) -> None:
        message = decode_message(data, _LIMITS)
        if not isinstance(message.operation, SearchResultDone):
            raise WireError("the end of a search was expected")
        self.result = message.operation.result
        done = controls.find(message.controls, controls.SyncDone)
        if done is not None:
            self.cookie = done.cookie or self.cookie
            if self.result.code == ResultCode.SUCCESS:
                self._end_phase(deletes=done.refresh_deletes, done=True)

    def _end_phase(self, *, deletes: bool, done: bool) -> None:
        # 389 Directory Server lists the deleted entries and then calls that a present phase, which taken literally deletes all.
        if not deletes and not self._deletes_listed and not self.full:
            self.reconciliation = True
        self.refreshed = self.refreshed or done


_LIMITS = Limits(max_message_bytes=64 * 1024 * 1024)  # an ID set of slapd has 250 UUIDs, 389's has all


def is_usable(cookie: bytes, openldap: bool) -> bool:
    """Return True when the server can continue from this cookie. OpenLDAP's (`rid=…,sid=…,csn=…`) need a position: without one
    slapd sends everything and calls it complete, naming nothing that was deleted, so it must be a full read from the start."""
    return b"csn=" in cookie or not (openldap or cookie.startswith(b"rid="))
