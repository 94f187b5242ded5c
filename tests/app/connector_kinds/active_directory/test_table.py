"""`[[source]]` of kind `active_directory`: what may be written, and what is refused with a sentence that names the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.connector_kinds.active_directory.table import ActiveDirectorySourceTable
from gateway.app.parts import source_parts
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode
from gateway.model.errors import ConfigurationError
from gateway.model.objects import Kind

ENVIRON = {"CORP": "sesame"}
DIGEST = "AB:" * 31 + "AB"
PLAIN = """\
[[source]]
name = "corp"
kind = "active_directory"
url = ["ldaps://dc1.example.com", "ldaps://dc2.example.com"]
bind_dn = "reader@example.com"
password_env = "CORP"
[source.users]
bases = ["OU=People,DC=example,DC=com", "OU=Sites,CN=Configuration,DC=example,DC=com"]
exclude = "OU=Old,OU=People,DC=example,DC=com"
"""


def loaded(folder: Path, text: str) -> ActiveDirectorySourceTable:
    file = folder / "gateway.toml"
    file.write_text(text)
    [table] = loader.load(file, ENVIRON).settings.source
    assert isinstance(table, ActiveDirectorySourceTable)
    return table


def test_controllers_scope_and_account_come_as_they_are_written(tmp_path: Path) -> None:
    table = loaded(tmp_path, PLAIN)
    settings = table.settings()
    assert [address.host for address in settings.upstream.addresses] == ["dc1.example.com", "dc2.example.com"]
    assert settings.mode is ActiveDirectoryMode.AUTO
    [users] = settings.kinds
    assert users.contains("CN=a,OU=People,DC=example,DC=com")
    assert not users.contains("CN=a,OU=Old,OU=People,DC=example,DC=com")
    assert users.mapping.attributes["username"] == ("sAMAccountName",)
    assert table.authenticates


def test_another_scope_is_another_fingerprint_and_another_controller_is_not(tmp_path: Path) -> None:
    plain = source_parts.fingerprint(loaded(tmp_path, PLAIN))
    assert source_parts.fingerprint(loaded(tmp_path, PLAIN.replace("OU=Old", "OU=New"))) != plain
    assert source_parts.fingerprint(loaded(tmp_path, PLAIN.replace("dc2", "dc3"))) == plain
    assert "sesame" not in plain


def test_a_mapping_is_laid_over_the_defaults_of_active_directory(tmp_path: Path) -> None:
    more = '[source.users.mapping]\nusername = "userPrincipalName"\nphoto = ""\n[source.users.enabled]\nattribute = "info"\n'
    table = loaded(tmp_path, PLAIN + more)
    mapping = next(kind.mapping for kind in table.settings().kinds if kind.kind is Kind.USER)
    assert mapping.attributes["username"] == ("userPrincipalName",)
    assert mapping.attributes["family_name"] == ("sn",)
    assert "photo" not in mapping.attributes
    assert mapping.enabled is not None


@pytest.mark.parametrize("name", ["CN=reader,DC=example,DC=com", "EXAMPLE\\\\reader", "reader@example.com"])
def test_the_account_is_named_in_any_form_that_windows_knows(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, PLAIN.replace("reader@example.com", name)).upstream().bind_dn == name.replace("\\\\", "\\")


def test_digests_of_certificates_come_as_openssl_prints_them(tmp_path: Path) -> None:
    for written in (f'"{DIGEST}"', f'["{DIGEST.replace(":", "").lower()}"]'):
        table = loaded(tmp_path, PLAIN.replace("bind_dn", f"certificate_sha256 = {written}\nbind_dn"))
        assert table.upstream().certificate_sha256 == (b"\xab" * 32,)
        assert table.model_dump(mode="json")["certificate_sha256"] == ["ab" * 32]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (PLAIN.replace('bind_dn = "reader@example.com"\npassword_env = "CORP"\n', ""), "shows nothing to strangers"),
        (PLAIN.replace("reader@example.com", "reader"), "not a distinguished name"),
        (PLAIN.replace("OU=Old,OU=People", "OU=Old,OU=Elsewhere"), "lies below no base of the users"),
        (PLAIN.replace("bind_dn", 'certificate_sha256 = "AB:CD"\nbind_dn'), "is not the SHA-256 digest of a certificate"),
        (PLAIN.replace("bind_dn", f'certificate_sha256 = "{DIGEST}"\nca_file = "gateway.toml"\nbind_dn'), "exclude each other"),
        (PLAIN.replace("bind_dn", 'mode = "poll"\nbind_dn'), "mode"),
        (PLAIN.replace("bind_dn", "password_modify = true\nbind_dn"), "password_modify: no such key"),
        (PLAIN.replace("bind_dn", "authentication = false\noffline_bind_seconds = 60\nbind_dn"), "with authentication = false"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        loaded(tmp_path, text)
