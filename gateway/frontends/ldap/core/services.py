"""The services that every connection of the LDAP server works with; put together once, by app/parts/ldap_server.py."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.python.threadpool import ThreadPool

from gateway.directory.authentication.authentication import Authentication
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.authentication.revocation import Revocation
from gateway.directory.directory import Directory
from gateway.frontends.ldap.core.counters import ServerCounters
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.frontends.ldap.core.search_turns import ScanTurns, SliceTurns
from gateway.frontends.ldap.core.subscription_limit import SubscriptionLimit
from gateway.sync.local.writer import Writer
from gateway.twisted_internals.reactor import IReactor


@dataclass(frozen=True, slots=True)
class Services:
    """`tls_context`: gives the present TLS context factory (it changes when certificates are reloaded); None: no TLS.
    `threads`: where slices of large searches are taken that may look at many rows. `sources`: names, for the sentence that
    sends a writer to the place where the entry is mastered. `subscriptions`: counts searches that follow changes.
    `host_name`: of this machine, as clients of Active Directory are told it; `now`: the present time for them.
    `scan_turns`, `slice_turns`: share out the threads, and the reactor, among the parties that search."""

    directory: Directory
    authentication: Authentication
    reactor: IReactor
    threads: ThreadPool
    limits: ServerLimits = field(default_factory=ServerLimits)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    tls_context: Callable[[], IOpenSSLContextFactory] | None = None
    require_tls: bool = False
    password_changes: PasswordChanges | None = None
    revocation: Revocation | None = None
    writer: Writer | None = None
    sources: tuple[str, ...] = ()
    counters: ServerCounters = field(default_factory=ServerCounters)
    subscriptions: SubscriptionLimit = field(default_factory=SubscriptionLimit)
    scan_turns: ScanTurns = field(default_factory=ScanTurns)
    slice_turns: SliceTurns = field(default_factory=SliceTurns)
    log_operations: bool = False
    log_searches: bool = False
    host_name: str = field(default_factory=socket.gethostname)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
