"""The gateway that is attacked: `gateway serve` with default limits, a slapd that vouches for most people, local passwords for
the others; and what can be seen of it from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from scripts.fuzzing.target import Figures, address, figures
from tests.app.installation import Installation, Serving, source_of, until
from tests.servers import pki as certificates
from tests.servers import slapd as openldap
from tests.servers.people import people, person_password

PEOPLE, GROUPS, MEMBERS = 1_000, 20, 40
BASE = "dc=open,dc=test"
LOCAL_PEOPLE = 6
LDAP = """\
listen = "127.0.0.1:0"
tls_listen = "127.0.0.1:0"
certificate = "{pki.certificate}"
key = "{pki.key}"
"""
SOURCES = """\
[[view]]
base_dn = "{base}"
[[source]]
name = "guests"
kind = "ldif"
path = "guests.ldif"
"""


@dataclass(frozen=True, slots=True)
class Access:
    """An application: how it binds, and where it asks for tokens."""

    dn: str
    secret: str = field(repr=False)
    token_path: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Victim:
    """Where the gateway listens, and the two applications: the probe's and the attacker's."""

    ldap: tuple[str, int]
    ldaps: tuple[str, int]
    http: tuple[str, int]
    probe: Access
    greedy: Access
    serving: Serving = field(repr=False)

    @property
    def token_path(self) -> str:
        return self.greedy.token_path

    @property
    def alive(self) -> bool:
        return self.serving.process.poll() is None

    def figures(self) -> Figures:
        return figures(self.serving.process.pid)

    def log_bytes(self) -> int:
        return self.serving.log.stat().st_size


def person(number: int) -> tuple[str, str]:
    """The bind name and the password of a person for whom slapd vouches."""
    return f"uid=user{number:06d},ou=people,{BASE}", person_password(number)


def guest(number: int) -> tuple[str, str]:
    """The bind name and the password of a person whose password is kept here."""
    return f"uid=guest{number},ou=people,{BASE}", f"guest-password-{number}"


@contextmanager
def victim(folder: Path, workers: int = 1) -> Iterator[Victim]:
    """A running gateway with everybody in it, in an empty folder."""
    (folder / "pki").mkdir()
    pki = certificates.create(folder / "pki")
    slapd = openldap.start(folder / "slapd", pki, ldif=people(PEOPLE, GROUPS, MEMBERS))
    try:
        (folder / "gateway").mkdir()
        installation = Installation(folder / "gateway", os.environ)
        secret = installation.folder / "hr.password"
        secret.touch(mode=0o600)
        secret.write_text(slapd.reader.password)
        (installation.folder / "guests.ldif").write_text("".join(map(_guest_record, range(LOCAL_PEOPLE))))
        sources = SOURCES.format(base=BASE) + source_of(slapd, pki, "hr", "authentication = true")
        installation.configure(sources, ldap=LDAP.format(pki=pki) + f"workers = {workers}\n")
        installation("sync")
        for number in range(LOCAL_PEOPLE):
            _set_password(installation, number)
        probe, greedy = _added(installation, "probe"), _added(installation, "greedy")
        with installation.serve() as running:
            ldap, ldaps, http = (address(running, kind) for kind in ("ldap", "ldaps", "http"))
            made = Victim(ldap, ldaps, http, probe, greedy, running)
            until(lambda: _is_found(made, f"(uid=user{PEOPLE - 1:06d})"), "everybody is there")
            yield made
    finally:
        slapd.end()


def _guest_record(number: int) -> str:
    return (
        f"dn: uid=guest{number},ou=people,dc=guests,dc=test\nobjectClass: inetOrgPerson\nuid: guest{number}\n"
        f"cn: Guest {number}\nsn: Guest\n\n"
    )


def _set_password(installation: Installation, number: int) -> None:
    with patch("sys.stdin", StringIO(guest(number)[1] + "\n")):
        installation("user", "set-password", f"guest{number}")


def _added(installation: Installation, name: str) -> Access:
    shown = installation("application", "add", name, "--json").json
    path = "/v2/" + shown["base_url"].partition("/v2/")[2] + "/oauth2/token"
    return Access(shown["bind_dns"][0], shown["secret"], path, shown["client_id"])


def _is_found(made: Victim, text: str) -> bool:
    connection = made.serving.connect(made.probe.dn, made.probe.secret)
    connection.bind()
    found = bool(connection.search(BASE, text))
    connection.unbind()
    return found
