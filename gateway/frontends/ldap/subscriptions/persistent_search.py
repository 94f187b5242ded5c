"""Persistent searches (draft-ietf-ldapext-psearch) and Active Directory's change notifications (MS-ADTS §3.1.1.3.4.1.9):
entries as they change, until the client abandons the search, cancels it, or goes."""

from collections.abc import Sequence
from typing import Final

from gateway.directory.journal.journal_reader import Event, EventKind, JournalReader
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search.request_controls import decoded
from gateway.frontends.ldap.subscriptions.change_stream import ChangeStream, encoded_control
from gateway.wire import entries
from gateway.wire.controls import ChangeTypes, EntryChange, PersistentSearch
from gateway.wire.filters import Filter, Present
from gateway.wire.messages import SearchRequest
from gateway.wire.result_codes import ResultCode

_ALL_ENTRIES: Final = "a change notification is for all entries of its scope: the filter must be (objectClass=*)"
_IS_DELETED: Final = entries.encode_attribute(b"isDeleted", (b"TRUE",))


def handle(exchange: Exchange, request: SearchRequest, responder: PacedResponder) -> None:
    """Begin a persistent search. Raises Refused, NoSuchObject, ViewNotReady."""
    asked = decoded(exchange.controls, PersistentSearch)
    assert asked is not None, "the caller has found it"  # noqa: S101
    stream = ChangeStream(exchange, responder, request, request.attributes)

    def changed(events: Sequence[Event]) -> list[bytes]:
        reported = [event for event in events if ChangeTypes(event.kind) in asked.change_types]
        return [event.entry + (_notification(event) if asked.return_changes else b"") for event in reported]

    async def work() -> None:
        if not asked.changes_only:
            await stream.send(stream.journal.everything(), _as_they_are, stream.size_limit)
        await stream.send_changes(changed, _nothing)

    stream.begin_subscription(work)


def _notification(event: Event) -> bytes:
    previous = None if event.former_dn is None else event.former_dn.encode()
    return encoded_control(EntryChange(ChangeTypes(event.kind), previous, event.number))


def notify(exchange: Exchange, request: SearchRequest, responder: PacedResponder) -> None:
    """Begin a change notification. Raises Refused, NoSuchObject, ViewNotReady."""
    if not _is_for_all(request.filter):
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, _ALL_ENTRIES)
    stream = ChangeStream(exchange, responder, request, request.attributes)
    stream.begin_subscription(lambda: stream.send_changes(_notified, _nothing))


def _is_for_all(item: Filter) -> bool:
    return isinstance(item, Present) and item.attribute.lower() == "objectclass"


def _notified(events: Sequence[Event]) -> list[bytes]:
    """Entries as they are now; one that is gone says so as a tombstone of Active Directory does."""
    return [entries.extend(one.entry, _IS_DELETED) if one.kind is EventKind.REMOVED else one.entry for one in events]


def _as_they_are(events: Sequence[Event]) -> list[bytes]:
    return [event.entry for event in events]


def _nothing(_reading: JournalReader) -> None:
    """Do nothing: there is no cookie to send."""
