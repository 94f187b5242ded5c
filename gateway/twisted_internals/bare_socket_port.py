"""A listening port that accepts as Twisted's does, and hands out the accepted socket itself instead of a transport.

It buys worker processes: the primary accepts, applies its limits, and passes the socket on. A transport would register the
socket with this process's reactor, read from it and close it. Private part: `Port.transport`, the class of its transports.
"""

from __future__ import annotations

import socket

from gateway.twisted_internals.bounded_port import BoundedPort


class BareSocketPort(BoundedPort):
    """A TCP port whose protocols are given the accepted socket as their transport."""

    @staticmethod
    def transport(accepted: socket.socket, *_: object) -> socket.socket:  # type: ignore[override]
        """Return the socket itself in place of a transport."""
        return accepted
