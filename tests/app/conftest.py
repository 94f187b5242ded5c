"""An empty installation, with the password of every test slapd's reader beside its configuration; and one with a source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.installation import Installation, Serving, source_of
from tests.app.watching import application, wait_until_all_serve, wait_until_read
from tests.conftest import StartSlapd
from tests.frontends.ldap.serving import Account
from tests.servers.people import READER_PASSWORD, people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd


@pytest.fixture
def gateway(tmp_path: Path) -> Installation:
    password = tmp_path / "hr.password"
    password.touch(mode=0o600)
    password.write_text(f"{READER_PASSWORD}\n")
    installation = Installation(tmp_path, os.environ)
    installation.configure()
    return installation


@pytest.fixture
def upstream(start_slapd: StartSlapd) -> Slapd:
    """A slapd with twenty people and two groups."""
    return start_slapd(ldif=people(20, 2, 5))


@pytest.fixture
def installed(gateway: Installation, upstream: Slapd, pki: Pki) -> Installation:
    """An installation that reads from it."""
    gateway.configure(source_of(upstream, pki))
    return gateway


@pytest.fixture(params=[1, 2], ids=["one process", "workers"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """LDAP is served by the one process, and by two workers."""
    monkeypatch.setenv("GATEWAY_LDAP__WORKERS", str(request.param))


@pytest.fixture
def portal(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An application of an installation that has two workers and narrow limits."""
    monkeypatch.setenv("GATEWAY_LDAP__WORKERS", "2")
    with installed.file.open("a") as file:
        file.write("[limits]\nconnections_per_address = 8\nbind_failures = 3\nbind_failure_seconds = 600\n")
    added = application(installed)
    return Account(added["bind_dns"][0], added["secret"])


@pytest.fixture
def crew(installed: Installation, portal: Account) -> Iterator[Serving]:
    """It runs, and everything can be read from all its workers."""
    with installed.serve() as running:
        wait_until_read(running)
        wait_until_all_serve(running)
        yield running
