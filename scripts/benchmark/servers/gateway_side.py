"""The gateway as a contender: the installed program with a configuration file, as an administrator would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scripts.benchmark.load_generator.load import Endpoint, Load, LoadError, LoadGenerator
from scripts.benchmark.servers.contenders import BenchError, Contender, finds, wait_until
from scripts.benchmark.servers.prepared import Prepared
from scripts.benchmark.servers.sample import Size
from tests.servers.pki import Pki
from tests.servers.processes import ServerProcess, accepts, free_port
from tests.servers.slapd import Slapd

ROOT = Path(__file__).parents[3]
GATEWAY = ROOT / ".venv/bin/gateway"
REST_SECONDS, REST_SHARE = 2.0, 0.05
BASES = {"openldap": "dc=gateway,dc=test", "ad": "dc=ad,dc=test"}
PEOPLE = {"openldap": "uid=user%06d,ou=people,dc=gateway,dc=test", "ad": "CN=User %06d,CN=Users,dc=ad,dc=test"}
"""By view: the base DN, and a person's DN as a template for the load generator."""
LAST_PERSON = {"openldap": "(uid=user{:06d})", "ad": "(sAMAccountName=user{:06d})"}
CONFIGURATION = """\
[gateway]
data_dir = "data"

[ldap]
listen = "127.0.0.1:{ports[ldap]}"
tls_listen = "127.0.0.1:{ports[ldaps]}"
certificate = "{pki.certificate}"
key = "{pki.key}"

[limits]
connections = 16384

[http]
listen = "127.0.0.1:{ports[http]}"

[management]
listen = "127.0.0.1:{ports[management]}"

[[source]]
name = "provider"
kind = "openldap"
url = "{provider.url}"
bind_dn = "{provider.reader.dn}"
password_file = "reader.secret"
authentication = true

[source.users]
base = "ou=people,{provider.suffix}"

[source.organizations]
base = "ou=people,{provider.suffix}"

[source.groups]
base = "ou=groups,{provider.suffix}"
"""
VIEW = """
[[view]]
name = "{name}"
kind = "{name}"
base_dn = "{base}"
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to run the gateway: the view that is asked (`openldap` is always there), keys of the configuration set otherwise,
    as environment variables, and the part of gateway.twisted_internals that it runs without (see without.py)."""

    view: str = "openldap"
    variables: Mapping[str, str] = field(default_factory=dict)
    without: str = ""


PLAIN = Setup()
AD = Setup(view="ad")


class Gateway:
    """One data folder, and at most one process on it. Nothing runs after the constructor."""

    def __init__(self, directory: Path, provider: Slapd, pki: Pki) -> None:
        self.directory = directory
        self._provider = provider
        self._pki = pki
        self._ports = {name: free_port() for name in ("ldap", "ldaps", "http", "management")}
        self._process: ServerProcess | None = None
        self._setup: Setup | None = None
        secret = directory / "reader.secret"
        secret.touch(mode=0o600)
        secret.write_text(provider.reader.password)

    def load(self, size: Size, generator: LoadGenerator) -> float:
        """Start with an empty store and wait until every person is found over LDAP; the seconds that took."""
        endpoint = self._endpoint(PLAIN)
        began = time.monotonic()
        self._start(PLAIN)
        # Cheap while it loads: one entry by name. Only when the last one is there, all are counted.
        self._wait_for_last_person(endpoint, PLAIN, size)
        wait_until(lambda: count_entries(endpoint, generator) >= size.entries, "the gateway has everything")
        return time.monotonic() - began

    def keep(self, prepared: Prepared, name: str) -> None:
        """Stop, and keep the data for other runs."""
        self.stop()
        prepared.keep(name, self.directory / "data")

    def fetch(self, prepared: Prepared, name: str) -> bool:
        """Take the data of another run; whether there was any."""
        return prepared.fetch(name, self.directory / "data")

    def contender(self, setup: Setup, size: Size) -> Contender:
        """The gateway running that way; restarted when it runs otherwise."""
        endpoint = self._endpoint(setup)
        if self._setup != setup:
            self.stop()
            self._start(setup)
            self._wait_for_last_person(endpoint, setup, size)
        assert self._process is not None
        process = self._process
        wait_until(lambda: is_at_rest(process.pid), "the gateway is at rest", poll_seconds=0)
        start = partial(process.start, lambda: True)
        person = PEOPLE[setup.view]
        return Contender("gateway", endpoint, person, lambda: process.pid, process.stop, start, self._ports["ldaps"])

    def command(self, setup: Setup, *arguments: str, typed: str = "") -> str:
        """Run a command of the gateway beside the server, as it runs; what it printed. Raises CalledProcessError."""
        line = [str(GATEWAY), "--config", str(self.configuration(setup)), *arguments]
        environ = {**os.environ, **setup.variables}
        return subprocess.run(line, check=True, capture_output=True, text=True, input=typed, env=environ).stdout

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
        self._process = self._setup = None

    def log_text(self) -> str:
        return (self.directory / "gateway.log").read_text(errors="replace")

    def configuration(self, setup: Setup) -> Path:
        """The configuration file for the views that are wanted."""
        file = self.directory / f"{setup.view}.toml"
        views = [VIEW.format(name=name, base=BASES[name]) for name in dict.fromkeys((PLAIN.view, setup.view))]
        file.write_text(CONFIGURATION.format(ports=self._ports, provider=self._provider, pki=self._pki) + "".join(views))
        return file

    def _start(self, setup: Setup) -> None:
        variables = [f"{name}={value}" for name, value in setup.variables.items()]
        program = [str(GATEWAY)]
        if setup.without:
            variables.append(f"PYTHONPATH={ROOT}")
            program = [sys.executable, "-m", "scripts.benchmark.servers.without", setup.without]
        command = ["/usr/bin/env", *variables, *program, "--config", str(self.configuration(setup)), "serve"]
        self._process = ServerProcess(command, self.directory / "gateway.log", cwd=self.directory)
        self._process.start(lambda: accepts(self._ports["ldap"]))
        self._setup = setup

    def _wait_for_last_person(self, endpoint: Endpoint, setup: Setup, size: Size) -> None:
        def is_there() -> bool:
            if self._process is None or not self._process.running:
                raise BenchError(f"the gateway ended; the end of its log:\n{self.log_text()[-3000:]}")
            return finds(endpoint, LAST_PERSON[setup.view].format(size.people - 1))

        wait_until(is_there, "the gateway has the last person")

    def writer(self) -> Endpoint:
        """The gateway as it runs, asked as an application that may write."""
        return self._endpoint(PLAIN, "writer", "--grant", "write")

    def _endpoint(self, setup: Setup, name: str = "", *rights: str) -> Endpoint:
        """As an application that may read everything in that view; made once, and kept beside the data."""
        name = name or f"bench-{setup.view}"
        known = self.directory / "data" / f"{name}.json"
        if not known.exists():
            arguments = ["application", "add", name, "--view", setup.view, *rights, "--json"]
            shown = self.command(setup, *arguments)
            known.touch(mode=0o600)
            known.write_text(shown)
        shown = json.loads(known.read_text())
        return Endpoint(self._ports["ldap"], shown["bind_dns"][0], shown["secret"], BASES[setup.view])


def is_at_rest(pid: int) -> bool:
    """Return True when the process does next to nothing for a while: after a start it compares what it has with its source."""
    before = cpu_seconds(pid)
    time.sleep(REST_SECONDS)
    return cpu_seconds(pid) - before < REST_SECONDS * REST_SHARE


def cpu_seconds(pid: int) -> float:
    """Return the processor time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_entries(endpoint: Endpoint, generator: LoadGenerator) -> int:
    with suppress(LoadError):
        return generator.run(endpoint, Load(attributes="1.1", requests=1)).entries
    return 0
