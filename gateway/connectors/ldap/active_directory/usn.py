"""Changes by uSNChanged: everything whose number in this controller has grown since the last time, tombstones included.

It tells that an entry has changed, not what of it. Numbers of another controller mean nothing here."""

from collections.abc import Iterator
from typing import Any, Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.change_tracker import Change, Changes, PositionRefused
from gateway.connectors.ldap.active_directory.controller import SHOW_DELETED, highest_usn
from gateway.connectors.ldap.active_directory.entry_to_delta import OBJECT_GUID
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamRefused, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.wire import filters
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

LEAVES: Final = frozenset({b"user", b"group", b"contact", b"foreignSecurityPrincipal"})
"""Classes whose entries have nothing below them worth reading."""

_PORTION: Final = 1000
_MOST_PLACES: Final = 100_000  # a domain has some thousand units; what is forgotten is read once more than needed


class UsnTracker:
    """A Tracker (change_tracker.py). `usn`: the last number that is known."""

    name = "usn"

    def __init__(self, session: Session, contexts: tuple[str, ...], page_size: int, usn: int) -> None:
        self._session = session
        self._contexts = contexts
        self._page_size = page_size
        self._usn = usn
        self._places: dict[str, str] = {}
        """The DN at which each container was seen last: another one means that all below it have new ones."""

    @property
    def position(self) -> dict[str, Any]:
        return {"usn": self._usn}

    def start(self) -> None:
        self._usn = highest_usn(self._session)

    def rounds(self) -> Iterator[Changes]:
        upto = highest_usn(self._session)
        if upto < self._usn:
            what = f"its last change has the number {upto}, and number {self._usn} was read already"
            raise PositionRefused(UpstreamRefused(self._session.place, what, "see whether it was restored from a backup"))
        if upto == self._usn:
            return
        portions = [Changes()]
        for context in self._contexts:
            for data in self._changed(context):
                if len(portions[-1].changed) >= _PORTION:
                    portions.append(Changes())
                self._note(portions[-1], *self._session.entry(data))
        yield from portions[:-1]
        self._usn = upto  # what has changed since then is read again, and does no harm
        yield portions[-1]

    def _changed(self, context: str) -> Iterator[bytes]:
        wanted = filters.GreaterOrEqual("uSNChanged", str(self._usn + 1).encode())
        request = SearchRequest(
            context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, wanted, (OBJECT_GUID, "isDeleted", "objectClass")
        )

        def judge(found: search.Found) -> None:
            if found.code != ResultCode.SUCCESS:
                what = f"reading the changes of {context} failed"
                raise refusal(self._session.place, what, found.result.result, SEARCH_CURES)

        return search.paged(self._session, request, self._page_size, judge, (SHOW_DELETED,))

    def _note(self, changes: Changes, object_name: bytes, attributes: list[tuple[str, list[bytes]]]) -> None:
        told = {description.lower(): values for description, values in attributes}
        if not told.get("objectguid"):
            return
        guid = windows_values.guid_text(told["objectguid"][0])
        if told.get("isdeleted") == [b"TRUE"]:
            changes.note_gone(guid)
            return
        dn = object_name.decode(errors="replace")
        moved = False
        if LEAVES.isdisjoint(told.get("objectclass", ())):
            moved = self._places.get(guid) != dn
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            self._places[guid] = dn
        changes.note(Change(guid, dn, moved=moved))
