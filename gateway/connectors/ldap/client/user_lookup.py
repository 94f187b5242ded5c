"""The user lookup at an LDAP source: find one person by the login name, with the source's own account (model/jit.py).

Unauthenticated clients decide how often this happens, so it is bounded: few connections, a short queue, and a circuit breaker
for a server that is down. It uses the blocking session of the readers, in threads of its own."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.connectors.circuit_breaker import CircuitBreaker
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import connect
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamUnavailable, refusal
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import Delta
from gateway.model.errors import SourceRefused, SourceUnavailable
from gateway.model.mapping.inbound import EntryAttributes
from gateway.twisted_internals.reactor import IReactor
from gateway.wire import filters
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

CONNECTIONS: Final = 2  # a person is looked up once, before the first sign-in; all other names are mistakes and guesses
MAX_LOOKUPS: Final = 32  # lookups running and queued; each is a bind that has not been answered
MAX_ENTRIES: Final = 2  # a second entry already means that the name is ambiguous
MAX_LOGIN_CHARACTERS: Final = 256

EntryToDelta: TypeAlias = Callable[[bytes, EntryAttributes], Delta | None]
"""See EntryMapper.to_delta."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLookupSettings:
    """The settings of one source's lookup. `filter` (RFC 4515) matches the people below `bases`; one of `login_attributes` must
    equal the login name; `attributes` are requested. `seconds`: the longest wait for a connection, and again for an answer."""

    id: str
    upstream: Upstream
    bases: tuple[str, ...]
    filter: str
    login_attributes: tuple[str, ...]
    attributes: tuple[str, ...]
    seconds: float = 5.0


class LdapUserLookup:
    """A UserLookup (gateway.model.jit). `to_delta` maps an entry; None when it is out of scope."""

    def __init__(self, settings: UserLookupSettings, to_delta: EntryToDelta, reactor: IReactor) -> None:
        self._settings = settings
        seconds = settings.seconds
        connect_seconds = min(settings.upstream.connect_seconds, seconds)
        self._upstream = replace(settings.upstream, connect_seconds=connect_seconds, answer_seconds=seconds)
        self._to_delta = to_delta
        self._reactor = reactor
        self._threads = ThreadPool(0, CONNECTIONS, f"user-lookup-{settings.id}")
        self._breaker = CircuitBreaker(reactor.seconds)
        self._slots = threading.BoundedSemaphore(MAX_LOOKUPS)
        self._idle: list[tuple[Session, Interruption]] = []
        self._busy: set[Interruption] = set()
        self._closed = False

    async def look_up(self, login: str) -> Sequence[Delta]:
        """See UserLookup.look_up."""
        if not login or len(login) > MAX_LOGIN_CHARACTERS or "\0" in login:
            return ()
        if not self._breaker.admits():
            raise SourceUnavailable(f"{self._breaker.reason} (known to be down, tried again within seconds)")
        try:
            found = await self._look_up_in_time(login)
        except SourceRefused as error:  # the account or the settings of the source: no statement about the person
            self._breaker.failed(str(error))
            raise SourceUnavailable(str(error)) from None
        except SourceUnavailable as error:
            self._breaker.failed(str(error))
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return found

    def close(self) -> None:
        """Close all connections and end the threads; lookups that are running raise SourceUnavailable."""
        self._closed = True
        for interruption in list(self._busy):
            interruption.stop()
        while self._idle:
            self._idle.pop()[0].close()
        if self._threads.started:
            self._threads.stop()

    async def _look_up_in_time(self, login: str) -> list[Delta]:
        if self._closed or not self._slots.acquire(blocking=False):
            raise SourceUnavailable(f"source {self._settings.id}: {MAX_LOOKUPS} names are being looked up; try again shortly")
        if not self._threads.started:
            self._threads.start()
        found: Deferred[list[Delta]] = deferToThreadPool(self._reactor, self._threads, self._look_up_blocking, login)
        seconds = self._settings.seconds * 3  # connecting, binding, searching
        try:
            return await found.addTimeout(seconds, self._reactor)
        except DeferredTimeout:
            raise SourceUnavailable(f"source {self._settings.id}: a name was not looked up within {seconds:g} s") from None

    def _look_up_blocking(self, login: str) -> list[Delta]:
        """Run in a thread. An idle connection may have ended, which is no failure: then a new one is opened."""
        try:
            with contextlib.suppress(IndexError, UpstreamUnavailable):
                return self._search_and_keep(*self._idle.pop(), login)
            interruption = Interruption()
            self._busy.add(interruption)
            try:
                session = connect(self._settings.id, self._upstream, interruption)
            finally:
                self._busy.discard(interruption)
            return self._search_and_keep(session, interruption, login)
        finally:
            self._slots.release()

    def _search_and_keep(self, session: Session, interruption: Interruption, login: str) -> list[Delta]:
        self._busy.add(interruption)
        try:
            found = self._search(session, login)
        except BaseException:
            session.close()
            raise
        finally:
            self._busy.discard(interruption)
        if self._closed:
            session.close()
        else:
            self._idle.append((session, interruption))
        return found

    def _search(self, session: Session, login: str) -> list[Delta]:
        settings = self._settings
        value = login.encode("utf-8", "replace")
        names = tuple(filters.Equality(name, value) for name in settings.login_attributes)
        by_login = filters.And((filters.parse(settings.filter), names[0] if len(names) == 1 else filters.Or(names)))
        people: list[Delta] = []
        for base in settings.bases:
            request = SearchRequest(
                base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, MAX_ENTRIES, 0, False, by_login, settings.attributes
            )
            outcome = search.SearchOutcome()
            deltas = [self._to_delta(*session.entry(data)) for data in search.execute(session, request, outcome)]
            if outcome.code not in (ResultCode.SUCCESS, ResultCode.SIZE_LIMIT_EXCEEDED):
                raise refusal(session.place, f"a person below {base} cannot be looked up", outcome.result, SEARCH_CURES)
            people += [delta for delta in deltas if delta is not None]
        return people
