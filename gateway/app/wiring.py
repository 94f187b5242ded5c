"""The whole program, top to bottom: every part is made here, and here alone the parts are connected.

Nothing is opened or started: service.py does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.python.threadpool import ThreadPool

from gateway.app.config.settings import Settings
from gateway.app.listeners import Listener
from gateway.app.parts import clock, ldap_server, lease_holder, local_parts, source_parts
from gateway.app.parts.listener_certificate import certificate
from gateway.app.process.certificates import Certificate
from gateway.app.process.log_output import LogOutput
from gateway.app.workers.supervisor import Supervisor
from gateway.app.workers.worker_handle import SharedState
from gateway.changelog.tail import Tail
from gateway.directory.directory import Directory
from gateway.directory.materialization.follower import LogFollower
from gateway.frontends.admin.endpoints import Management
from gateway.frontends.admin.health import HealthCheck, source_check, store_checks, view_check
from gateway.frontends.admin.links import AdminLinks
from gateway.frontends.admin.metric_collectors import Parts
from gateway.frontends.admin.metrics import Metrics
from gateway.frontends.admin.token_auth import AdminTokenCheck
from gateway.frontends.developer.routes import DeveloperApi
from gateway.frontends.http.router import make_site
from gateway.frontends.ldap.cldap.responder import PingResponder
from gateway.frontends.ldap.server.connection_limits import CountedAdmission
from gateway.frontends.ldap.server.server import LDAPServer
from gateway.model.errors import GatewayError
from gateway.store.engine.database import Database
from gateway.sync.runner.runner_group import RunnerGroup, pool_for
from gateway.sync.runner.source_runner import ProcessServices, Schedule, SourceRunner
from gateway.twisted_internals.reactor import IReactor


@dataclass(frozen=True, slots=True)
class Program:
    """The parts that service.py starts and stops. `ldap`: the LDAP server, or the supervisor of the workers in its place.
    `threads` are the LDAP server's; `closers` end what is left at last; `failures` are called with the error that ends it."""

    database: Database
    tail: Tail
    followers: Sequence[LogFollower]
    runners: RunnerGroup
    ldap: LDAPServer | Supervisor
    threads: ThreadPool
    listeners: Sequence[Listener]
    certificates: Sequence[Certificate]
    closers: Sequence[Callable[[], object]]
    failures: list[Callable[[GatewayError], None]]


def build(settings: Settings, database: Database, reactor: IReactor, log_lines: LogOutput) -> Program:
    """Make every part and connect them. Raises ConfigurationError when a certificate cannot be used."""
    listening = (settings.ldap, settings.http, settings.management)
    ldap_certificate, http_certificate, management_certificate = map(certificate, listening)
    certified = {"ldap": ldap_certificate, "http": http_certificate, "management": management_certificate}
    failures: list[Callable[[GatewayError], None]] = []

    # The store's log, and the views that follow it
    tail = Tail(database, reactor)
    followers = [LogFollower(table.view(), settings.view_dir, database, tail, reactor) for table in settings.view]
    directory = Directory(followers)

    # Inbound: the parts of each source, and a runner for each
    sources = source_parts.build(settings, reactor)
    process = ProcessServices(database, reactor, reactor, pool_for(len(sources)), clock.now, lease_holder.name())
    runners = RunnerGroup(
        [
            SourceRunner(
                parts.source,
                parts.inbound,
                Schedule(parts.table.schedule_seconds, parts.table.full_seconds),
                process,
            )
            for parts in sources
        ],
        process,
        local_parts.background_jobs(settings, database, reactor),
    )

    # LDAP
    metrics = Metrics()
    soft_lock = ldap_server.soft_lock(settings, database, reactor)
    face = ldap_server.build(
        settings,
        database,
        directory,
        sources,
        reactor,
        soft_lock=soft_lock,
        report_upstream=metrics.upstream,
        certificate=ldap_certificate,
    )
    counters = face.services.counters
    ldap: LDAPServer | Supervisor
    if settings.ldap.workers == 1:
        ldap = LDAPServer(face.services)
    else:
        admission = CountedAdmission(face.services.limits, counters, reactor)
        shared = SharedState(soft_lock, admission, counters, metrics.upstream, committed=tail.committed_elsewhere)
        ldap = Supervisor(settings, followers, ldap_certificate, shared, reactor, failures)

    # HTTP: the Developer API, and the management of it all
    limits = settings.limits
    developer = make_site(
        "developer",
        DeveloperApi(
            database,
            tail,
            face.password_changes,
            face.writer,
            clock=reactor,
            sources=[table.name for table in settings.source],
        ).routes(),
        reactor=reactor,
        observe=metrics.http_request,
        trusted_proxies=settings.http.trusted_proxies,
        max_connections=limits.connections,
        max_connections_per_address=limits.connections_per_address,
    )
    checks = [
        *store_checks(database),
        *(view_check(follower.view.name, follower, lambda: tail.last) for follower in followers),
        *(source_check(database, table.name) for table in settings.source),
        *([HealthCheck("workers", ldap.health)] if isinstance(ldap, Supervisor) else ()),
    ]
    admin = AdminLinks(database, local_parts.decisions(settings, sources), AdminTokenCheck(settings.management.secret_token))
    management_routes = [*Management(database, checks, metrics, clock=reactor).routes(), *admin.routes()]
    management = make_site("management", management_routes, reactor=reactor)
    metrics.watch(
        Parts(
            ldap=counters,
            workers=ldap if isinstance(ldap, Supervisor) else None,
            views={follower.view.name: partial(getattr, follower, "position") for follower in followers},
            last_change=lambda: tail.last,
            log_lines_dropped=lambda: log_lines.dropped + counters.log_lines_dropped,
            http_connections={site.name: partial(getattr, site, "open_connections") for site in (developer, management)},
            certificates={name: one.not_after for name, one in certified.items() if one},
        )
    )

    listeners = [
        Listener("ldap", settings.ldap.listen, ldap.factory(), trusted_proxies=settings.ldap.trusted_proxies),
        Listener("http", settings.http.listen, developer, http_certificate),
        Listener("management", settings.management.listen, management, management_certificate),
        Listener("cldap", settings.ldap.cldap_listen, PingResponder(face.services)),
    ]
    if ldap_certificate:
        encrypted, proxies = ldap.factory(encrypted=True), settings.ldap.trusted_proxies
        listeners.append(Listener("ldaps", settings.ldap.tls_listen, encrypted, ldap_certificate, proxies))
    return Program(
        database,
        tail,
        followers,
        runners,
        ldap,
        face.services.threads,
        listeners,
        certificates=[one for one in certified.values() if one],
        closers=[developer.close_connections, management.close_connections, *face.closers],
        failures=failures,
    )
