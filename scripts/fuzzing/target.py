"""The gateway that is fuzzed: a real `gateway serve` with a slapd behind it, and what can be seen of it from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from scripts.fuzzing import world
from scripts.fuzzing.world import BASES, Access
from tests.app.installation import Installation, Serving, source_of, until
from tests.servers import pki as certificates
from tests.servers import slapd as openldap

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
COMPLAINTS = re.compile(r"operation failed|Traceback|\[(?:error|critical) *\]|Unhandled")
"""Texts that the gateway's log lines must not hold: a client's error is answered to the client, never logged as ours."""
LONGEST_LINE = 10_000
LDAP = """\
listen = "127.0.0.1:0"
tls_listen = "127.0.0.1:0"
certificate = "{pki.certificate}"
key = "{pki.key}"
anonymous = ["openldap"]
workers = {workers}"""
LIMITS = """\
bind_seconds = 20
idle_seconds = 30
write_stall_seconds = 5
time_limit_seconds = 10
bind_failures = 1000"""


@dataclass(frozen=True, slots=True)
class Figures:
    """The resources of a process and all below it, and the processor time that they have had."""

    resident_mebibytes: float
    sockets: int
    files: int
    cpu_seconds: float


class Target:
    """The running gateway. `canary`: how the canary gets in; `fuzz`: the clients' application, which may do everything."""

    def __init__(self, serving: Serving, canary: Access, fuzz: Access) -> None:
        self._serving = serving
        self.canary = canary
        self.fuzz = fuzz

    @property
    def alive(self) -> bool:
        return self._serving.process.poll() is None

    def figures(self) -> Figures:
        return figures(self._serving.process.pid)

    def complaints(self) -> list[str]:
        """The lines of the log that tell of errors of our own, or that a client has blown up."""
        lines = self._serving.log_text().splitlines()
        return [line[:LONGEST_LINE] for line in lines if COMPLAINTS.search(line) or len(line) > LONGEST_LINE]

    def log_text(self) -> str:
        return self._serving.log_text()


@contextmanager
def serving(folder: Path, workers: int = 1) -> Iterator[Target]:
    """A gateway with three views of the same people, all of them there, in an empty folder."""
    (folder / "pki").mkdir()
    pki = certificates.create(folder / "pki")
    slapd = openldap.start(folder / "slapd", pki, ldif=world.ldif())
    try:
        (folder / "gateway").mkdir()
        installation = Installation(folder / "gateway", os.environ)
        secret = installation.folder / "hr.password"
        secret.touch(mode=0o600)
        secret.write_text(slapd.reader.password)
        views = "".join(f'[[view]]\nname = "{name}"\nkind = "{name}"\nbase_dn = "{base}"\n' for name, base in BASES.items())
        sources = views + source_of(slapd, pki, "hr", "authentication = true")
        installation.configure(sources, ldap=LDAP.format(pki=pki, workers=workers), limits=LIMITS)
        grants = ("--grant", "write", "--grant", "proxy", "--grant", "passwords")
        secrets = [added(installation, "canary"), added(installation, "fuzz", *grants)]
        with installation.serve() as running:
            ports = (address(running, "ldap"), address(running, "ldaps"))
            canary, fuzz = (Access(*ports, dn, secret) for dn, secret in secrets)
            until(lambda: _has_all_people(running, canary), "all people are there")
            yield Target(running, canary, fuzz)
    finally:
        slapd.end()


def added(installation: Installation, name: str, *options: str) -> tuple[str, str]:
    """An application that may read all views: its bind DN in the first one, and its secret."""
    views = [word for view in BASES for word in ("--view", view)]
    shown = installation("application", "add", name, *views, *options, "--json").json
    return shown["bind_dns"][0], shown["secret"]


def address(running: Serving, kind: str) -> tuple[str, int]:
    host, port = running.addresses[kind].split(":")
    return host, int(port)


def _has_all_people(running: Serving, canary: Access) -> bool:
    """Return True when the last person is there in each view; the canary is that person."""
    connection = running.connect(canary.dn, canary.secret)
    connection.bind()
    mail = f"(mail={world.login(world.CANARY)}@example.test)"
    found = [connection.search(base, mail) for base in BASES.values()]
    connection.unbind()
    return all(found)


def figures(pid: int) -> Figures:
    """Return the footprint of the process and of all below it."""
    status = Path(f"/proc/{pid}/status").read_text()
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    opened = [_what(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = sum(what.startswith("socket:") for what in opened)
    cpu_seconds = (int(times[11]) + int(times[12])) / TICKS_A_SECOND
    own = Figures(resident / 1024, sockets, len(opened) - sockets, cpu_seconds)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    all_of_them = [own, *(figures(int(child)) for child in children)]
    return Figures(*(sum(each) for each in zip(*map(astuple, all_of_them), strict=True)))


def _what(link: Path) -> str:
    """Return the target of a file descriptor; nothing when it has been closed meanwhile."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
