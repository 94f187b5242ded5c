"""conf/gateway.toml is the reference of all keys: it loads, its commented defaults are the defaults, and no key is missing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from gateway.app.commands.config import effective
from gateway.app.config import loader
from gateway.app.config.complaints import tables_in
from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.active_directory.table import ActiveDirectorySourceTable
from gateway.app.connector_kinds.ldif.table import LdifSourceTable
from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from gateway.app.connector_kinds.registry import SOURCE_KINDS

SAMPLE = Path(__file__).parents[3] / "conf" / "gateway.toml"
ENVIRON = {"HR_PASSWORD": "sesame", "CORP_PASSWORD": "open", "GATEWAY_STORE": "sqlite://"}
EXAMPLES = {
    "url",
    "url_file",
    "url_env",
    "certificate",
    "key",
    "ca_file",
    "client_ca",
    "client_crl",
    "tls_ciphers",
    "password",
    "password_file",
    "layout",
    "member_attributes",
    "domain",
    "netbios",
    "container",
    "naming",
    "allocate",
    "primary_gid",
    "deleted",
    "token_file",
    "token_env",
    "certificate_sha256",
    "exclude",
}  # commented, not defaults


def all_tables() -> Iterator[type[BaseModel]]:
    yield from tables_below(Settings)
    for kind in SOURCE_KINDS.values():
        yield from tables_below(kind.table)


def tables_below(table: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield table
    for field in table.model_fields.values():
        for inner in tables_in(field.annotation):
            yield from tables_below(inner)


def with_defaults_uncommented(text: str) -> str:
    lines = []
    for line in text.splitlines():
        key = re.match(r"#([a-z_0-9]+) = ", line)
        lines.append(line[1:] if key and key[1] not in EXAMPLES else line)
    return "\n".join(lines)


def test_the_sample_configuration_loads_without_a_warning() -> None:
    loaded = loader.load(SAMPLE, ENVIRON)
    assert [source.name for source in loaded.settings.source] == ["hr", "corp", "partners", "personnel"]
    assert loaded.warnings == ()


def test_the_commented_defaults_of_the_sample_configuration_are_the_defaults(tmp_path: Path) -> None:
    everything = tmp_path / "gateway.toml"
    everything.write_text(with_defaults_uncommented(SAMPLE.read_text()))
    explicit, implicit = loader.load(everything, ENVIRON).settings, loader.load(SAMPLE, ENVIRON).settings
    without_sources = {"source": ()}
    assert effective(explicit.model_copy(update=without_sources)) == effective(implicit.model_copy(update=without_sources))
    for one, other in zip(explicit.source, implicit.source, strict=True):
        kinds = {"path", "users", "organizations", "groups"}
        assert one.model_dump(exclude=kinds) == other.model_dump(exclude=kinds)
        if isinstance(one, LdifSourceTable) and isinstance(other, LdifSourceTable):
            assert one.settings().kinds == other.settings().kinds
        if isinstance(one, OpenLDAPSourceTable) and isinstance(other, OpenLDAPSourceTable):
            assert one.settings() == other.settings()
        if isinstance(one, ActiveDirectorySourceTable) and isinstance(other, ActiveDirectorySourceTable):
            assert one.settings() == other.settings()


def test_the_sample_configuration_mentions_every_key_of_every_table() -> None:
    text = SAMPLE.read_text()
    headers = re.findall(r"^\[\[?([a-z_.]+)\]", text, re.MULTILINE)
    mentioned = {*re.findall(r"^#?([a-z_0-9]+) = ", text, re.MULTILINE), *".".join(headers).split("."), "bases"}
    keys = {(table.__name__, name) for table in all_tables() for name in table.model_fields}
    assert {key for key in keys if key[1] not in mentioned} == set()


def test_every_example_key_of_the_sample_configuration_is_a_known_key() -> None:
    known = {name for table in all_tables() for name in table.model_fields}
    assert known >= EXAMPLES
    tomllib.loads(with_defaults_uncommented(SAMPLE.read_text()))
