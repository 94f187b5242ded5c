"""The counterparts as fixtures: a server that costs seconds lives as long as the session, one that costs nothing as the test.

With pytest-xdist each worker is a session of its own, with its own servers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import pytest

from gateway.twisted_internals.turn_reactor import turn_reactor
from tests.servers import pki as certificates
from tests.servers import slapd as openldap
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres
from tests.servers.samba import Samba
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import SlapdOptions

turn_reactor()  # before pytest-twisted brings Twisted's: the tests run on the reactor that serves

_database_numbers = itertools.count(1)


class StartSamba(Protocol):
    """Starts one more domain controller; it ends with the test. `filling`: see Samba."""

    def __call__(self, *, filling: tuple[int, int, int] | None = None, copy_of: Samba | None = None) -> Samba: ...


class StartSlapd(Protocol):
    """Starts one more slapd with these SlapdOptions, holding the base tree and `ldif`; it ends with the test."""

    def __call__(self, *, ldif: str | Iterable[str] = "", **options: Any) -> Slapd: ...


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A certificate for 127.0.0.1, the authority that signed it, and one that did not."""
    return certificates.create(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def start_slapd(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[StartSlapd]:
    """A function that starts fresh OpenLDAP servers."""
    started: list[Slapd] = []

    def start(*, ldif: str | Iterable[str] = "", **options: Any) -> Slapd:
        directory = tmp_path_factory.mktemp("slapd")
        started.append(openldap.start(directory, pki, SlapdOptions(**options), ldif))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
def slapd(start_slapd: StartSlapd) -> Slapd:
    """A fresh OpenLDAP server: a reader account, empty ou=people and ou=groups, memberof, refint and syncprov."""
    return start_slapd()


@pytest.fixture(scope="session")
def domain_controller(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Samba]:
    """One domain controller for the session. A test works below a unit of its own, and leaves the server running."""
    server = Samba(tmp_path_factory.mktemp("samba") / "dc", pki)
    try:
        server.start().delete(server.add_unit("deleted"))  # like any domain, it has entries that were deleted
        yield server
    finally:
        server.end()


@pytest.fixture
def start_samba(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[StartSamba]:
    """A function that starts domain controllers of their own."""
    started: list[Samba] = []

    def start(*, filling: tuple[int, int, int] | None = None, copy_of: Samba | None = None) -> Samba:
        started.append(Samba(tmp_path_factory.mktemp("samba") / "dc", pki, filling, copy_of))
        return started[-1].start()

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the session. A test that stops it must start it again."""
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database."""
    name = f"test_{next(_database_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
