"""Content synchronization (RFC 4533), the provider's side, with cookies as slapd reads and keeps them:
`rid=…,sid=000,csn=…`. A csn stands for a position of the log, and is good for the search that it was given to.

A consumer whose cookie is unknown (another store, a changed filter or grant, a future that a backup has taken back, or a past
that is forgotten) is sent everything, and drops what it is not sent."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from gateway.directory.access import Access
from gateway.directory.journal.journal_reader import Event, EventKind, JournalReader
from gateway.directory.view_file.csn import Moment, format_csn, parse_csn
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import PacedResponder
from gateway.frontends.ldap.search.request_controls import decoded
from gateway.frontends.ldap.subscriptions.change_stream import ChangeStream, encoded_control
from gateway.model.ldap.syntaxes import Checks
from gateway.wire import controls as values
from gateway.wire import entries, oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.controls import EntryState, SyncDone, SyncIdSet, SyncInfo, SyncMode, SyncRequest, SyncState
from gateway.wire.messages import Control, IntermediateResponse, SearchRequest

_REPLICATED: Final = ("structuralObjectClass", "entryUUID", "createTimestamp", "modifyTimestamp", "entryCSN")
"""The meaning of `+` to a replica: what slapd keeps with an entry. The others it makes itself, or knows only with a module
loaded (memberOf), and one unknown attribute ends its replication."""

_STATES: Final = {
    EventKind.ADDED: EntryState.ADD,
    EventKind.MODIFIED: EntryState.MODIFY,
    EventKind.RENAMED: EntryState.MODIFY,
    EventKind.REMOVED: EntryState.DELETE,
}

_RID = re.compile(rb"(?:^|,)rid=(\d{3})(?:,|$)")
_CSN = re.compile(r"(?:^|,)csn=([^,]*)")


def handle(exchange: Exchange, request: SearchRequest, responder: PacedResponder) -> None:
    """Begin a replica's search. Raises Refused, NoSuchObject, ViewNotReady."""
    asked = decoded(exchange.controls, SyncRequest)
    assert asked is not None, "the caller has found it"  # noqa: S101
    stream = ChangeStream(exchange, responder, request, _attributes(request.attributes, exchange.party.access))
    replica = _Replica(stream, exchange.message_id, asked)
    if asked.mode is SyncMode.REFRESH_ONLY:
        stream.begin(replica.refresh_only)
    else:
        stream.begin_subscription(replica.refresh_and_persist)


def _attributes(asked: Sequence[str], access: Access) -> tuple[str, ...]:
    """Return the attributes to send. A replica that is shown a part of the view gets no CSNs: slapd takes an entry with the
    CSN that it has for unchanged, and what is shown of it changes with the grant, or with others."""
    whole = access.is_everything and access.attributes is None
    wanted = [name for one in asked for name in (_REPLICATED if one == "+" else (one,))]
    kept = tuple(name for name in wanted if whole or name.lower() != "entrycsn")
    return kept or (("1.1",) if wanted else ())


class _Replica:
    def __init__(self, stream: ChangeStream, message_id: int, asked: SyncRequest) -> None:
        self._stream = stream
        self._message_id = message_id
        self._cookie = asked.cookie or b""
        self._mark = stream.journal.mark

    async def refresh_only(self) -> tuple[Control, ...]:
        """Send the changes until now; return the controls of the search's end."""
        reading, deletes = await self._refresh()
        return (values.control(SyncDone(self._cookie_of(reading.moment), deletes)),)

    async def refresh_and_persist(self) -> None:
        """Send the changes until now, then each further one."""
        reading, deletes = await self._refresh()
        stage = values.RefreshDelete if deletes else values.RefreshPresent
        self._send_information(stage(self._cookie_of(reading.moment)))
        await self._stream.send_changes(
            _changed, lambda reading: self._send_information(values.NewCookie(self._cookie_of(reading.moment)))
        )

    async def _refresh(self) -> tuple[JournalReader, bool]:
        """Bring the consumer to the present. True if it was sent what to delete; False if it is to delete what it was not
        sent."""
        journal, known = self._stream.journal, self._moment()
        deletes = known is not None and journal.knows(known)
        reading = journal.since(known.number, resumed=True) if deletes and known is not None else journal.everything()
        await self._stream.send(
            reading, lambda events: _refreshed(events, self._cookie_of(reading.moment)), self._stream.size_limit
        )
        return reading, deletes

    def _moment(self) -> Moment | None:
        """Return the latest moment in the cookie, if this search was sent it."""
        found = _CSN.search(self._cookie.decode("ascii", "replace"))
        latest = max(found[1].split(";")) if found else ""
        parsed = parse_csn(latest)
        return parsed[0] if parsed is not None and parsed[1] == self._mark else None

    def _cookie_of(self, moment: Moment) -> bytes:
        rid = _RID.search(self._cookie)
        return b"rid=%s,sid=000,csn=%s" % (rid[1] if rid else b"000", format_csn(moment, self._mark).encode())

    def _send_information(self, info: SyncInfo) -> None:
        self._stream.write(wrap(self._message_id, _information(info)))


_CHECKS = Checks()


def _strict(entry: bytes) -> bytes:
    """The entry without the values that do not follow their syntax: slapd would take nothing more after such an entry."""
    name, attributes = entries.decode_entry(entry)
    if all(_CHECKS[kind](value) for kind, values_ in attributes.items() for value in values_):
        return entry
    kept = [(kind, [value for value in values_ if _CHECKS[kind](value)]) for kind, values_ in attributes.items()]
    return entries.encode_entry(name, [(kind, values_) for kind, values_ in kept if values_])


def _information(info: SyncInfo) -> bytes:
    return encode_operation(IntermediateResponse(oids.SYNC_INFO, info.encode()))


def _refreshed(events: Sequence[Event], cookie: bytes) -> list[bytes]:
    """Encode the events of a refresh: every entry is an added one (§3.3.1), and those that are gone are in the set. Its
    `cookie` is where the refresh leads: slapd keeps entries that are newer than the cookie that comes with their removal, and
    it may have been sent some in a refresh that broke off."""
    found = []
    for gone, some in groupby(events, lambda event: event.kind is EventKind.REMOVED):
        if gone:
            uuids = tuple(UUID(event.object_id).bytes for event in some)
            found.append(_information(SyncIdSet(cookie, refresh_deletes=True, entry_uuids=uuids)))
        else:
            found += [_entry(event, EntryState.ADD) for event in some]
    return found


def _changed(events: Sequence[Event]) -> list[bytes]:
    return [_entry(event, _STATES[event.kind]) for event in events]


def _entry(event: Event, state: EntryState) -> bytes:
    return _strict(event.entry) + encoded_control(SyncState(state, UUID(event.object_id).bytes))
