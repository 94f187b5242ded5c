"""The configuration as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.value_types import Endpoint
from gateway.model.errors import ConfigurationError
from tests.app.config_text import TEN_LINES, load, openldap


def test_ten_lines_are_a_whole_configuration(folder: Path) -> None:
    loaded = load(folder, TEN_LINES)
    settings = openldap(loaded).settings()
    assert (settings.upstream.password, [kind.kind for kind in settings.kinds]) == ("sesame", ["user", "group"])
    assert loaded.settings.ldap.listen == (Endpoint("127.0.0.1", 3890),)
    assert loaded.settings.store_url == "sqlite:////var/lib/directory-gateway/store.sqlite"
    assert loaded.warnings == ()


def test_a_missing_configuration_file_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.toml: this configuration file does not exist"):
        loader.load(folder / "none.toml", {})


def test_no_secret_is_in_the_repr_of_the_settings(folder: Path) -> None:
    text = '[store]\nurl = "postgresql+psycopg://gateway:hunter2@db/gateway"\n' + TEN_LINES
    loaded = load(folder, text)
    assert "hunter2" not in repr(loaded) and "sesame" not in repr(loaded)
    assert loaded.settings.store_url.endswith("hunter2@db/gateway")
