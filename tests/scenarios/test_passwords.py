"""A person's passwords over a whole gateway: bound by any name, changed at the source through the gateway, good for a while
when the source is away; with OpenLDAP's own tools, at one process and at two workers."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.app.installation import BASE_DN, Serving, source_of, until
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person
from tests.scenarios.office import Office
from tests.servers.pki import Pki
from tests.servers.processes import program

ADA = f"uid=ada,ou=people,{BASE_DN}"
VIEW = f"""
[[view]]
name = "openldap"
kind = "openldap"
base_dn = "{BASE_DN}"
bind_names = ["dn", "principal", "domain", "login"]
domain = "example.test"
netbios = "EXAMPLE"
"""

Done = subprocess.CompletedProcess[str]


def tool(serving: Serving, name: str, password: str, *arguments: str, account: str = ADA) -> Done:
    url = f"ldap://{serving.addresses['ldap']}"
    command = [program(name, "ldap-utils"), "-x", "-H", url, "-D", account, "-w", password, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env={"LDAPNOINIT": "1"})


def binds(serving: Serving, password: str, account: str = ADA) -> int:
    return tool(serving, "ldapwhoami", password, account=account).returncode


def verifiers(office: Office) -> int:
    with closing(sqlite3.connect(office.folder / "data" / "store.sqlite")) as store:
        return int(store.execute("SELECT count(*) FROM password_verifiers").fetchone()[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_password_is_used_under_every_name_changed_at_its_source_and_good_while_that_is_away(
    office: Office, start_slapd: StartSlapd, pki: Pki, workers: int
) -> None:
    upstream = start_slapd()
    add_person(upstream, "ada")
    source = source_of(upstream, pki, "hr", "password_modify = true", "offline_bind_seconds = 600", "bind_timeout_seconds = 2")
    office.configure(VIEW + source, ldap=f'listen = "127.0.0.1:0"\nworkers = {workers}')
    with office.serve() as serving:
        until(lambda: binds(serving, "ada-secret") == 0, "Ada binds")
        for name in ("ada", "ada@example.test", r"EXAMPLE\ada", ADA.upper()):
            assert binds(serving, "ada-secret", name) == 0, name
        done = tool(serving, "ldappasswd", "ada-secret", "-a", "ada-secret", "-s", "ada-changed")
        assert done.returncode == 0, done.stderr
        assert upstream.connect().rebind(f"uid=ada,ou=people,{upstream.suffix}", "ada-changed")
        assert (binds(serving, "ada-secret"), binds(serving, "ada-changed")) == (49, 0)

        until(lambda: verifiers(office) == 1, "a verifier, which is kept behind the answer")
        upstream.suspend()
        until(lambda: binds(serving, "ada-changed") == 0, "a bind while the source hangs")
        assert binds(serving, "ada-secret") == 52, "nobody can say that it is wrong"
        upstream.resume()
        until(lambda: binds(serving, "ada-secret") == 49, "the source is asked again")
        for secret in ("ada-secret", "ada-changed"):
            assert secret not in serving.log_text()
