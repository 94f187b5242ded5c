"""The real LDAP server on a loopback port of the test's reactor, over a real store; only the upstream is scripted.

Blocking clients run in a thread (`blocking`), while the reactor serves them."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.python.threadpool import ThreadPool

from gateway.app.parts.clock import now
from gateway.app.process.certificates import Certificate, TlsPolicy
from gateway.changelog.tail import Tail
from gateway.directory.authentication.authentication import Authentication
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.directory.authentication.revocation import Revocation
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.directory.directory import Directory
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.projection.view_kinds import openldap
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.server.server import LDAPServer
from gateway.model.applications import Scope
from gateway.model.connector import BindAnswer, BindOutcome, ChangeAnswer, PolicyNotice
from gateway.model.ldap.dn import DN
from gateway.store.clients import applications
from gateway.store.engine import migrate
from gateway.store.engine.database import Database
from gateway.store.log import changes
from gateway.twisted_internals.reactor import installed
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap import company
from tests.servers.pki import Pki

TIMEOUT_SECONDS = 20

P = ParamSpec("P")
the_reactor: Any = reactor


def blocking(test: Callable[P, None]) -> Callable[P, Deferred[None]]:
    """Runs a test in a thread, so that its clients may wait for the server."""

    @functools.wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> Deferred[None]:
        return deferToThread(test, *arguments, **named)

    return run


def in_reactor(work: Callable[..., Any], *arguments: Any) -> Any:
    """Runs `work` in the reactor's thread and waits for it; for blocking tests."""
    return blockingCallFromThread(the_reactor, work, *arguments)


def eventually(condition: Callable[[], bool], what: str = "it") -> None:
    """Waits until `condition` holds; for blocking tests."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {TIMEOUT_SECONDS} s"
        time.sleep(0.01)


@dataclass
class Upstream:
    """Vouches for passwords by a script. `gate`: what every answer waits for. `error`: what is raised instead of answering.
    `notice`: what its password policy says of every password."""

    passwords: dict[str, bytes] = field(default_factory=dict, repr=False)
    error: Exception | None = None
    gate: Deferred[None] | None = None
    asked: list[str] = field(default_factory=list)
    notice: PolicyNotice | None = None

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        self.asked.append(dn)
        if self.gate is not None:
            await self.gate
        if self.error is not None:
            raise self.error
        right = self.passwords.get(dn) == password
        return BindAnswer(BindOutcome.ACCEPTED if right else BindOutcome.REFUSED, self.notice)

    async def change(self, dn: str, old: bytes, new: bytes | None) -> ChangeAnswer:
        self.asked.append(dn)
        if self.passwords.get(dn) != old:
            return ChangeAnswer(ResultCode.INVALID_CREDENTIALS)
        return await self.reset(dn, new)

    async def reset(self, dn: str, new: bytes | None) -> ChangeAnswer:
        if self.error is not None:
            raise self.error
        if new == b"old":
            return ChangeAnswer(ResultCode.CONSTRAINT_VIOLATION, "in the history", PolicyNotice(error=8))
        self.passwords[dn] = new or b"chosen"
        return ChangeAnswer(0, generated=None if new else b"chosen")

    async def decoy(self, password: bytes) -> None:
        await self.authenticate("", password)


@dataclass(frozen=True)
class Account:
    """An identity to bind as, by a DN or another bind name."""

    dn: str
    password: str = field(repr=False)


class World:
    """The store, its view, and who may bind. `portal` sees everything, `narrow` only Sales and two attributes."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/store.sqlite")
        migrate.migrate(self.database)
        self.database.write_blocking(company.fill)
        self.portal = self.application("portal")
        sales = Scope((company.object_id("Sales"),), ())
        self.narrow = self.application("narrow", scope=sales, attributes=frozenset({"uid", "cn"}))
        self.tail = Tail(self.database, installed(), poll_seconds=0.1)
        self.view = openldap("openldap", DN.parse(company.BASE))
        self.follower = LogFollower(self.view, folder, self.database, self.tail, installed())
        self.directory = Directory([self.follower])
        self.threads = ThreadPool(0, 2, "search")

    def application(self, name: str, **rights: Any) -> Account:
        """One more application with these rights."""
        _, secret = self.database.write_blocking(lambda c: applications.add(c, name, now=company.BEGAN, **rights))
        return Account(f"cn={name},ou=applications,{company.BASE}", secret)

    async def start(self) -> None:
        """Returns when the view can be searched."""
        self.threads.start()
        self.follower.start()
        while self.follower.reader is None:
            await turn(0.01)

    async def stop(self) -> None:
        """No server may be running on it any more."""
        await self.follower.stop()
        self.threads.stop()
        self.tail.close()
        self.database.close()

    def follow(self) -> None:
        """Waits until the view has all that was committed; for blocking tests."""
        last = self.database.read_blocking(changes.last)
        eventually(lambda: self.follower.position >= last, "the view's position")


class Serving:
    """One LDAP server over a world, with a port for LDAP and, if it has a certificate, one for LDAPS."""

    def __init__(self, world: World, pki: Pki | None = None, clock: Any = reactor, **options: Any) -> None:
        self.world = world
        self.upstream = Upstream({company.upstream_dn(name): f"{name}-secret".encode() for name in ("ann", "bob")})
        self.ann, self.bob = Account(company.ANN, "ann-secret"), Account(company.BOB, "bob-secret")
        self.portal, self.narrow = world.portal, world.narrow
        changers = {company.SOURCE: self.upstream} if options.pop("password_modify", False) else {}
        failures = options.pop("max_failures", 1000)
        database, self._hashing = options.pop("database", world.database), PasswordHashing(installed())
        offline = OfflineBinds(database, self._hashing, {}, now)
        passwords = PasswordCheck(database, {company.SOURCE: self.upstream}, self._hashing, offline)
        authentication = Authentication(
            options.pop("directory", world.directory),
            database,
            passwords,
            SoftLock(clock.seconds, failures, 60),
            anonymous_views=options.pop("anonymous_views", ()),
        )
        client_ca, client_crl = options.pop("client_ca", None), options.pop("client_crl", None)
        certificate = (
            Certificate(pki.certificate, pki.key, policy=TlsPolicy(client_ca=client_ca, client_crl=client_crl)) if pki else None
        )
        context = (lambda: certificate) if certificate else None
        limits = ServerLimits(**options.pop("limits", {}))
        changes = PasswordChanges(
            database, authentication, passwords, self._hashing, offline, now, changers=changers, resetters=changers
        )
        directory = options.pop("served", world.directory)
        self.services = Services(
            directory,
            authentication,
            clock,
            world.threads,
            limits,
            tls_context=context,
            sources=(company.SOURCE,),
            password_changes=changes,
            revocation=Revocation(authentication, database),
            **options,
        )
        self.server = LDAPServer(self.services)
        self.server.start()
        listen = {"interface": "127.0.0.1"}
        self._ports = [the_reactor.listenTCP(0, self.server.factory(), **listen)]
        if certificate:
            self._ports.append(the_reactor.listenSSL(0, self.server.factory(encrypted=True), certificate, **listen))
        self.port, self.tls_port = (p.getHost().port for p in (self._ports[0], self._ports[-1]))
        self.url, self.tls_url = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def connections(self) -> int:
        """The number of connected clients."""
        return len(self.server.connections)

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        """A bare connection."""
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(("127.0.0.1", self.port))
        return connection

    async def end(self) -> None:
        """Stops it, as the service does."""
        for port in self._ports:
            await port.stopListening()
        stopped = self.server.stop()
        self.server.drop_all()
        await stopped
        self._hashing.close()


def turn(seconds: float = 0.0) -> Deferred[None]:
    """Fires after a turn of the reactor."""
    waiting: Deferred[None] = Deferred()
    the_reactor.callLater(seconds, waiting.callback, None)
    return waiting
