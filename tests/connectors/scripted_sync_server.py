"""An LDAP server that plays a script, for what no real server does on demand. It answers binds and the root DSE by itself."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

from gateway.wire import controls, oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.framing import Framer
from gateway.wire.messages import (
    BASE_OBJECT,
    BindRequest,
    BindResponse,
    Control,
    ExtendedResponse,
    IntermediateResponse,
    LDAPMessage,
    Operation,
    PartialAttribute,
    Result,
    SearchRequest,
    SearchResultDone,
    SearchResultEntry,
    UnbindRequest,
)

SUFFIX = "dc=example,dc=test"

Answer = tuple[Operation, tuple[Control, ...]]
Script = Callable[["ScriptedSyncServer", SearchRequest, bytes | None], list[Answer]]
"""The answers to a synchronization search with this cookie."""


class ScriptedSyncServer:
    """Serves one connection after the other with the same script. `cookies`: those that the client sent, in order."""

    def __init__(self, script: Script) -> None:
        self.cookies: list[bytes | None] = []
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ScriptedSyncServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        framer = Framer()
        while data := connection.recv(65536):
            for message in map(decode_message, framer.feed(data)):
                if isinstance(message.operation, UnbindRequest):
                    return
                for operation, wanted in self._answers(message):
                    message_id = 0 if isinstance(operation, ExtendedResponse) else message.message_id
                    connection.sendall(encode_message(LDAPMessage(message_id, operation, wanted)))

    def _answers(self, message: LDAPMessage) -> list[Answer]:
        operation = message.operation
        if isinstance(operation, BindRequest):
            return [(BindResponse(Result(0)), ())]
        assert isinstance(operation, SearchRequest)
        request = controls.find(message.controls, controls.SyncRequest)
        if request is not None:
            self.cookies.append(request.cookie)
            return self._script(self, operation, request.cookie)
        if operation.scope != BASE_OBJECT:
            return [done()]
        supported = PartialAttribute("supportedControl", (oids.SYNC_REQUEST.encode(),))
        return [(SearchResultEntry(operation.base_object, (supported,)), ()), done()]


def uuid(number: int) -> bytes:
    return number.to_bytes(16, "big")


def entry(number: int, state: controls.EntryState = controls.EntryState.ADD, cookie: bytes | None = None) -> Answer:
    """A person `user<number>`; without attributes when present or deleted."""
    name = f"user{number}"
    shown = state in (controls.EntryState.ADD, controls.EntryState.MODIFY)
    attributes = (PartialAttribute("uid", (name.encode(),)), PartialAttribute("cn", (name.encode(),))) if shown else ()
    told = controls.control(controls.SyncState(state, uuid(number), cookie))
    return SearchResultEntry(f"uid={name},{SUFFIX}", attributes), (told,)


def information(value: controls.SyncInfo) -> Answer:
    return IntermediateResponse(oids.SYNC_INFO, value.encode()), ()


def done(code: int = 0, value: controls.SyncDone | None = None) -> Answer:
    return SearchResultDone(Result(code)), () if value is None else (controls.control(value),)
