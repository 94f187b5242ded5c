"""Warnings about listeners that others reach in the clear, and about a configuration file that others may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.config_text import load
from tests.servers.pki import Pki


@pytest.mark.parametrize("table", ["ldap", "http", "management"])
@pytest.mark.parametrize(
    ("listen", "warned"),
    [
        ("0.0.0.0:3890", True),
        (":3890", True),
        ("[::]:3890", True),
        ("192.0.2.7:3890", True),
        ("ldap.example.com:3890", True),
        ("127.0.0.1:3890", False),
        ("127.9.9.9:3890", False),
        ("[::1]:3890", False),
        ("localhost:3890", False),
        ("", False),
    ],
)
def test_a_listener_without_tls_that_others_reach_is_warned_of(
    tmp_path: Path, pki: Pki, table: str, listen: str, warned: bool
) -> None:
    text = f'[{table}]\nlisten = "{listen}"\n'
    found = [warning for warning in load(tmp_path, text).warnings if f"[{table}] listens on" in warning]
    assert len(found) == warned
    if warned:
        assert "give certificate and key, or listen on 127.0.0.1" in found[0]
    with_tls = f'{text}certificate = "{pki.certificate}"\nkey = "{pki.key}"\n'
    assert not [warning for warning in load(tmp_path, with_tls).warnings if "listens on" in warning]


SOURCE = """
[[source]]
name = "hr"
kind = "openldap"
url = "ldaps://ldap.example.com"
bind_dn = "cn=reader,dc=example,dc=com"
PASSWORD
[source.users]
base = "ou=people,dc=example,dc=com"
"""


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (SOURCE.replace("PASSWORD", 'password = "sesame"'), "[[source]] hr password"),
        ('[store]\nurl = "postgresql+psycopg://gateway:sesame@db/gateway"\n', "[store] url"),
        ('[store]\nurl = "postgresql+psycopg://gateway@db/gateway"\n', ""),
        (SOURCE.replace("PASSWORD", 'password_env = "HR_PASSWORD"'), ""),
    ],
)
def test_a_file_with_secrets_that_others_may_read_is_warned_of(tmp_path: Path, text: str, held: str) -> None:
    environ = {"HR_PASSWORD": "sesame"}
    (tmp_path / "gateway.toml").touch(mode=0o644)
    warnings = load(tmp_path, text, environ).warnings
    assert len([warning for warning in warnings if "chmod 600" in warning]) == bool(held)
    assert not held or held in warnings[0]
    assert "sesame" not in "".join(warnings)
    (tmp_path / "gateway.toml").chmod(0o600)
    assert not [warning for warning in load(tmp_path, text, environ).warnings if "chmod" in warning]
