"""The tables of listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import ConfigurationError
from tests.app.config_text import load


def test_a_token_that_a_person_makes_up_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, '[management]\ntoken_file = "token"\n')
    assert "openssl rand -hex 32" in str(raised.value)
    assert "sesame" not in str(raised.value)


def test_trusted_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[ldap]\ntrusted_proxies = "192.0.2.7"\n[http]\ntrusted_proxies = ["10.1.0.0/16", "fd00::/8"]\n')
    assert loaded.settings.ldap.trusted_proxies.include("192.0.2.7")
    assert loaded.settings.http.trusted_proxies.include("fd00::7")
    assert not loaded.settings.http.trusted_proxies.include("10.2.0.1")
    for wrong in ("proxy.example.com", "10.1.0.1/16", "*"):
        with pytest.raises(ConfigurationError, match="addresses and networks such as"):
            load(tmp_path, f'[ldap]\ntrusted_proxies = ["{wrong}"]\n')


def test_ciphers_that_openssl_does_not_know_are_a_complaint(tmp_path: Path) -> None:
    assert load(tmp_path, '[ldap]\ntls_ciphers = "ECDHE+AESGCM"\n').settings.ldap.tls_ciphers == "ECDHE+AESGCM"
    with pytest.raises(ConfigurationError, match="OpenSSL knows no cipher 'ROT13'"):
        load(tmp_path, '[http]\ntls_ciphers = "ROT13"\n')
    with pytest.raises(ConfigurationError, match="client_crl is for certificates of client_ca"):
        (tmp_path / "crl.pem").touch()
        load(tmp_path, '[ldap]\nclient_crl = "crl.pem"\n')
