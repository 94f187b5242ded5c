"""The connection pool of one upstream for binds and password changes: a bounded number of connections, reused, dropped when
they hang.

Of several URLs the pool stays with the one that answered last. While a server is known to be down no request waits for it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.connectors.circuit_breaker import CircuitBreaker
from gateway.connectors.ldap.bind.certificate_trust import CertificateTrust, FileStamp, certificate_trust, file_stamp
from gateway.connectors.ldap.bind.client import BindClient
from gateway.connectors.ldap.bind.connect import connect
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.errors import Place, UpstreamRefused, UpstreamUnavailable
from gateway.model.errors import SourceUnavailable

T = TypeVar("T")


class BindPool:
    """The pool; `run` lends one of its connections to a request."""

    def __init__(self, settings: PassThroughSettings, reactor: IReactorTime) -> None:
        self._settings = settings
        self._reactor = reactor
        self._addresses = settings.upstream.addresses
        self._current = 0
        self._breaker = CircuitBreaker(reactor.seconds)
        self._slots = DeferredSemaphore(settings.connections)
        self._idle: dict[BindClient, float] = {}
        """The idle connections and the time since when, the longest first."""
        self._sweep: IDelayedCall | None = None
        """The call that closes the connections that have been idle for too long."""
        self._busy: set[BindClient] = set()
        self._trust: CertificateTrust | None = None
        self._trusted: FileStamp | None = None
        """The stamp of ca_file as `_trust` was made from it."""

    async def run(self, request: Callable[[BindClient, float], Awaitable[T]]) -> T:
        """Return the result of `request(connection, until)`, which must be there by `until` (the reactor's clock, in seconds).

        Any account may be bound on the connection. Raises SourceUnavailable, for wrong TLS settings too: they are no statement
        about the password. When `request` raises, the connection is dropped.
        """
        until = self._reactor.seconds() + self._settings.bind_seconds
        if self._slots.tokens:  # without a Deferred, in the common case
            self._slots.acquire()
        else:
            await self._wait_for_slot(until)
        try:
            return await self._guarded(request, until)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Drop all connections; questions in flight raise SourceUnavailable."""
        self._drop_idle()
        for client in list(self._busy):
            client.drop()

    def _share(self, until: float) -> float:
        """Return the longest time for one of several waits, in seconds: half of the rest: the upstream needs time to answer."""
        left: float = until - self._reactor.seconds()
        return max(0.0, left / 2)

    async def _wait_for_slot(self, until: float) -> None:
        """Wait until one of the connections is free. Raises UpstreamUnavailable."""
        place = Place(self._settings.id, ", ".join(self._settings.upstream.urls))
        cure = "raise bind_connections, or see why the upstream is slow"
        if len(self._slots.waiting) >= self._settings.waiting:
            raise UpstreamUnavailable(place, f"{self._settings.waiting} binds are waiting already", cure)
        try:
            await self._slots.acquire().addTimeout(self._share(until), self._reactor)
        except DeferredTimeout:
            raise UpstreamUnavailable(place, "no connection became free in time", cure) from None

    async def _guarded(self, request: Callable[[BindClient, float], Awaitable[T]], until: float) -> T:
        if not self._breaker.admits():
            raise SourceUnavailable(f"{self._breaker.reason} (known to be down, tried again within seconds)")
        try:
            answer = await self._run_on(self._idle_client() or await self._new_client(until), request, until)
        except UpstreamRefused as error:  # the TLS settings, not the user's password
            self._failed(str(error))
            raise SourceUnavailable(str(error)) from None
        except UpstreamUnavailable as error:
            self._failed(str(error))
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return answer

    def _failed(self, reason: str) -> None:
        """Let the next bind begin with the next address, on a new connection: the idle ones may hang as this one did."""
        self._drop_idle()
        self._current = (self._current + 1) % len(self._addresses)
        self._breaker.failed(reason)

    async def _run_on(self, client: BindClient, request: Callable[[BindClient, float], Awaitable[T]], until: float) -> T:
        self._busy.add(client)
        try:
            answer = await request(client, until)
        except BaseException:
            client.drop()
            raise
        finally:
            self._busy.discard(client)
        self._park(client)
        return answer

    def _idle_client(self) -> BindClient | None:
        """Return the idle connection that was used last, so that the others reach their idle time."""
        while self._idle:
            client, _ = self._idle.popitem()
            if client.usable:
                return client
        return None

    def _park(self, client: BindClient) -> None:
        if client.usable:
            self._idle[client] = self._reactor.seconds()
            if self._sweep is None:
                self._sweep = self._reactor.callLater(self._settings.idle_seconds, self._end_idle)

    def _drop_idle(self) -> None:
        idle, self._idle = self._idle, {}
        for client in idle:
            client.drop()
        self._stop_sweep()

    def _end_idle(self) -> None:
        """Close the connections that have been idle for long enough, and run again when the next one will have been."""
        self._sweep = None
        before = self._reactor.seconds() - self._settings.idle_seconds
        for client in [one for one, since in self._idle.items() if since <= before]:
            del self._idle[client]
            client.drop()
        if self._idle:
            wait = next(iter(self._idle.values())) - before
            self._sweep = self._reactor.callLater(wait, self._end_idle)

    def _forget(self, client: BindClient) -> None:
        """Remove a connection that has ended by itself."""
        self._idle.pop(client, None)
        if not self._idle:
            self._stop_sweep()

    def _stop_sweep(self) -> None:
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            sweep.cancel()

    async def _new_client(self, until: float) -> BindClient:
        """Return a new connection to the first address that can be reached, beginning with the one that worked last."""
        failures: list[UpstreamUnavailable] = []
        for offset in range(len(self._addresses)):
            index = (self._current + offset) % len(self._addresses)
            try:
                client = await self._connect(index, self._share(until))
            except UpstreamUnavailable as error:
                failures.append(error)
            else:
                self._current = index
                return client
        raise failures[-1]

    async def _connect(self, index: int, seconds: float) -> BindClient:
        upstream, address = self._settings.upstream, self._addresses[index]
        place = Place(self._settings.id, address.url)
        trust = self._current_trust(place) if address.tls or upstream.start_tls else None
        seconds = min(upstream.connect_seconds, seconds)
        client = await connect(self._reactor, place, address, trust, upstream.start_tls, seconds)
        client.lost.addCallback(lambda _: self._forget(client))
        return client

    def _current_trust(self, place: Place) -> CertificateTrust:
        """Return the trust that ca_file gives by now: a server's new certificate may come with a new authority."""
        upstream = self._settings.upstream
        try:
            stamp = None if upstream.ca_file is None else file_stamp(upstream.ca_file)
            if self._trust is None or stamp != self._trusted:
                self._trust, self._trusted = certificate_trust(upstream.ca_file, upstream.certificate_sha256), stamp
            return self._trust
        except Exception as error:  # OSError, or OpenSSL's errors for a file without certificates
            what = f"ca_file {self._settings.upstream.ca_file} cannot be used ({type(error).__name__})"
            raise UpstreamRefused(place, what, "give a readable PEM file with the authority's certificate") from None
