"""One company for each worker's session, one Debian system for each module (a tenth of a second)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recipes import company as companies
from tests.recipes.company import Company
from tests.recipes.debian import Debian
from tests.recipes.recipe import AUTHORITY, Addresses
from tests.servers.pki import Pki


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Company]:
    with companies.company(tmp_path_factory.mktemp("company"), pki) as running:
        yield running


@pytest.fixture(scope="session")
def gateway(company: Company) -> Addresses:
    return company.addresses


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory, gateway: Addresses) -> Iterator[Debian]:
    """A fresh system in which the gateway's authority is where the recipes name it."""
    running = Debian(tmp_path_factory.mktemp("debian"))
    running.write(AUTHORITY, gateway.ca.read_text())
    yield running
    running.end()
