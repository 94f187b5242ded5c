"""Configurations written for a test: a file in a folder, loaded, or refused with its complaints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.config.loader import Loaded
from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from gateway.model.errors import ConfigurationError

TEN_LINES = """\
[[source]]
name = "hr"
kind = "openldap"
url = "ldaps://ldap.example.com"
bind_dn = "cn=reader,dc=example,dc=com"
password_file = "hr.password"
[source.users]
base = "ou=people,dc=example,dc=com"
[source.groups]
base = "ou=groups,dc=example,dc=com"
"""


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None, *assignments: str) -> Loaded:
    """Load `text` as gateway.toml in the folder."""
    file = folder / "gateway.toml"
    file.write_text(text)
    return loader.load(file, environ or {}, assignments)


def complaint(folder: Path, text: str, environ: Mapping[str, str] | None = None, *assignments: str) -> str:
    """Return the complaints about `text`, without the folder's name."""
    with pytest.raises(ConfigurationError) as raised:
        load(folder, text, environ, *assignments)
    return str(raised.value).replace(f"{folder}/", "")


def openldap(loaded: Loaded) -> OpenLDAPSourceTable:
    """Return the one source."""
    source = loaded.settings.source[0]
    assert isinstance(source, OpenLDAPSourceTable)
    return source
