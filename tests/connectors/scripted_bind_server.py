"""A server that answers every bind with one result, or with octets that are no answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.framing import Framer
from gateway.wire.messages import BindResponse, LDAPMessage, Result


class ScriptedBindServer:
    """Serves connections one after the other until the block ends."""

    def __init__(self, code: int, garbage: bytes = b"", diagnostic: str = "") -> None:
        self._result = Result(code, "", diagnostic)
        self._garbage = garbage
        self._connection: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"ldap://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ScriptedBindServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connection = connection
            with connection, contextlib.suppress(ConnectionError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        framer = Framer()
        while data := connection.recv(65536):
            for message in map(decode_message, framer.feed(data)):
                answer = encode_message(LDAPMessage(message.message_id, BindResponse(self._result)))
                connection.sendall(self._garbage or answer)
