"""The gateway as a contender: the installed program with a configuration file, as an administrator would run it."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from ldap3.core.exceptions import LDAPException

from scripts.benchmark.contenders import Contender, Size, ask, connect, wait_until
from scripts.benchmark.load import Endpoint, Load, LoadError, LoadGenerator
from tests.servers.processes import ServerProcess, accepts, free_port
from tests.servers.slapd import Slapd

GATEWAY = Path(".venv/bin/gateway").absolute()
BASE = "dc=gateway,dc=test"
CONFIGURATION = """\
[gateway]
data_dir = "data"

[ldap]
listen = "127.0.0.1:{ldap}"

[http]
listen = "127.0.0.1:{http}"

[management]
listen = "127.0.0.1:{management}"

[[view]]
name = "openldap"
base_dn = "{base}"

[[source]]
name = "provider"
kind = "openldap"
url = "{provider.url}"
bind_dn = "{provider.reader.dn}"
password_file = "reader.secret"

[source.users]
base = "ou=people,{provider.suffix}"

[source.organizations]
base = "ou=people,{provider.suffix}"

[source.groups]
base = "ou=groups,{provider.suffix}"
"""


def write_configuration(directory: Path, provider: Slapd) -> tuple[Path, int]:
    """A configuration file with one source, the provider; and the port that LDAP is served on."""
    port = free_port()
    ports = {"ldap": port, "http": free_port(), "management": free_port()}
    secret = directory / "reader.secret"
    secret.touch(mode=0o600)
    secret.write_text(provider.reader.password)
    configuration = directory / "gateway.toml"
    configuration.write_text(CONFIGURATION.format(**ports, base=BASE, provider=provider))
    return configuration, port


def add_application(configuration: Path) -> tuple[str, str]:
    """An application that may read everything: its bind DN and its secret."""
    command = [str(GATEWAY), "--config", str(configuration), "application", "add", "bench", "--json"]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return shown["bind_dns"][0], shown["secret"]


def start_gateway(directory: Path, provider: Slapd, size: Size, generator: LoadGenerator) -> Contender:
    """Start with an empty store and wait until every person is found over LDAP; the contender knows how long that took."""
    configuration, port = write_configuration(directory, provider)
    dn, secret = add_application(configuration)
    endpoint = Endpoint(port, dn, secret, BASE)
    command = [str(GATEWAY), "--config", str(configuration), "serve"]
    process = ServerProcess(command, directory / "gateway.log", cwd=directory)

    began = time.monotonic()
    process.start(lambda: accepts(port))
    # Cheap while it loads: one entry by name. Only when the last one is there, everybody is counted.
    wait_until(lambda: has_person(endpoint, size.people - 1), "the gateway has the last person")
    wait_until(lambda: count_people(endpoint, generator) >= size.people, "the gateway has every person")
    took = time.monotonic() - began
    start = partial(process.start, lambda: True)
    return Contender("gateway", endpoint, lambda: process.pid, process.stop, start, took)


def has_person(endpoint: Endpoint, number: int) -> bool:
    with suppress(LDAPException):
        connection = connect(endpoint)
        try:
            return bool(ask(connection, endpoint.base, f"(uid=user{number:06d})", "SUBTREE", "uid"))
        finally:
            connection.unbind()
    return False


def count_people(endpoint: Endpoint, generator: LoadGenerator) -> int:
    with suppress(LoadError):
        everybody = Load(filter_template="(objectClass=inetOrgPerson)", attributes="1.1", requests=1)
        return generator.run(endpoint, everybody).entries
    return 0
