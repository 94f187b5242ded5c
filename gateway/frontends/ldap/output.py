"""Writing to a client without the detour: Twisted's TCP transport hands octets to the socket in the next turn of the reactor,
which costs a small answer as much as making it. When nothing is queued, the socket is tried at once.

Everything else, what is left over included, goes through the transport: its buffer, its producers, its errors."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.tcp import Server


def writer(transport: Any) -> Callable[[bytes], object]:
    """How to write to a transport: at once for plain TCP (until TLS begins on it), else the transport's own way."""
    if type(transport) is not Server:
        return transport.write  # type: ignore[no-any-return]
    send = transport.getHandle().send

    def write(data: bytes) -> None:
        if not transport.dataBuffer and not transport._tempDataBuffer and transport.connected and not transport.disconnecting:
            with suppress(OSError):  # full, or broken: the transport finds out by itself, and tells
                data = data[send(data) :]
            if not data:
                return
        transport.write(data)  # type: ignore[no-untyped-call]

    return write
