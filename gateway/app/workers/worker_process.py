"""The program of a worker: `python -m gateway.app.workers.worker_process`, started by the primary alone.

It serves the LDAP clients that it is handed, out of view files that the primary writes. It ends at the message Stop, and at
once when the primary has gone; it ignores signals, which the primary handles."""

from __future__ import annotations

import os
import pickle
import signal
import socket
from typing import Final, cast

import structlog
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import LoopingCall
from twisted.protocols.tls import TLSMemoryBIOFactory

from gateway.app.parts import ldap_server, source_parts
from gateway.app.parts.listener_certificate import certificate
from gateway.app.process import log_setup
from gateway.app.process.gc_freeze import freeze
from gateway.app.process.log_output import LogOutput
from gateway.app.workers.message_channel import Channel
from gateway.app.workers.primary_proxies import AdmissionProxy, SoftLockProxy
from gateway.app.workers.protocol import (
    BOOT_DESCRIPTOR,
    CHANNEL_DESCRIPTOR,
    HEARTBEAT_SECONDS,
    Boot,
    CertificateAssembly,
    CertificatePiece,
    Committed,
    ConnectionClosed,
    ConnectionTaken,
    NewConnection,
    Ready,
    SoftLockEntered,
    Stop,
    ToWorker,
    UpstreamAsked,
    ViewState,
    counters_report,
)
from gateway.directory.directory import Directory
from gateway.directory.materialization.shared_view import SharedView
from gateway.frontends.ldap.server.proxy_protocol import Announced
from gateway.frontends.ldap.server.server import LDAPServer
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import NEWEST
from gateway.twisted_internals.reactor import IReactor
from gateway.twisted_internals.turn_reactor import turn_reactor

CLIENT_CLOSE_SECONDS: Final = 1.5  # less than the primary waits before it ends us

_log = structlog.get_logger("gateway.workers")


class Worker:
    """The parts of one worker. `end`: its end of the channel."""

    def __init__(self, boot: Boot, end: socket.socket, reactor: IReactor, log_lines: LogOutput) -> None:
        settings = boot.settings
        self._log_lines = log_lines
        self._reactor = reactor
        self._channel: Channel[ToWorker] = Channel(reactor, end, ToWorker, self._orphaned)
        self._stopping = False
        self._database = Database(settings.store_url, reactor=reactor)
        self._database.require_schema(NEWEST)
        self._database.on_commit(lambda number: reactor.callFromThread(self._channel.send, Committed(number)))
        self._views = {table.name: SharedView(table.view(), settings.view_dir, reactor) for table in settings.view}
        self._certificate = certificate(settings.ldap, boot.pem)
        self._certificate_pieces = CertificateAssembly()
        self._soft_lock = SoftLockProxy(self._channel.send)
        self._ldap = ldap_server.build(
            settings,
            self._database,
            Directory(list(self._views.values())),
            source_parts.build(settings, reactor),
            reactor,
            soft_lock=self._soft_lock,
            report_upstream=lambda *report: self._channel.send(UpstreamAsked(*report)),
            certificate=self._certificate,
        )
        self._server = LDAPServer(self._ldap.services, AdmissionProxy(self._channel.send))
        self._factories: dict[bool, ServerFactory] = {False: self._server.factory()}
        if self._certificate is not None:
            context = cast(IOpenSSLContextFactory, self._certificate)  # a context factory in form, not by declaration
            encrypted = TLSMemoryBIOFactory(context, False, self._server.factory(encrypted=True))
            self._factories[True] = cast(ServerFactory, encrypted)  # any factory serves; only Twisted's types want this one
        self._counting = LoopingCall(self._count)
        self._counting.clock = reactor

    def run(self) -> None:
        """Serve until the primary sends Stop."""
        self._reactor.callWhenRunning(self._start)
        freeze()
        self._reactor.run(installSignalHandlers=False)

    def _start(self) -> None:
        self._ldap.services.threads.start()
        self._server.start()
        self._channel.start(self._received)
        self._channel.send(Ready())
        self._counting.start(HEARTBEAT_SECONDS)

    def _count(self) -> None:
        self._ldap.services.counters.log_lines_dropped = self._log_lines.dropped
        self._channel.send(counters_report(self._ldap.services.counters))

    def _received(self, message: ToWorker, handed: socket.socket | None) -> None:
        match message:
            case NewConnection():
                self._take(message, handed)
            case SoftLockEntered(number, admitted, unavailable):
                self._soft_lock.answered(number, admitted, unavailable)
            case ViewState(name, build, position):
                self._views[name].report(build, position)
            case CertificatePiece():
                pem = self._certificate_pieces.whole(message)
                if self._certificate is not None and pem is not None:
                    self._certificate.use(pem)
            case Stop():
                ensureDeferred(self._stop())

    def _take(self, message: NewConnection, handed: socket.socket | None) -> None:
        self._channel.send(ConnectionTaken())
        if handed is None:
            _log.error("a connection was lost on its way here", cure="raise this process's limit of open files")
            self._channel.send(ConnectionClosed(message.host))
            return
        client = (IPv6Address if ":" in message.host else IPv4Address)("TCP", message.host, message.port)
        factory = Announced(self._factories[message.encrypted], client)
        with handed:
            try:
                self._reactor.adoptStreamConnection(handed.fileno(), socket.AddressFamily(message.family), factory)
            except OSError:  # the client has gone meanwhile
                self._channel.send(ConnectionClosed(message.host))

    async def _stop(self) -> None:
        self._stopping = True
        gone: Deferred[None] = self._server.stop()
        cutting = self._reactor.callLater(CLIENT_CLOSE_SECONDS, self._server.drop_all)
        await gone
        if cutting.active():
            cutting.cancel()
        for close in self._ldap.closers:
            close()
        self._ldap.services.threads.stop()
        for view in self._views.values():
            view.close()
        self._count()
        self._counting.stop()
        self._database.close()
        self._channel.close()
        self._reactor.stop()

    def _orphaned(self) -> None:
        if not self._stopping:
            _log.error("the primary process has gone: this worker ends")
            self._log_lines.drain()
            os._exit(1)


def main() -> None:
    """Run a worker, with the files that the primary has opened for it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a manager may send them to the whole group
    with os.fdopen(BOOT_DESCRIPTOR, "rb") as file:
        boot: Boot = pickle.load(file)  # noqa: S301 (the primary, our parent, wrote it)
    reactor = turn_reactor()
    log_lines = log_setup.configure(boot.settings.log.level, boot.settings.log.format, worker=boot.number, queued=True)
    log_setup.forward_twisted()
    end = socket.socket(fileno=CHANNEL_DESCRIPTOR)
    end.set_inheritable(False)
    end.setblocking(False)
    Worker(boot, end, reactor, log_lines).run()
    log_lines.drain()


if __name__ == "__main__":
    main()
