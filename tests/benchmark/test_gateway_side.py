"""What the bench gives the gateway is a configuration that the gateway takes."""

from __future__ import annotations

from pathlib import Path

from gateway.app import config
from gateway.app.source_tables import OpenLDAPSourceTable
from scripts.benchmark.gateway_side import BASE, write_configuration
from tests.servers.slapd import Slapd


def test_the_benchs_configuration_is_accepted_and_names_the_provider(tmp_path: Path, slapd: Slapd) -> None:
    file, port = write_configuration(tmp_path, slapd)
    loaded = config.load(file, {})
    source, view = loaded.settings.source[0], loaded.settings.view[0]
    assert loaded.warnings == ()
    assert isinstance(source, OpenLDAPSourceTable)
    assert (source.url, source.bind_dn) == ((slapd.url,), slapd.reader.dn)
    assert source.secret_password == slapd.reader.password
    assert (view.base_dn, loaded.settings.ldap.listen[0].port) == (BASE, port)
