"""A listening port that accepts a few connections in one turn of the reactor, and lets each send little that nobody has read.

Twisted's accepts as many as come, and more in each turn in which all came: a stranger who opens a thousand connections holds up
everybody for as long as a thousand protocols take to be made, and for their first octets in the turn after. What is not
accepted waits in the kernel's queue, and others are served in between. Linux lets a sender fill megabytes of its memory before
they are read, and copying and freeing them takes the processor's time. Private part: `Port.numberAccepts`."""

import socket
from typing import Final

from twisted.internet import tcp

ACCEPTS_IN_A_TURN: Final = 8
"""A connection costs some 0.2 milliseconds, with its first request; a busy server has thousands of turns a second."""

UNREAD_BYTES: Final = 65_536
"""What a client may send before it is read; Linux doubles it for its own needs. A request is a few hundred octets; a large
upload goes on as fast as it is read, up to some 6 MiB a second over a way of 20 milliseconds there and back."""


class BoundedPort(tcp.Port):
    """A TCP port with these bounds."""

    _accepts = 1

    def createInternetSocket(self) -> socket.socket:
        """Return the listening socket: those that are accepted have its bounds."""
        made: socket.socket = super().createInternetSocket()  # type: ignore[no-untyped-call]
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)
        return made

    @property
    def numberAccepts(self) -> int:
        """The number of connections that are accepted in the next turn, as Twisted adapts it, up to ACCEPTS_IN_A_TURN."""
        return self._accepts

    @numberAccepts.setter
    def numberAccepts(self, wanted: int) -> None:
        self._accepts = min(wanted, ACCEPTS_IN_A_TURN)
