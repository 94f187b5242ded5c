"""Changes by the DirSync control ([MS-ADTS] §3.1.1.3.4.1.3): one cookie for each naming context; links value by value.

An answer holds what has changed of each entry and nothing else; an attribute without values was removed."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.change_tracker import Change, Changes, NotAllowed, PositionRefused
from gateway.connectors.ldap.active_directory.entry_to_delta import (
    OBJECT_GUID,
    ActiveDirectoryEntryMapper,
    pointers,
)
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
NOBODY: Final = filters.Equality(OBJECT_GUID, bytes(16))
"""Matches no entry: an answer that is only a cookie."""

_TEMPORARY = frozenset({ResultCode.BUSY, ResultCode.UNAVAILABLE, ResultCode.TIME_LIMIT_EXCEEDED})
_RIGHTS = 'give bind_dn the right "Replicating Directory Changes" on the naming context, or set mode = "usn"'
_EXTENDED = controls.control(controls.ExtendedDN(), criticality=True)
_PLACE = ("name", "parentGUID")
"""Both are told when an entry is new, renamed or moved, and not otherwise."""

_ALWAYS = (OBJECT_GUID, "isDeleted", "objectClass", *_PLACE)


class DirSyncTracker:
    """A Tracker (change_tracker.py). `cookies`: by naming context, where to go on from."""

    name = "dirsync"

    def __init__(
        self,
        session: Session,
        contexts: tuple[str, ...],
        readers: Iterable[ActiveDirectoryEntryMapper],
        cookies: Mapping[str, bytes],
    ) -> None:
        self._session = session
        self._contexts = contexts
        self._cookies = dict(cookies)
        everyone = tuple(readers)
        self._links = frozenset(link.lower() for reader in everyone for link in reader.links)
        self._judging = frozenset(name for reader in everyone for name in reader.settings.filter_attributes)
        self._members_judge = "memberof" in self._judging
        wanted = [name for reader in everyone for name in (*reader.identified_attributes, *reader.links)]
        self._attributes = tuple({name.lower(): name for name in (*_ALWAYS, *wanted, *sorted(self._judging))}.values())

    @property
    def position(self) -> dict[str, Any]:
        return {"cookies": {context: base64.b64encode(cookie).decode() for context, cookie in self._cookies.items()}}

    def start(self) -> None:
        self._cookies = {}
        for context in self._contexts:
            for _ in self._answers(context, NOBODY, b""):
                pass

    def rounds(self) -> Iterator[Changes]:
        for context in self._contexts:
            yield from self._answers(context, search.EVERYTHING, self._cookies[context])

    def _answers(self, context: str, wanted: filters.Filter, cookie: bytes) -> Iterator[Changes]:
        more = True
        while more:
            changes, found = Changes(), search.Found()
            control = controls.control(DirSync(FLAGS, MAX_BYTES, cookie), criticality=True)
            request = SearchRequest(context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, wanted, self._attributes)
            for data in search.search(self._session, request, found, (control, _EXTENDED)):
                self._note(changes, *self._session.entry(data))
            self._judge(context, found, has_cookie=bool(cookie))
            more, cookie = self._next(found.done.controls if found.done else ())
            self._cookies[context] = cookie
            yield changes

    def _judge(self, context: str, found: search.Found, *, has_cookie: bool) -> None:
        if found.code == ResultCode.SUCCESS:
            return
        result = found.result.result
        error = refusal(self._session.place, f"reading the changes of {context} failed", result, SEARCH_CURES)
        if found.code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS:
            cures = {**SEARCH_CURES, ResultCode.INSUFFICIENT_ACCESS_RIGHTS: _RIGHTS}
            raise NotAllowed(refusal(self._session.place, f"bind_dn may not use DirSync on {context}", result, cures))
        if found.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION:
            raise NotAllowed(error)
        if has_cookie and found.code not in _TEMPORARY:
            raise PositionRefused(error)
        raise error

    def _next(self, received: tuple[Control, ...]) -> tuple[bool, bytes]:
        try:
            answer = controls.find(received, DirSync)
        except WireError as error:
            what = f"the DirSync control is malformed ({error})"
            raise UpstreamUnavailable(self._session.place, what, 'see what the server is, or set mode = "usn"') from None
        if answer is None:
            what = "an answer came without the DirSync control"
            raise UpstreamUnavailable(self._session.place, what, 'see what the server is, or set mode = "usn"')
        return answer.flags != 0, answer.cookie

    def _note(self, changes: Changes, object_name: bytes, attributes: list[tuple[str, list[bytes]]]) -> None:
        told = {description.lower(): values for description, values in attributes}
        guid = windows_values.guid_text(told["objectguid"][0]) if told.get("objectguid") else ""
        if not guid:
            return
        if told.get("isdeleted", [b""])[0:1] == [b"TRUE"]:
            changes.note_gone(guid)
            return
        added, removed, whole = self._links_of(told)
        moved = any(told.get(name.lower()) for name in _PLACE)
        changes.note(
            Change(
                guid,
                windows_values.plain_dn(object_name.decode(errors="replace")),
                moved=moved,
                whole=whole or moved or not self._judging.isdisjoint(told),
                primary=moved or "primarygroupid" in told,
                added=pointers(added),
                removed=pointers(removed),
            )
        )
        if self._members_judge:  # memberOf is in a filter, and nobody tells of it but the group
            for form, value in (*pointers(added), *pointers(removed)):
                if form is ReferenceForm.ID and value not in changes.changed and value not in changes.gone:
                    changes.note(Change(value, "", moved=False))

    def _links_of(self, told: Mapping[str, list[bytes]]) -> tuple[list[bytes], list[bytes], bool]:
        """The values that were added to links, those that were removed, and whether a link was told as a whole. Incremental
        values come as `range=1-1` (added) and `range=0-0` (removed)."""
        added: list[bytes] = []
        removed: list[bytes] = []
        whole = False
        for description, values in told.items():
            name, _, option = description.partition(";")
            if name in self._links:
                if option == "range=1-1":
                    added += values
                elif option == "range=0-0":
                    removed += values
                else:
                    whole = True
        return added, removed, whole
