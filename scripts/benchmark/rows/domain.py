"""The rows about Active Directory as a source: how long a first load takes, and how soon a change there is readable here."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings, active_directory_kind_settings
from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import connect as connect_upstream
from gateway.connectors.ldap.client.session import Interruption
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.objects import Kind
from gateway.wire import controls, filters
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest
from scripts.benchmark.load_generator.load import Endpoint
from scripts.benchmark.measure import Measured, Row, in_turns, percentile
from scripts.benchmark.servers import domain_controller
from scripts.benchmark.servers.contenders import ask, connect, wait_until
from scripts.benchmark.servers.gateway_side import GATEWAY
from scripts.benchmark.servers.sample import Size
from scripts.benchmark.stage import Stage
from tests.servers.processes import ServerProcess, accepts, free_port
from tests.servers.samba import BASE, Samba

PEOPLE, PER_GROUP = 20_000, 100
PAGE_SIZE = 1000
BENCH = f"OU=bench,{BASE}"
VIEW_BASE = "dc=gateway,dc=test"
READ = Row("a first read of a Samba AD", "s", at_most_ratio=1.3, against="a bare paged read by the same client")
FIRST_LOAD = Row("first load of a Samba AD into the store", "s", at_most_ratio=1.3, against="a bare paged read by ldap3")
CHANGE_MEDIAN = Row("change in a Samba AD readable, median", "ms", at_most=300)
CHANGE_P99 = Row("change in a Samba AD readable, p99", "ms")
CONFIGURATION = """\
[gateway]
data_dir = "data"

[ldap]
listen = "127.0.0.1:{ldap}"

[http]
listen = ""

[management]
listen = ""

[[view]]
name = "openldap"
base_dn = "{view}"

[[source]]
name = "corp"
kind = "active_directory"
url = "{server.url}"
bind_dn = '{server.admin.dn}'
password_file = "corp.secret"
[source.users]
base = "{base}"
[source.organizations]
base = "{base}"
[source.groups]
base = "{base}"
"""


def domain(stage: Stage) -> Iterator[Measured]:
    """With a domain of 20,000 people, or as many as the bench has."""
    people = min(PEOPLE, stage.size.people)
    size = Size(people, max(1, people // PER_GROUP), PER_GROUP)
    stage.say(f"provisioning Samba AD with {size.people:,} people and {size.groups:,} groups")
    server = domain_controller.start(stage.directory / "samba-source", stage.pki, size)
    folder = stage.directory / "domain"
    folder.mkdir()
    gateway = _Reader(folder, server)
    try:
        yield in_turns(READ, (lambda _: bare_read_seconds(server), lambda _: source_seconds(server)), stage.effort.repeats)
        yield Measured(FIRST_LOAD, ldap3_seconds(server), gateway.load_seconds())
        times = gateway.propagation_ms(stage.effort.changes, size.people)
        yield Measured(CHANGE_MEDIAN, None, percentile(times, 0.5))
        yield Measured(CHANGE_P99, None, percentile(times, 0.99))
    finally:
        gateway.end()
        server.end()


def readers() -> list[ActiveDirectoryEntryMapper]:
    """Return a mapper of each kind."""
    return [
        ActiveDirectoryEntryMapper("bench", active_directory_kind_settings(kind, (BENCH,)), lambda: datetime.now(UTC))
        for kind in Kind
    ]


def upstream_of(server: Samba) -> Upstream:
    return Upstream(urls=(server.url,), bind_dn=server.admin.dn, password=server.admin.password)


def bare_read_seconds(server: Samba) -> float:
    """All entries with the attributes that the gateway asks for, in pages, decoded and thrown away."""
    began = time.monotonic()
    with closing(connect_upstream("bench", upstream_of(server), Interruption())) as session:
        for reader in readers():
            attributes = (*reader.identified_attributes, *reader.links)
            wanted = filters.parse(reader.settings.filter)
            request = SearchRequest(BENCH, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, wanted, attributes)
            beside = (controls.control(controls.ExtendedDN()),) if reader.links else ()
            for data in search.paged(session, request, PAGE_SIZE, _accept, beside):
                session.entry(data)
    return time.monotonic() - began


def source_seconds(server: Samba) -> float:
    """The same as the source reports it, with members, primary groups and what has changed meanwhile."""
    kinds = tuple(active_directory_kind_settings(kind, (BENCH,)) for kind in Kind)
    source = ActiveDirectorySource(ActiveDirectorySettings(id="bench", upstream=upstream_of(server), kinds=kinds))
    began = time.monotonic()
    for _ in source.read(None, follow=False):
        pass
    return time.monotonic() - began


def ldap3_seconds(server: Samba) -> float:
    """The same as ldap3 reads it."""
    connection = server.connect()
    began = time.monotonic()
    for reader in readers():
        attributes = [*reader.identified_attributes, *reader.links]
        found = connection.extend.standard.paged_search(
            BENCH, reader.settings.filter, attributes=attributes, paged_size=PAGE_SIZE, generator=True
        )
        sum(1 for _ in found)
    return time.monotonic() - began


def _accept(_: search.SearchOutcome) -> None:
    """However a search ended: what it should have found is checked elsewhere."""


class _Reader:
    """A gateway that reads the domain."""

    def __init__(self, folder: Path, server: Samba) -> None:
        self._server = server
        self._port = free_port()
        self._file = folder / "gateway.toml"
        secret = folder / "corp.secret"
        secret.touch(mode=0o600)
        secret.write_text(server.admin.password)
        self._file.write_text(CONFIGURATION.format(ldap=self._port, server=server, base=BENCH, view=VIEW_BASE))
        shown = json.loads(self._command("application", "add", "bench", "--json"))
        self._endpoint = Endpoint(self._port, shown["bind_dns"][0], shown["secret"], VIEW_BASE)
        command = [str(GATEWAY), "--config", str(self._file), "serve"]
        self._process = ServerProcess(command, folder / "gateway.log", cwd=folder)

    def load_seconds(self) -> float:
        """Return the seconds of the first run, from its first question to the controller to the last record in the store."""
        self._process.start(lambda: accepts(self._port))
        wait_until(lambda: self._first_run() is not None, "the domain is read", poll_seconds=0.5)
        return self._first_run() or 0.0

    def propagation_ms(self, changes: int, people: int) -> list[float]:
        """Milliseconds from sending a change to the controller until the gateway shows it; sorted."""
        reader, times = connect(self._endpoint), []
        wait_until(lambda: self._shows(reader, people - 1, None), "the view has everybody")
        for number in range(changes):
            person, title = number % people, f"Title {time.time_ns()}"
            began = time.monotonic()
            self._server.modify(f"CN=user{person:06d},{BENCH}", {"title": [title]})
            wait_until(partial(self._shows, reader, person, title), f"change {number} is visible", poll_seconds=0.001)
            times.append((time.monotonic() - began) * 1000)
        reader.unbind()
        return sorted(times)

    def end(self) -> None:
        self._process.kill()

    def _shows(self, reader: object, person: int, title: str | None) -> bool:
        found = ask(reader, VIEW_BASE, f"(uid=user{person:06d})", "SUBTREE", "title" if title else "uid")
        return found == [[title.encode()]] if title else bool(found)

    def _first_run(self) -> float | None:
        [source] = json.loads(self._command("status", "corp", "--json"))["sources"]
        run = source["last_run"] or {}
        if not run.get("finished_at"):
            return None
        began, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
        return (ended - began).total_seconds()

    def _command(self, *arguments: str) -> str:
        line = [str(GATEWAY), "--config", str(self._file), *arguments]
        return subprocess.run(line, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
