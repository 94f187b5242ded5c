"""Requests that wait for nothing: Abandon, Unbind and Cancel make room, so they are answered even when the client has as many
operations in flight as it may have, or does not take its answers."""

from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation
from gateway.wire.messages import ExtendedRequest

_CANCEL = encode_operation(ExtendedRequest(oids.CANCEL))[2:]
_CANCEL_WITHIN = len(_CANCEL) + 6
"""The name comes first in an extended request, behind a tag and a length of at most five octets."""


def has_priority(message: bytes) -> bool:
    """Return whether it is an Abandon, Unbind or Cancel request, which waits for nothing; `message` as the framer gives it."""
    id_start = 2 if message[1] < 0x80 else message[1] - 0x7E
    tag = id_start + 2 + int.from_bytes(message[id_start + 1 : id_start + 2], "big")
    operation = message[tag : tag + 1]
    return operation in (b"\x50", b"\x42") or (operation == b"\x77" and _CANCEL in message[tag : tag + _CANCEL_WITHIN])
