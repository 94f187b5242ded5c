"""The connections to one upstream on which passwords are asked and changed: a bounded number, re-used, given up when they hang.

Of several URLs the pool stays with the one that answered last; nobody queues for a server that is known to be down."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.defer import TimeoutError as DeferredTimeout

from gateway.connectors.circuit_breaker import CircuitBreaker
from gateway.connectors.ldap.bind.client import BindClient, connect, trust_root
from gateway.connectors.ldap.client.errors import Place, UpstreamRefused, UpstreamUnavailable
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.errors import SourceUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThroughSettings:
    """`id`: the source's name. `connections`: binds in flight at once. `waiting`: how many more may wait for one of them.

    `bind_seconds`: how long a bind may take in all, waiting for a connection included. `decoy_base`: below it lies the name
    that does not exist.
    """

    id: str
    upstream: Upstream
    connections: int = 8
    waiting: int = 256
    bind_seconds: float = 5.0
    idle_seconds: float = 60.0
    decoy_base: str = ""


class BindPool:
    """`ask` has the use of one connection for a while."""

    def __init__(self, settings: PassThroughSettings, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._addresses = settings.upstream.addresses
        self._current = 0
        self._breaker = CircuitBreaker(reactor.seconds)
        self._slots = DeferredSemaphore(settings.connections)
        self._idle: dict[BindClient, float] = {}
        """Since when they have been idle, the longest first."""
        self._sweep: Any = None
        """The call that ends those that have been idle for too long."""
        self._busy: set[BindClient] = set()
        self._root: Any = None

    async def ask(self, work: Callable[[BindClient, float], Awaitable[T]]) -> T:
        """What `work` makes of a connection, on which anybody may be bound, by the time (`reactor.seconds`) that it is given.
        Raises SourceUnavailable, also for our own mistakes (TLS settings): they say nothing of anybody's password. When `work`
        raises, the connection is dropped."""
        until = self._reactor.seconds() + self._settings.bind_seconds
        if self._slots.tokens:  # at once, whoever gets it
            self._slots.acquire()
        else:
            await self._slot(until)
        try:
            return await self._watched(work, until)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Drop all connections; questions in flight raise SourceUnavailable."""
        self._drop_idle()
        for client in list(self._busy):
            client.drop()

    def _share(self, until: float) -> float:
        """How long one of several waits may be, in seconds: half of what is left, so that the upstream has time to answer."""
        left: float = until - self._reactor.seconds()
        return max(0.0, left / 2)

    async def _slot(self, until: float) -> None:
        """Wait for one of the connections to be free."""
        place = Place(self._settings.id, ", ".join(self._settings.upstream.urls))
        cure = "raise bind_connections, or see why the upstream is slow"
        if len(self._slots.waiting) >= self._settings.waiting:
            raise UpstreamUnavailable(place, f"{self._settings.waiting} binds are waiting already", cure)
        try:
            await self._slots.acquire().addTimeout(self._share(until), self._reactor)
        except DeferredTimeout:
            raise UpstreamUnavailable(place, "no connection became free in time", cure) from None

    async def _watched(self, work: Callable[[BindClient, float], Awaitable[T]], until: float) -> T:
        if not self._breaker.admits():
            raise SourceUnavailable(f"{self._breaker.reason} (known to be down, tried again within seconds)")
        try:
            answer = await self._used(self._reused() or await self._connected(until), work, until)
        except UpstreamRefused as error:  # our own settings (TLS), not the person's password
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
        """The next bind begins with the next address, on a new connection: the others hang as this one did."""
        self._drop_idle()
        self._current = (self._current + 1) % len(self._addresses)
        self._breaker.failed(reason)

    async def _used(self, client: BindClient, work: Callable[[BindClient, float], Awaitable[T]], until: float) -> T:
        self._busy.add(client)
        try:
            answer = await work(client, until)
        except BaseException:
            client.drop()
            raise
        finally:
            self._busy.discard(client)
        self._park(client)
        return answer

    def _reused(self) -> BindClient | None:
        """The connection that was used last: the others may grow idle and end."""
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
        """Ends what has been idle for long enough, and looks again when the next one will have been."""
        self._sweep = None
        before = self._reactor.seconds() - self._settings.idle_seconds
        for client in [one for one, since in self._idle.items() if since <= before]:
            del self._idle[client]
            client.drop()
        if self._idle:
            wait = next(iter(self._idle.values())) - before
            self._sweep = self._reactor.callLater(wait, self._end_idle)

    def _forget(self, client: BindClient) -> None:
        """The connection has ended by itself."""
        self._idle.pop(client, None)
        if not self._idle:
            self._stop_sweep()

    def _stop_sweep(self) -> None:
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            sweep.cancel()

    async def _connected(self, until: float) -> BindClient:
        """A new connection to the first address that can be reached, beginning with the one that worked last."""
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
        if self._root is None and (address.tls or upstream.start_tls):
            self._root = self._trusted(place)
        seconds = min(upstream.connect_seconds, seconds)
        client = await connect(self._reactor, place, address, self._root, upstream.start_tls, seconds)
        client.lost.addCallback(lambda _: self._forget(client))
        return client

    def _trusted(self, place: Place) -> Any:
        upstream = self._settings.upstream
        try:
            return trust_root(upstream.ca_file, upstream.certificate_sha256)
        except Exception as error:  # OSError, or OpenSSL's own errors for what is not a certificate
            what = f"ca_file {self._settings.upstream.ca_file} cannot be used ({type(error).__name__})"
            raise UpstreamRefused(place, what, "give a readable PEM file with the authority's certificate") from None
