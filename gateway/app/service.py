"""`gateway serve` as a process: start and stop order, signals, notifications to systemd.

Start: lock, store, ports, LDAP server, views, sources. Stop: ports, sources, LDAP clients, views, store; bounded, so
that a part that hangs is left behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

import structlog
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from gateway import __version__
from gateway.app.config.loader import Loaded
from gateway.app.listeners import Ports
from gateway.app.parts import opened_store
from gateway.app.process import log_setup
from gateway.app.process.data_directory import DataDirLock, prepare
from gateway.app.process.gc_freeze import freeze
from gateway.app.process.log_output import LogOutput
from gateway.app.process.systemd_notify import notify
from gateway.app.wiring import Program, build
from gateway.model.errors import ConfigurationError, GatewayError
from gateway.twisted_internals.reactor import IReactor
from gateway.twisted_internals.turn_reactor import turn_reactor

STOP_SECONDS: Final = 20.0  # a batch in progress takes far less; systemd kills after TimeoutStopSec=30
CLIENT_CLOSE_SECONDS: Final = 2.0  # clients that have not closed by then are cut off

_log = structlog.get_logger("gateway.service")


def serve(loaded: Loaded, environ: Mapping[str, str]) -> int:
    """Run until a signal ends it; return the exit code. Raises ConfigurationError or StoreUnavailable when it cannot start."""
    reactor = turn_reactor()
    settings = loaded.settings
    log_lines = log_setup.configure(settings.log.level, settings.log.format, queued=True)
    log_setup.forward_twisted()
    for warning in loaded.warnings:
        _log.warning(warning)
    with ExitStack() as stack:
        stack.callback(log_lines.drain)
        prepare(settings.data_dir)
        prepare(settings.view_dir)
        stack.enter_context(DataDirLock(settings.data_dir, settings.reading_rules()))
        database = opened_store.open_database(settings, reactor)
        try:
            service = Service(build(settings, database, reactor, log_lines), reactor, environ, log_lines)
        except BaseException:
            database.close()  # its threads would keep the process alive
            raise
        freeze()
        service.run()
        return service.exit_code


class Service:
    """One program in one process."""

    def __init__(self, program: Program, reactor: IReactor, environ: Mapping[str, str], log_lines: LogOutput) -> None:
        self._program = program
        self._reactor = reactor
        self._environ = environ
        self._log_lines = log_lines
        self._ports = Ports(reactor)
        self._hangs = False
        self._ending = False
        self._error: GatewayError | None = None
        self.exit_code = 0

    def run(self) -> None:
        """Start, serve until SIGTERM or SIGINT, stop. Raises the error that kept it from starting."""
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.run()
        if self._hangs:
            # Threads that never come back would keep the process alive for ever.
            self._log_lines.drain()
            os._exit(1)
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        program = self._program
        try:
            self._ports.open(program.listeners)
            program.threads.start()
            program.failures.append(self._fail)
            program.ldap.start()
            for follower in program.followers:
                follower.start()
            program.runners.start()
        except GatewayError as error:
            self._fail(error)
            return
        except Exception:
            _log.exception("the gateway cannot start")
            self.exit_code = 1
            self._end()
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._end))
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self._reload))
        addresses = {key: ", ".join(places) for key, places in self._ports.addresses().items()}
        _log.info("the gateway serves", version=__version__, **addresses)
        notify(self._environ, "READY=1", f"STATUS=serving {'; '.join(f'{key} {at}' for key, at in addresses.items())}")

    def _fail(self, error: GatewayError) -> None:
        """End with an error, as one that kept it from starting."""
        if not self._ending:
            self._error = error
            self._end()

    def _end(self) -> None:
        """Begin to stop; what is ending already is not asked again: a manager may send its signal twice."""
        if not self._ending:
            self._ending = True
            self._reactor.stop()

    def _stop(self) -> Deferred[None]:
        _log.info("the gateway stops")
        notify(self._environ, "STOPPING=1")
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the impatient press it again
        stopping = ensureDeferred(self._stop_in_order())
        stopping.addTimeout(STOP_SECONDS, self._reactor)
        return stopping.addErrback(self._left_behind)

    async def _stop_in_order(self) -> None:
        program = self._program
        await self._ports.close()
        await program.runners.stop()
        await self._end_clients()
        for close in program.closers:
            close()
        for follower in program.followers:
            await follower.stop()
        program.tail.close()
        program.database.close()
        _log.info("the gateway has stopped")

    async def _end_clients(self) -> None:
        """Send LDAP clients the notice of disconnection, and cut off those that do not close."""
        gone = self._program.ldap.stop()
        cutting = self._reactor.callLater(CLIENT_CLOSE_SECONDS, self._program.ldap.drop_all)
        await gone
        if cutting.active():
            cutting.cancel()
        if self._program.threads.started:
            self._program.threads.stop()

    def _left_behind(self, failure: Failure) -> None:
        self._hangs, self.exit_code = True, 1
        _log.error("the gateway stops without waiting any longer", error=str(failure.value) or type(failure.value).__name__)

    def _reload(self) -> None:
        notify(self._environ, "RELOADING=1")
        for certificate in self._program.certificates:
            try:
                certificate.reload()
            except ConfigurationError as error:
                _log.error(f"{error}; the old certificate stays in use")
        _log.info("certificates are read again", count=len(self._program.certificates))
        notify(self._environ, "READY=1")
