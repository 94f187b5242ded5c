"""The ports of the LDAP listeners when workers serve: the primary accepts, refuses beyond the limits, and hands the bare socket
to a worker. So the limits hold over all workers, work is shared evenly, and no client waits in the queue of a dead process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory

from gateway.app.workers.worker_handle import Arrival, Post
from gateway.frontends.ldap.server.connection_limits import CountedAdmission, host_of, peer_of
from gateway.twisted_internals.bare_socket_port import BareSocketPort


class HandingFactory(ServerFactory):
    """One listener's. `choose` gives the worker for the next connection; None: nobody serves just now."""

    noisy = False

    def __init__(self, admission: CountedAdmission, choose: Callable[[], Post | None], *, encrypted: bool) -> None:
        self._admission = admission
        self._choose = choose
        self._encrypted = encrypted
        self.ports: list[BareSocketPort] = []

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        host, post = host_of(addr), self._choose()
        if post is None or self._admission.refuses(host, peer_of(addr)):
            return None
        self._admission.opened(host)
        return _Handing(post, host, self._encrypted)

    def listen(self, reactor: Any, port: int, interface: str, backlog: int) -> BareSocketPort:
        """Opens a port. Raises CannotListenError."""
        factory: Any = self
        opened = BareSocketPort(port, factory, backlog, interface, reactor)
        opened.startListening()
        self.ports.append(opened)
        self.attend(serving=self._choose() is not None)
        return opened

    def attend(self, *, serving: bool) -> None:
        """Accepts while somebody serves; else clients wait in the kernel's queue, where they notice nothing."""
        for port in self.ports:
            if port.connected and serving:
                port.startReading()  # type: ignore[no-untyped-call]
            elif port.connected:
                port.stopReading()  # type: ignore[no-untyped-call]


class _Handing(Protocol):
    """In place of a protocol: gets the socket and gives it away."""

    def __init__(self, post: Post, host: str, encrypted: bool) -> None:
        self._post, self._host, self._encrypted = post, host, encrypted

    def makeConnection(self, transport: Any) -> None:
        self._post.hand(Arrival(transport, self._host, self._encrypted))
