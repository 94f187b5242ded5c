"""A scripted domain controller with the behaviour of Windows that Samba lacks: it caps answers at MaxPageSize, returns links in
ranges of 1,500, reports changes in portions with ancestors first, refuses cookies, and ends searches that wait for changes.

Only the parts that the connector uses are there: see [MS-ADTS] §3.1.1.3.4 for the controls."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from uuid import UUID, uuid4

from gateway.model.ldap import dn as names
from gateway.wire import controls, filters, oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.controls import DirSync, DirSyncFlags, PagedResults
from gateway.wire.framing import Framer
from gateway.wire.messages import (
    BASE_OBJECT,
    BindRequest,
    BindResponse,
    Control,
    LDAPMessage,
    Operation,
    PartialAttribute,
    Result,
    SearchRequest,
    SearchResultDone,
    SearchResultEntry,
    UnbindRequest,
)

BASE = "DC=corp,DC=example"
SERVICE = f"CN=NTDS Settings,CN=DC1,{BASE}"
MAX_PAGE_SIZE, RANGE = 1000, 1500
SIZE_LIMIT_EXCEEDED = 4

Attributes = dict[str, list[bytes]]


@dataclass
class Entry:
    """One entry. `changes`: by number of the change, the names of changed attributes, and the members that were added and
    removed."""

    dn: str
    guid: UUID
    attributes: Attributes
    changes: dict[int, tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    deleted: bool = False

    @property
    def usn(self) -> int:
        return max(self.changes)

    def shown(self) -> Attributes:
        own = {"objectGUID": [self.guid.bytes_le], "name": [self.dn.partition(",")[0].partition("=")[2].encode()]}
        return {**self.attributes, **own, **({"isDeleted": [b"TRUE"]} if self.deleted else {})}


class ScriptedDomainController:
    """Serves one connection after the other. `portion`: the entries in one answer to DirSync. `refusals`: the result
    codes with which the next cookies are refused. `requests`: the DirSync requests
    that came. `notifying`: True when changes can be waited for. `replicated`: the number up to which it has the changes of
    other controllers, by invocationId."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}
        self._guids: dict[bytes, UUID] = {}
        self.invocation = uuid4()
        self.portion = 1000
        self.refusals: list[int] = []
        self.replicated: dict[UUID, int] = {}
        self.notifying = True
        self.requests: list[DirSync] = []
        self.pages: list[int] = []
        self._usn = itertools.count(1)
        self._lock = threading.RLock()
        self._connection: socket.socket | None = None
        self._waiting: dict[int, str] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"
        self.add(BASE, "domainDNS")
        self.add(SERVICE, "nTDSDSA", invocationId=[self.invocation.bytes_le])

    def __enter__(self) -> ScriptedDomainController:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    # What happens in the domain

    def add(self, dn: str, object_class: str, **attributes: list[bytes]) -> Entry:
        with self._lock:
            made = Entry(dn, uuid4(), {"objectClass": [object_class.encode()], **attributes})
            if object_class == "user":
                made.attributes.setdefault("objectCategory", [b"person"])
            self.entries[made.guid] = made
            self._guids[dn.encode()] = made.guid
            self._note(made, frozenset((*made.shown(), "parentGUID")), added=tuple(_texts(attributes.get("member", []))))
        return made

    def change(self, entry: Entry, **attributes: list[bytes]) -> None:
        with self._lock:
            entry.attributes.update(attributes)
            self._note(entry, frozenset(attributes))

    def join(self, group: Entry, *members: Entry) -> None:
        with self._lock:
            group.attributes.setdefault("member", []).extend(member.dn.encode() for member in members)
            self._note(group, added=tuple(member.dn for member in members))

    def leave(self, group: Entry, *members: Entry) -> None:
        with self._lock:
            gone = {member.dn.encode() for member in members}
            group.attributes["member"] = [value for value in group.attributes["member"] if value not in gone]
            self._note(group, removed=tuple(member.dn for member in members))

    def delete(self, entry: Entry) -> None:
        with self._lock:
            entry.deleted = True
            self._note(entry, frozenset({"isDeleted", "name", "parentGUID"}))

    def end_notification(self, code: int) -> None:
        """End the searches that wait for changes with this code."""
        with self._lock:
            for message_id in list(self._waiting):
                del self._waiting[message_id]
                self._send(message_id, SearchResultDone(Result(code)))

    @property
    def has_open_searches(self) -> bool:
        with self._lock:
            return bool(self._waiting)

    def _note(
        self, entry: Entry, named: frozenset[str] = frozenset(), added: tuple[str, ...] = (), removed: tuple[str, ...] = ()
    ) -> None:
        entry.changes[next(self._usn)] = (named, added, removed)
        for message_id in self._waiting:
            self._send(message_id, SearchResultEntry(entry.dn))

    # The conversation

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError):
                self._connection = connection
                self._converse(connection)
            with self._lock:
                self._waiting.clear()

    def _converse(self, connection: socket.socket) -> None:
        framer = Framer()
        while data := connection.recv(65536):
            for message in map(decode_message, framer.feed(data)):
                if isinstance(message.operation, UnbindRequest):
                    return
                with self._lock:
                    self._answer(message)

    def _answer(self, message: LDAPMessage) -> None:
        request = message.operation
        if isinstance(request, BindRequest):
            self._send(message.message_id, BindResponse(Result(0)))
            return
        assert isinstance(request, SearchRequest)
        dirsync = controls.find(message.controls, DirSync)
        if dirsync is not None:
            self._send_changes(message.message_id, request, dirsync)
        elif controls.find(message.controls, controls.ChangeNotification) is not None:
            self._waiting[message.message_id] = request.base_object
        elif not request.base_object:
            self._send(message.message_id, SearchResultEntry("", self._root_dse()))
            self._send(message.message_id, SearchResultDone(Result(0)))
        else:
            self._search(message, request)

    def _root_dse(self) -> tuple[PartialAttribute, ...]:
        supported = [oids.DIRSYNC, oids.PAGED_RESULTS, oids.SHOW_DELETED, oids.EXTENDED_DN]
        supported += [oids.CHANGE_NOTIFICATION] if self.notifying else []
        shown = {
            "supportedCapabilities": [oids.ACTIVE_DIRECTORY],
            "supportedControl": supported,
            "namingContexts": [BASE],
            "dsServiceName": [SERVICE],
            "highestCommittedUSN": [str(max(entry.usn for entry in self.entries.values()))],
        }
        return tuple(PartialAttribute(name, tuple(value.encode() for value in values)) for name, values in shown.items())

    def _search(self, message: LDAPMessage, request: SearchRequest) -> None:
        found = [entry for entry in self.entries.values() if self._matches(entry, request, message.controls)]
        paging = controls.find(message.controls, PagedResults)
        start = int(paging.cookie or b"0") if paging is not None else 0
        limit = MAX_PAGE_SIZE if paging is None else min(paging.size, MAX_PAGE_SIZE)
        page = found[start : start + limit]
        self.pages.append(len(page))
        extended = controls.find(message.controls, controls.ExtendedDN) is not None
        for entry in page:
            self._send(message.message_id, SearchResultEntry(entry.dn, self._selected(entry, request.attributes, extended)))
        more = start + limit < len(found)
        code = SIZE_LIMIT_EXCEEDED if more and paging is None else 0
        cookie = str(start + limit).encode() if more else b""
        told = () if paging is None else (controls.control(PagedResults(0, cookie)),)
        self._send(message.message_id, SearchResultDone(Result(code)), told)

    def _matches(self, entry: Entry, request: SearchRequest, given: tuple[Control, ...]) -> bool:
        if entry.deleted and controls.find(given, controls.ShowDeleted) is None:
            return False
        base = request.base_object
        if base.startswith("<GUID="):
            base = self.entries[UUID(base[6:-1])].dn
        key, base_key = names.key(entry.dn), "" if base.startswith("<") else names.key(base)
        placed = key == base_key if request.scope == BASE_OBJECT else key.startswith(base_key)
        return placed and _holds(request.filter, {**entry.shown(), "uSNChanged": [str(entry.usn).encode()]})

    def _selected(self, entry: Entry, wanted: tuple[str, ...], extended: bool) -> tuple[PartialAttribute, ...]:
        shown = {name.lower(): (name, values) for name, values in entry.shown().items()}
        if entry.dn == BASE:
            shown["msds-ncreplcursors"] = ("msDS-NCReplCursors", [_cursor(*one).encode() for one in self.replicated.items()])
        selected = []
        for description in wanted:
            name, _, option = description.partition(";range=")
            if name.lower() not in shown:
                continue
            spelled, values = shown[name.lower()]
            if spelled == "member":
                values = [self._value(value, extended) for value in values]
                first = int(option.partition("-")[0]) if option else 0
                if option or len(values) > RANGE:  # an empty `member` and the first range, or what was asked for
                    selected += [PartialAttribute("member")] if not option else []
                    last = first + RANGE
                    upto = "*" if last >= len(values) else str(last - 1)
                    selected.append(PartialAttribute(f"member;range={first}-{upto}", tuple(values[first:last])))
                    continue
            selected.append(PartialAttribute(spelled, tuple(values)))
        return tuple(selected)

    def _value(self, dn: bytes, extended: bool) -> bytes:
        return f"<GUID={self._guids[dn]}>;".encode() + dn if extended else dn

    def _send_changes(self, message_id: int, request: SearchRequest, dirsync: DirSync) -> None:
        if request.filter == filters.Equality("isDeleted", b"TRUE"):  # are any shown? The container of deleted objects is
            container = {"objectGUID": (b"\2" * 16,), "isDeleted": (b"TRUE",)}
            shown = tuple(PartialAttribute(name, values) for name, values in container.items())
            self._send(message_id, SearchResultEntry(f"CN=Deleted Objects,{BASE}", shown))
            self._send(message_id, SearchResultDone(Result(0)), (controls.control(DirSync(0, 0, b"1")),))
            return
        self.requests.append(dirsync)
        if dirsync.cookie and self.refusals:
            words = "00000057: LdapErr: the cookie is not valid"
            self._send(message_id, SearchResultDone(Result(self.refusals.pop(0), "", words)))
            return
        given, _, told = dirsync.cookie.partition(b"/")
        since = int(given or b"0")
        ordered = sorted((entry for entry in self.entries.values() if entry.usn > since), key=lambda entry: entry.usn)
        if dirsync.flags & DirSyncFlags.ANCESTORS_FIRST:
            ordered.sort(key=lambda entry: entry.dn.count(","))
        matching = [entry for entry in ordered if entry.deleted or _holds(request.filter, entry.shown())]
        start = int(told or b"0")
        for entry in matching[start : start + self.portion]:
            changed = self._changed(entry, since, request.attributes, dirsync.flags)
            self._send(message_id, SearchResultEntry(f"<GUID={entry.guid}>;{entry.dn}", changed))
        more = start + self.portion < len(matching)
        highest = max(entry.usn for entry in self.entries.values())
        cookie = f"{since}/{start + self.portion}" if more else str(highest)
        self._send(
            message_id,
            SearchResultDone(Result(0)),
            (controls.control(DirSync(int(more), 0, cookie.encode())),),
        )

    def _changed(self, entry: Entry, since: int, wanted: tuple[str, ...], flags: int) -> tuple[PartialAttribute, ...]:
        assert flags & DirSyncFlags.INCREMENTAL_VALUES
        news = [change for usn, change in entry.changes.items() if usn > since]
        named = {name.lower() for names_of_one, _, _ in news for name in names_of_one} | {"objectguid"}
        shown = {**entry.shown(), "parentGUID": [b"\1" * 16]}
        told = [
            PartialAttribute(name, tuple(shown.get(name, ())))
            for name in wanted
            if name.lower() in named and name.lower() != "member"
        ]
        for number, place in ((1, 1), (0, 2)):
            values = tuple(self._value(dn.encode(), True) for change in news for dn in change[place])
            told += [PartialAttribute(f"member;range={number}-{number}", values)] if values else []
        return tuple(told)

    def _send(self, message_id: int, operation: Operation, told: tuple[Control, ...] = ()) -> None:
        assert self._connection is not None
        with contextlib.suppress(OSError):
            self._connection.sendall(encode_message(LDAPMessage(message_id, operation, told)))


def _cursor(invocation: UUID, number: int) -> str:
    """One value of msDS-NCReplCursors."""
    return (
        f"<DS_REPL_CURSOR>\n\t<uuidSourceDsaInvocationID>{invocation}</uuidSourceDsaInvocationID>\n"
        f"\t<usnAttributeFilter>{number}</usnAttributeFilter>\n"
        "\t<ftimeLastSyncSuccess>2026-11-28T12:00:00Z</ftimeLastSyncSuccess>\n</DS_REPL_CURSOR>\n"
    )


def _texts(values: list[bytes]) -> list[str]:
    return [value.decode() for value in values]


def _holds(wanted: filters.Filter, shown: Attributes) -> bool:
    known = {name.lower(): values for name, values in shown.items()}
    match wanted:
        case filters.And(parts):
            return all(_holds(part, shown) for part in parts)
        case filters.Or(parts):
            return any(_holds(part, shown) for part in parts)
        case filters.Present(attribute):
            return attribute.lower() in known
        case filters.Equality(attribute, value):
            return value in known.get(attribute.lower(), ())
        case filters.GreaterOrEqual(attribute, value):
            return any(int(one) >= int(value) for one in known.get(attribute.lower(), ()))
        case filters.LessOrEqual(attribute, value):
            return any(int(one) <= int(value) for one in known.get(attribute.lower(), ()))
    raise AssertionError(f"the script knows no {wanted}")
