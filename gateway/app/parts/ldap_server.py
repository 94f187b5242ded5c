"""The LDAP face of one process, put together alike for the primary process and for each worker.

What differs between the two is handed in: the soft lock, the recorder of upstream binds, the certificate."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.python.threadpool import ThreadPool

from gateway.app.config.listener_tables import LimitsTable
from gateway.app.config.settings import Settings
from gateway.app.parts import clock, jit, local_parts
from gateway.app.parts.measured_authenticator import MeasuredAuthenticator, ReportUpstream
from gateway.app.parts.source_parts import SourceParts
from gateway.app.process.certificates import Certificate
from gateway.directory.authentication.authentication import Authentication
from gateway.directory.authentication.bind_admission import BindAdmission
from gateway.directory.authentication.bind_audit import BindAudit
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.directory.authentication.revocation import Revocation
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.directory.authentication.soft_lock.shared import SharedSoftLock
from gateway.directory.authentication.soft_lock.shown import ShownSoftLock
from gateway.directory.directory import Directory
from gateway.directory.read_your_writes import ReadYourWrites
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.frontends.ldap.core.services import Services
from gateway.store.engine.database import Database
from gateway.sync.local.writer import Writer
from gateway.twisted_internals.reactor import IReactor

SEARCH_THREADS = 2  # large searches are sliced; more threads would only take turns


@dataclass(frozen=True, slots=True)
class LdapFace:
    """The services of an LDAP server. `closers` end what they hold, when no client is left."""

    services: Services
    password_changes: PasswordChanges
    writer: Writer
    closers: Sequence[Callable[[], object]]


def build(
    settings: Settings,
    database: Database,
    directory: Directory,
    sources: Sequence[SourceParts],
    reactor: IReactor,
    *,
    soft_lock: SoftLock,
    report_upstream: ReportUpstream,
    certificate: Certificate | None,
) -> LdapFace:
    """Return the services of this process's LDAP server. Nothing is opened or started."""
    logins = {parts.table.name: parts.login for parts in sources if parts.login is not None}
    hashing = PasswordHashing(reactor)
    offline_seconds = {name: parts.offline_bind_seconds for name, parts in logins.items()}
    offline = OfflineBinds(database, hashing, offline_seconds, clock.now)
    measured = {
        name: MeasuredAuthenticator(name, parts.authenticator, report_upstream, reactor) for name, parts in logins.items()
    }
    authority = settings.password_authority()
    jit_provisioning = jit.provisioning(database, sources, measured, authority, reactor)
    passwords = PasswordCheck(database, measured, hashing, offline, jit_provisioning, authority)
    audit = BindAudit(reactor)
    authentication = Authentication(
        directory,
        database,
        passwords,
        soft_lock,
        anonymous_views=settings.ldap.anonymous,
        user_access=settings.user_access(),
        read_your_writes=ReadYourWrites(directory, reactor) if jit_provisioning else None,
        admission=BindAdmission(reactor),
        audit=audit,
        now=clock.now,
    )
    password_changes = PasswordChanges(
        database,
        authentication,
        passwords,
        hashing,
        offline,
        clock.now,
        changers={name: parts.password_changer for name, parts in logins.items() if parts.password_changer},
        resetters={name: parts.password_resetter for name, parts in logins.items() if parts.password_resetter},
        min_length=settings.passwords.min_length,
    )
    writer = Writer(database, local_parts.local_door(settings), clock.now)
    services = Services(
        directory,
        authentication,
        reactor,
        ThreadPool(0, SEARCH_THREADS, "search"),
        server_limits(settings.limits),
        tls_context=(lambda: certificate) if certificate else None,
        require_tls=settings.ldap.require_tls,
        password_changes=password_changes,
        revocation=Revocation(authentication, database, clock.now),
        writer=writer,
        sources=tuple(parts.table.name for parts in sources),
        log_operations=settings.log.level == "debug",
        log_searches=settings.log.searches,
        host_name=settings.ldap.host_name or socket.gethostname(),
        now=clock.now,
    )
    closers = [close for parts in logins.values() for close in parts.closers]
    return LdapFace(services, password_changes, writer, [*closers, hashing.close, audit.close])


def soft_lock(settings: Settings, database: Database, clock: IReactorTime) -> SoftLock:
    """Return the one soft lock of all processes of this node; with a store that nodes share, they count there."""
    kind = ShownSoftLock if database.embedded else SharedSoftLock
    return kind(database, clock.seconds, settings.limits.bind_failures, settings.limits.bind_failure_seconds)


def server_limits(table: LimitsTable) -> ServerLimits:
    """Return `[limits]` as the LDAP server's limits."""
    return ServerLimits(
        max_message_bytes=table.max_message_bytes,
        connections=table.connections,
        connections_per_address=table.connections_per_address,
        operations_in_flight=table.operations_in_flight,
        size_limit=table.size_limit,
        time_limit_seconds=table.time_limit_seconds,
        bind_seconds=table.bind_seconds,
        idle_seconds=table.idle_seconds,
        write_stall_seconds=table.write_stall_seconds,
    )
