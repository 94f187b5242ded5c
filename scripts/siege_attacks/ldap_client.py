"""The least of an LDAP client that an attack needs: requests as octets, and answers counted, not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from gateway.wire import filters
from gateway.wire.codec.encoder import encode_message
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import BindRequest, Control, LDAPMessage, Operation, SearchRequest, SimpleAuthentication

SEARCH_RESULT_DONE = 0x65  # [APPLICATION 5]

Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(message_id: int, operation: Operation, *controls: Control) -> bytes:
    return encode_message(LDAPMessage(message_id, operation, controls))


def bind(message_id: int, name: str, password: str) -> bytes:
    return request(message_id, BindRequest(3, name, SimpleAuthentication(password.encode())))


def search(message_id: int, base: str, text: str, *controls: Control, scope: int = 2, size_limit: int = 0) -> bytes:
    return request(message_id, SearchRequest(base, scope, 0, size_limit, 0, False, filters.parse(text), ()), *controls)


@asynccontextmanager
async def connection(address: Address, source: str = "127.0.0.1") -> AsyncIterator[Streams]:
    """One connection from the address `source`; whatever the gateway does to it is no error."""
    reader, writer = await asyncio.open_connection(*address, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def answer(reader: asyncio.StreamReader, seconds: float = 30) -> bytes:
    """What comes next; b"" at the end, or when nothing comes in time."""
    with suppress(OSError, asyncio.TimeoutError):
        return await asyncio.wait_for(reader.read(65_536), seconds)
    return b""


async def last_answer(reader: asyncio.StreamReader) -> bool:
    """Read all of the answer to a search; False at the end. Its message id may be used again then, and not before."""
    framer = Framer(Limits())
    while data := await answer(reader):
        if any(_operation_tag(message) == SEARCH_RESULT_DONE for message in framer.feed(data)):
            return True
    return False


def _operation_tag(message: bytes) -> int:
    """The tag behind the length and a message id of one octet."""
    head = 2 if message[1] < 0x80 else 2 + (message[1] & 0x7F)
    return message[head + 3]


def names(prefix: str) -> Iterator[str]:
    """Bind names that nobody has, without end."""
    number = 0
    while True:
        number += 1
        yield f"uid={prefix}{number},ou=people,dc=open,dc=test"
