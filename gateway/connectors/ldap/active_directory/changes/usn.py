"""Changes by uSNChanged: every entry whose number in this controller has grown since the last read, tombstones included.

It reports that an entry has changed, not what of it. The numbers of another controller mean nothing here."""

from collections.abc import Iterator
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeSet, EntryChange, TrackerState, WatermarkRefused
from gateway.connectors.ldap.active_directory.controller import SHOW_DELETED, highest_usn, shows_tombstones
from gateway.connectors.ldap.active_directory.entry_to_delta import OBJECT_GUID
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamRefused, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.wire import filters
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

LEAF_CLASSES: Final = frozenset({b"user", b"group", b"contact", b"foreignSecurityPrincipal"})
"""Classes whose entries have nothing below them worth reading."""

_SET_ENTRIES: Final = 1000  # changes in one change set
_MAX_CONTAINERS: Final = 100_000  # a domain has some thousand units; a forgotten one is read once more than needed


class UsnTracker:
    """A ChangeTracker (tracker.py). `usn`: the last number that was read."""

    name = "usn"

    def __init__(self, session: Session, contexts: tuple[str, ...], page_size: int, usn: int) -> None:
        self._session = session
        self._contexts = contexts
        self._page_size = page_size
        self._usn = usn
        self._container_dns: dict[str, str] = {}
        """The last seen DN of each container by its GUID: another one means that the entries below it have new DNs."""

    @property
    def state(self) -> TrackerState:
        return TrackerState(usn=self._usn)

    def start(self) -> None:
        self._usn = highest_usn(self._session)

    def change_sets(self) -> Iterator[ChangeSet]:
        upto = highest_usn(self._session)
        if upto < self._usn:
            what = f"its last change has the number {upto}, and number {self._usn} was read already"
            raise WatermarkRefused(UpstreamRefused(self._session.place, what, "see whether it was restored from a backup"))
        if upto == self._usn:
            return
        change_sets = [ChangeSet()]
        for context in self._contexts:
            for data in self._changed_entries(context):
                if len(change_sets[-1].changed) >= _SET_ENTRIES:
                    change_sets.append(ChangeSet())
                self._add(change_sets[-1], *self._session.entry(data))
        yield from change_sets[:-1]
        self._usn = upto  # a change made since then is read again, which does no harm
        yield change_sets[-1]

    def reports_deletions(self) -> bool:
        return all(shows_tombstones(self._session, context) for context in self._contexts)

    def _changed_entries(self, context: str) -> Iterator[bytes]:
        newer = filters.GreaterOrEqual("uSNChanged", str(self._usn + 1).encode())
        request = SearchRequest(
            context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, newer, (OBJECT_GUID, "isDeleted", "objectClass")
        )

        def require(outcome: search.SearchOutcome) -> None:
            if outcome.code != ResultCode.SUCCESS:
                what = f"reading the changes of {context} failed"
                raise refusal(self._session.place, what, outcome.result, SEARCH_CURES)

        return search.paged(self._session, request, self._page_size, require, (SHOW_DELETED,))

    def _add(self, changes: ChangeSet, object_name: bytes, attributes: list[tuple[str, list[bytes]]]) -> None:
        received = {description.lower(): values for description, values in attributes}
        if not received.get("objectguid"):
            return
        guid = windows_values.guid_text(received["objectguid"][0])
        if received.get("isdeleted") == [b"TRUE"]:
            changes.add_deleted(guid)
            return
        dn = object_name.decode(errors="replace")
        moved = False
        if LEAF_CLASSES.isdisjoint(received.get("objectclass", ())):
            moved = self._container_dns.get(guid) != dn
            if len(self._container_dns) >= _MAX_CONTAINERS:
                self._container_dns.clear()
            self._container_dns[guid] = dn
        changes.add(EntryChange(guid, dn, moved=moved))
