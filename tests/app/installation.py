"""A gateway as an administrator has it: a configuration file, a data folder, the command, and `serve` as a real process."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import ldap3
import structlog

from gateway.app import cli
from tests.servers import slapd as openldap
from tests.servers.people import READER_PASSWORD, people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

PATIENCE_SECONDS = 30.0
WRITTEN_SECONDS = 0.1
"""A running gateway hands its log lines to a thread, which writes them a moment later."""
BASE_DN = "dc=directory,dc=example"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a command: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def until(condition: Callable[[], object], what: str) -> Any:
    """The condition's first true value. For what another process brings about; fails after PATIENCE_SECONDS."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert monotonic() < deadline, f"not in time: {what}"
        sleep(0.04)
    return value


@contextmanager
def log_lines_as_before() -> Iterator[None]:
    """A command sets up the log lines of its process, which here is that of the tests."""
    before, was_configured = structlog.get_config(), structlog.is_configured()
    try:
        yield
    finally:
        structlog.reset_defaults()
        if was_configured:
            structlog.configure(**before)


class Serving:
    """A running `gateway serve`; its ports are those that it named in its log."""

    def __init__(self, command: list[str], folder: Path, environ: Mapping[str, str]) -> None:
        self._connections: list[ldap3.Connection] = []
        self.log = folder / "serve.log"
        self._start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, stderr=log, env=environ, start_new_session=True)
        until(lambda: self.process.poll() is not None or "the gateway serves" in self.log_text(), "serving")
        if self.process.poll() is None:
            self.addresses = dict(re.findall(r"\b(ldap|ldaps|http|management)=(\S+)", self.log_text()))

    def log_text(self) -> str:
        """Return the log lines of this process so far."""
        if self.process.poll() is None:
            sleep(WRITTEN_SECONDS)
        return self.log.read_bytes()[self._start :].decode()

    def connect(self, dn: str = "", password: str = "", **options: Any) -> ldap3.Connection:
        """An LDAP connection, not bound yet. `tls`: an ldap3.Tls makes it LDAPS."""
        tls = options.pop("tls", None)
        host, port = self.addresses["ldaps" if tls else "ldap"].split(":")
        server = ldap3.Server(host, int(port), use_ssl=tls is not None, tls=tls, get_info=ldap3.NONE)
        self._connections.append(ldap3.Connection(server, dn or None, password or None, receive_timeout=20, **options))
        return self._connections[-1]

    def bind(self, dn: str = "", password: str = "", **options: Any) -> str:
        """The result of a bind on a connection of its own."""
        connection = self.connect(dn, password, **options)
        connection.bind()
        return str(connection.result["description"])

    def end(self) -> None:
        """Kill it if it still runs, and close what connect() gave out."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        while self._connections:
            self._connections.pop().strategy.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a manager would; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


class Installation:
    """A configuration in a folder of its own."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.file = folder / "gateway.toml"
        self._environ = environ  # os.environ itself: a test may change it

    def configure(self, sources: str = "", **tables: str) -> None:
        """Write the configuration: `tables` by name, each its lines; all ports are free ones."""
        written = {
            "gateway": 'data_dir = "data"',
            "ldap": 'listen = "127.0.0.1:0"',
            "http": 'listen = "127.0.0.1:0"',
            "management": 'listen = "127.0.0.1:0"',
        }
        written.update(tables)
        self.file.write_text("".join(f"[{name}]\n{lines}\n" for name, lines in written.items()) + sources)

    def __call__(self, *arguments: str) -> Outcome:
        """Run a command in this process."""
        with log_lines_as_before(), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = cli.run(["--config", str(self.file), *arguments])
        return Outcome(code, out.getvalue(), err.getvalue())

    @contextmanager
    def serve(self) -> Iterator[Serving]:
        """Run `gateway serve`; killed at the end if it still runs."""
        command = [sys.executable, "-m", "gateway", "--config", str(self.file), "serve"]
        serving = Serving(command, self.folder, self._environ)
        try:
            yield serving
        finally:
            serving.end()


@contextmanager
def beside_slapd(folder: Path, pki: Pki, environ: Mapping[str, str], **tables: str) -> Iterator[tuple[Installation, Slapd]]:
    """An installation, and the slapd with twenty people and two groups that it reads from."""
    upstream = openldap.start(folder / "slapd", pki, ldif=people(20, 2, 5))
    try:
        installation = Installation(folder, environ)
        installation.configure(source_of(upstream, pki), **tables)
        password = folder / "hr.password"
        password.touch(mode=0o600)
        password.write_text(f"{READER_PASSWORD}\n")
        yield installation, upstream
    finally:
        upstream.end()


def source_of(slapd: Slapd, pki: Pki, name: str = "hr", *lines: str) -> str:
    """A [[source]] that reads everything of this slapd over StartTLS."""
    return "\n".join(
        [
            "[[source]]",
            f'name = "{name}"',
            'kind = "openldap"',
            f'url = "{slapd.url}"',
            "start_tls = true",
            f'ca_file = "{pki.ca}"',
            f'bind_dn = "{slapd.reader.dn}"',
            'password_file = "hr.password"',
            *lines,
            f'[source.users]\nbase = "ou=people,{slapd.suffix}"',
            f'[source.organizations]\nbase = "ou=people,{slapd.suffix}"',
            f'[source.groups]\nbase = "ou=groups,{slapd.suffix}"',
            "",
        ]
    )
