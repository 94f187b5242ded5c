"""The bench's configuration of the gateway is one that the gateway accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from scripts.benchmark.servers.gateway_side import AD, BASES, PLAIN, Gateway, Setup
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd


@pytest.mark.parametrize("setup", [PLAIN, AD])
def test_the_benchs_configuration_is_accepted_and_names_the_provider(
    tmp_path: Path, slapd: Slapd, pki: Pki, setup: Setup
) -> None:
    loaded = loader.load(Gateway(tmp_path, slapd, pki).configuration(setup), setup.variables)
    source = loaded.settings.source[0]
    assert loaded.warnings == ()
    assert isinstance(source, OpenLDAPSourceTable)
    assert (source.url, source.bind_dn, source.authentication) == ((slapd.url,), slapd.reader.dn, True)
    assert source.secret_password == slapd.reader.password
    assert loaded.settings.view[-1].base_dn == BASES[setup.view]
