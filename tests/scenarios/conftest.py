"""Upstreams and offices that live as long as a module: each test there has people of its own in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.office import Office
from tests.servers import slapd as openldap
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import SlapdOptions


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Slapd]:
    """A slapd with memberof, refint and a session log in memory, holding the base tree alone."""
    server = openldap.start(tmp_path_factory.mktemp("slapd"), pki, SlapdOptions())
    yield server
    server.end()


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An empty installation."""
    return Office(tmp_path_factory.mktemp("office"))
