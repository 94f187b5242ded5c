"""Looking up one person at an LDAP source by the login name, with the source's own account: a UserLookup (model/jit.py).

A stranger decides how often this happens, so it is bounded: few connections, few that wait, and nobody waits for a server that
is known to be down. It goes by the blocking session of the readers, in threads of its own."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

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
from gateway.wire import filters
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from gateway.wire.result_codes import ResultCode

CONNECTIONS: Final = 2  # a person is looked up once in a life; all else that is looked up are mistakes and guesses
MOST_ASKED: Final = 32  # look-ups under way and waiting; each is a bind that has not been answered
MOST_FOUND: Final = 2  # a second one already means that the name is nobody's alone
MAX_LOGIN_CHARACTERS: Final = 256

EntryToDelta = Callable[[bytes, list[tuple[str, list[bytes]]]], Delta | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLookupSettings:
    """`filter`: which entries are people. `login_attributes`: where the login name is. `attributes`: what to ask for.
    `seconds`: the longest wait for a connection, and again for an answer."""

    id: str
    upstream: Upstream
    bases: tuple[str, ...]
    filter: str
    login_attributes: tuple[str, ...]
    attributes: tuple[str, ...]
    seconds: float = 5.0


class LdapUserLookup:
    """`read`: an entry as a delta; None when it is out of scope. `reactor` needs IReactorTime and IReactorFromThreads."""

    def __init__(self, settings: UserLookupSettings, read: EntryToDelta, reactor: Any) -> None:
        self._settings = settings
        seconds = settings.seconds
        connect_seconds = min(settings.upstream.connect_seconds, seconds)
        self._upstream = replace(settings.upstream, connect_seconds=connect_seconds, answer_seconds=seconds)
        self._read = read
        self._reactor = reactor
        self._threads = ThreadPool(0, CONNECTIONS, f"find-{settings.id}")
        self._breaker = CircuitBreaker(reactor.seconds)
        self._asked = threading.BoundedSemaphore(MOST_ASKED)
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
            found = await self._in_time(login)
        except SourceRefused as error:  # our own account or settings: they say nothing of anybody
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
        """End everything; what is under way raises SourceUnavailable."""
        self._closed = True
        for interruption in list(self._busy):
            interruption.stop()
        while self._idle:
            self._idle.pop()[0].close()
        if self._threads.started:
            self._threads.stop()

    async def _in_time(self, login: str) -> list[Delta]:
        if self._closed or not self._asked.acquire(blocking=False):
            raise SourceUnavailable(f"source {self._settings.id}: {MOST_ASKED} names are being looked up; try again shortly")
        if not self._threads.started:
            self._threads.start()
        found: Deferred[list[Delta]] = deferToThreadPool(self._reactor, self._threads, self._look, login)
        seconds = self._settings.seconds * 3  # connecting, binding, searching
        try:
            return await found.addTimeout(seconds, self._reactor)
        except DeferredTimeout:
            raise SourceUnavailable(f"source {self._settings.id}: a name was not looked up within {seconds:g} s") from None

    def _look(self, login: str) -> list[Delta]:
        """In a thread. A connection that has been idle may have ended: that is no failure."""
        try:
            with contextlib.suppress(IndexError, UpstreamUnavailable):
                return self._used(*self._idle.pop(), login)
            interruption = Interruption()
            self._busy.add(interruption)
            try:
                session = connect(self._settings.id, self._upstream, interruption)
            finally:
                self._busy.discard(interruption)
            return self._used(session, interruption, login)
        finally:
            self._asked.release()

    def _used(self, session: Session, interruption: Interruption, login: str) -> list[Delta]:
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
        wanted = filters.And((filters.parse(settings.filter), names[0] if len(names) == 1 else filters.Or(names)))
        people: list[Delta] = []
        for base in settings.bases:
            request = SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, MOST_FOUND, 0, False, wanted, settings.attributes)
            found = search.Found()
            several = [self._read(*session.entry(data)) for data in search.search(session, request, found)]
            if found.code not in (ResultCode.SUCCESS, ResultCode.SIZE_LIMIT_EXCEEDED):
                raise refusal(session.place, f"a person below {base} cannot be looked up", found.result.result, SEARCH_CURES)
            people += [delta for delta in several if delta is not None]
        return people
