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


@pytest.mark.parametrize(
    ("url", "more", "clear"),
    [
        ("ldap://ldap.example.com", "", ["ldap://ldap.example.com"]),
        ("ldap://ldap.example.com", "start_tls = true", []),
        ("ldaps://ldap.example.com", "", []),
        ("ldap://localhost:3890", "", []),
        ("ldap://[::1]", "", []),
        ("ldap://127.0.0.2", "", []),
    ],
)
def test_clear_text_to_another_machine_is_warned_of(folder: Path, url: str, more: str, clear: list[str]) -> None:
    cure = "use an ldaps:// URL, or set start_tls = true"
    text = TEN_LINES.replace("ldaps://ldap.example.com", url).replace("[source.users]", f"{more}\n[source.users]")
    assert load(folder, text).warnings == tuple(f"source hr: passwords travel to {one} in the clear; {cure}" for one in clear)


def test_a_missing_configuration_file_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.toml: this configuration file does not exist"):
        loader.load(folder / "none.toml", {})


def test_no_secret_is_in_the_repr_of_the_settings(folder: Path) -> None:
    text = '[store]\nurl = "postgresql+psycopg://gateway:hunter2@db/gateway"\n' + TEN_LINES
    loaded = load(folder, text)
    assert "hunter2" not in repr(loaded) and "sesame" not in repr(loaded)
    assert loaded.settings.store_url.endswith("hunter2@db/gateway")
