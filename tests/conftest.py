"""The counterparts as fixtures: a server that costs seconds lives as long as the session, one that costs nothing as the test.

With pytest-xdist each worker is a session of its own, with its own servers. The marker `quick` is set here, by a rule: see
`is_quick`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
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

QUICK_PLACES = ("wire", "model", "sync", "directory", "test_architecture.py", "test_limits.py")
"""Below tests/: the folders of packages that compute and serve nothing."""

SLOW_FIXTURES = {
    "tmp_path",
    "tmp_path_factory",
    "slapd",
    "start_slapd",
    "domain_controller",
    "start_samba",
    "postgres",
    "request",
}
"""A test with one of them, be it by way of other fixtures, writes files or waits for a foreign server, or (`request`) may."""

_TESTS = Path(__file__).parent
_database_numbers = itertools.count(1)


def is_quick(item: pytest.Function) -> bool:
    """Return whether `scripts/check` runs the test: it lies in one of QUICK_PLACES, has none of SLOW_FIXTURES, and is no law,
    which tries random histories (a law has that word in its own name or its file's)."""
    place = item.path.relative_to(_TESTS).parts[0]
    is_law = "law" in f"{item.path.stem} {item.name}".replace("_", " ").replace("laws", "law").split()
    return place in QUICK_PLACES and not is_law and SLOW_FIXTURES.isdisjoint(item.fixturenames)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave other places than the quick ones unread when only quick tests are asked for."""
    inside = collection_path.relative_to(_TESTS).parts if collection_path.is_relative_to(_TESTS) else ()
    return True if config.option.markexpr == "quick" and inside and inside[0] not in QUICK_PLACES else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the quick checks."""
    for item in items:
        if isinstance(item, pytest.Function) and is_quick(item):
            item.add_marker("quick")


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
