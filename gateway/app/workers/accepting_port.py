"""The ports of the LDAP listeners when workers serve: the primary accepts, refuses beyond the limits, and hands the bare socket
to a worker."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import cast

from twisted.internet.interfaces import IAddress, ITransport
from twisted.internet.protocol import Factory, Protocol, ServerFactory

from gateway.app.workers.worker_handle import AcceptedConnection, WorkerHandle
from gateway.frontends.ldap.server.connection_limits import CountedAdmission, host_of, peer_of
from gateway.frontends.ldap.server.proxy_protocol import HeaderReading
from gateway.model.trusted_networks import TrustedNetworks
from gateway.twisted_internals.bare_socket_port import BareSocketPort
from gateway.twisted_internals.reactor import IReactor


class AcceptingFactory(ServerFactory):
    """The ports of one listener. `next_worker` returns the worker for the next connection, None when no worker serves;
    `trusted_proxies`: connections from there begin with a header of the PROXY protocol."""

    noisy = False

    def __init__(
        self,
        admission: CountedAdmission,
        next_worker: Callable[[], WorkerHandle | None],
        *,
        encrypted: bool,
        trusted_proxies: TrustedNetworks,
    ) -> None:
        self._trusted_proxies = trusted_proxies
        self._admission = admission
        self._next_worker = next_worker
        self._encrypted = encrypted
        self.ports: list[BareSocketPort] = []

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        host, worker = host_of(addr), self._next_worker()
        if worker is None or self._admission.refuses(host, peer_of(addr)):
            return None
        self._admission.opened(host)
        return _HandOver(worker, host, getattr(addr, "port", 0), self._encrypted)

    def _deliver(self, connection: socket, client: IAddress) -> None:
        protocol = self.buildProtocol(client)
        if protocol is None:
            connection.close()
        else:
            protocol.makeConnection(cast(ITransport, connection))  # type: ignore[no-untyped-call]

    def listen(self, reactor: IReactor, port: int, interface: str, backlog: int) -> BareSocketPort:
        """Open a port. Raises CannotListenError."""
        reading = HeaderReading(self._trusted_proxies, self._deliver, reactor)
        factory = cast(Factory, reading.factory())  # ServerFactory narrows buildProtocol's result, in Twisted's own types
        opened = BareSocketPort(port, factory, backlog, interface, reactor)
        opened.startListening()
        self.ports.append(opened)
        self.set_accepting(self._next_worker() is not None)
        return opened

    def set_accepting(self, accepting: bool) -> None:
        """Accept connections or leave them in the kernel's queue, where clients wait and notice nothing."""
        for port in self.ports:
            if port.connected and accepting:
                port.startReading()  # type: ignore[no-untyped-call]
            elif port.connected:
                port.stopReading()  # type: ignore[no-untyped-call]


class _HandOver(Protocol):
    """The protocol of an accepted socket, which hands it over at once. Its "transport" is the socket: see BareSocketPort."""

    def __init__(self, worker: WorkerHandle, host: str, port: int, encrypted: bool) -> None:
        self._worker, self._host, self._port, self._encrypted = worker, host, port, encrypted

    def makeConnection(self, transport: ITransport) -> None:
        self._worker.hand_over(AcceptedConnection(cast(socket, transport), self._host, self._port, self._encrypted))
