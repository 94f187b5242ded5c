"""An empty installation, with the password of every test slapd's reader beside its configuration; and one with a source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.installation import Installation, source_of
from tests.app.two_workers import TwoWorkers, serving_with_two_workers
from tests.conftest import StartSlapd
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


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[TwoWorkers]:
    """A gateway with two workers for the tests of a module, each of which leaves it without clients."""
    with serving_with_two_workers(tmp_path_factory.mktemp("two-workers"), pki) as running:
        yield running


@pytest.fixture
def own_two_workers(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[TwoWorkers]:
    """A gateway with two workers for a test that ends it."""
    with serving_with_two_workers(tmp_path_factory.mktemp("two-workers"), pki) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the password file that config_text.TEN_LINES names."""
    (tmp_path / "hr.password").write_text("sesame\n")
    (tmp_path / "hr.password").chmod(0o600)
    return tmp_path
