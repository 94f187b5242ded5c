"""A client of our own codec on a bare socket, for what ordinary clients do not let one send, and to see every octet."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from gateway.wire import filters, oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import (
    BindRequest,
    BindResponse,
    Control,
    ExtendedResponse,
    LDAPMessage,
    Operation,
    Result,
    SearchRequest,
    SearchResultDone,
    SearchResultEntry,
    SimpleAuthentication,
)
from tests.frontends.ldap.serving import Account, Serving

_ANY_SIZE = Limits(max_message_bytes=1 << 30)


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a search."""

    message_id: int
    result: Result
    controls: tuple[Control, ...]

    @property
    def code(self) -> int:
        return self.result.code


class WireClient:
    """`send` and `receive` messages; message ids count from 1."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._framer = Framer(_ANY_SIZE)
        self._ids = count(1)
        self._messages = self._read()

    def send(self, *operations: Operation, controls: tuple[Control, ...] = ()) -> list[int]:
        """Sends requests in one piece; their message ids."""
        messages = [LDAPMessage(next(self._ids), operation, controls) for operation in operations]
        self.socket.sendall(b"".join(map(encode_message, messages)))
        return [message.message_id for message in messages]

    def receive(self) -> LDAPMessage:
        """The next message. Raises EOFError at the end of the stream."""
        message = next(self._messages, None)
        if message is None:
            raise EOFError("the server has closed the connection")
        return message

    def ask(self, operation: Operation, controls: tuple[Control, ...] = ()) -> Operation:
        """One request with one response."""
        self.send(operation, controls=controls)
        return self.receive().operation

    def search(self, request: SearchRequest, *controls: Control) -> tuple[list[SearchResultEntry], Done]:
        """The entries, and how the search ended."""
        self.send(request, controls=controls)
        entries: list[SearchResultEntry] = []
        while isinstance((message := self.receive()).operation, SearchResultEntry):
            entries.append(message.operation)
        assert isinstance(message.operation, SearchResultDone)
        return entries, Done(message.message_id, message.operation.result, message.controls)

    def bind(self, account: Account) -> int:
        """The result code."""
        answer = self.ask(bind_request(account))
        assert isinstance(answer, BindResponse)
        return answer.result.code

    def rest(self) -> list[LDAPMessage]:
        """Everything up to the end of the stream."""
        return list(self._messages)

    def notice(self) -> Result:
        """The notice of disconnection that must be all that is left of the stream."""
        (message,) = self.rest()
        assert message.message_id == 0
        assert isinstance(message.operation, ExtendedResponse)
        assert message.operation.name == oids.NOTICE_OF_DISCONNECTION
        return message.operation.result

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> Iterator[LDAPMessage]:
        while data := self.socket.recv(1 << 20):
            for message in self._framer.feed(data):
                yield decode_message(message, _ANY_SIZE)


def connected(serving: Serving, account: Account | None = None, *, receive_buffer: int | None = None) -> WireClient:
    """A connection, bound if there is an account."""
    client = WireClient(serving.connect(receive_buffer=receive_buffer))
    if account is not None:
        assert client.bind(account) == 0
    return client


def bind_request(account: Account) -> BindRequest:
    """A simple bind."""
    return BindRequest(3, account.dn, SimpleAuthentication(account.password.encode()))


def search_request(
    base: str, text: str = "(objectClass=*)", scope: int = 2, attributes: tuple[str, ...] = (), **others: int
) -> SearchRequest:
    """A search; `others`: deref_aliases, size_limit, time_limit, types_only."""
    return SearchRequest(
        base,
        scope,
        others.get("deref_aliases", 0),
        others.get("size_limit", 0),
        others.get("time_limit", 0),
        bool(others.get("types_only", 0)),
        filters.parse(text),
        attributes,
    )
