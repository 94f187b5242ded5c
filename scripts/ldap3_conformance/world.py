"""The two servers under the same tree: a slapd, and a gateway whose application may write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3

from scripts.fuzzing.target import address
from tests.app.installation import Installation
from tests.servers import pki as certificates
from tests.servers import slapd as openldap
from tests.servers.slapd_configuration import SlapdOptions

BASE = "dc=open,dc=test"
LDAP = 'listen = "127.0.0.1:0"\ntls_listen = "127.0.0.1:0"\ncertificate = "{pki.certificate}"\nkey = "{pki.key}"\n'
VIEW = f'[[view]]\nbase_dn = "{BASE}"\nkind = "tree"\n[view.users]\nnaming = "cn"\n'


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, Mapping[str, Any]]]:
    """What `suite_config` needs of each, by name."""
    for name in ("pki", "gateway"):
        (folder / name).mkdir()
    pki = certificates.create(folder / "pki")
    slapd = openldap.start(folder / "slapd", pki, SlapdOptions(suffix=BASE))
    try:
        installation = Installation(folder / "gateway", os.environ)
        installation.configure(VIEW, ldap=LDAP.format(pki=pki))
        grants = ("--grant", "write", "--grant", "passwords")
        application = installation("application", "add", "suite", *grants, "--json").json
        with installation.serve() as running:
            (_, port), (_, ssl_port) = (address(running, kind) for kind in ("ldap", "ldaps"))
            common: dict[str, Any] = {"base": BASE, "ca": str(pki.ca)}
            made: dict[str, Mapping[str, Any]] = {
                "slapd": common | _access(slapd.port, slapd.ldaps_port, slapd.admin.dn, slapd.admin.password),
                "gateway": common | _access(port, ssl_port, application["bind_dns"][0], application["secret"]),
            }
            for one in made.values():
                _with_units(one)
            yield made
    finally:
        slapd.end()


def _access(port: int, ssl_port: int, user: str, password: str) -> dict[str, Any]:
    return {"port": port, "ssl_port": ssl_port, "user": user, "password": password}


def _with_units(access: Mapping[str, Any]) -> None:
    """Add the units in which the suite works."""
    server = ldap3.Server("127.0.0.1", access["port"], get_info=ldap3.NONE)
    with ldap3.Connection(server, access["user"], access["password"], raise_exceptions=True) as connection:
        for name in ("fixtures", "moved"):
            connection.add(f"ou={name},{BASE}", "organizationalUnit")
