"""Keys of the sources that are LDAP directories: mappings, just-in-time creation."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.objects import Kind
from tests.app.config_text import TEN_LINES, complaint, load, openldap


@pytest.mark.parametrize("kind", ["openldap", "ldif"])
def test_an_expression_where_none_can_be_is_refused(folder: Path, kind: str) -> None:
    source = TEN_LINES if kind == "openldap" else "[[source]]\nname = 'hr'\nkind = 'ldif'\npath = 'x'\n[source.users]\n"
    sentences = complaint(folder, source + "[source.users.mapping]\nphoto = { expression = 'jpegPhoto' }\n")
    assert "mapping.photo: photo is not text, so no expression can make it" in sentences


@pytest.mark.parametrize(
    ("key", "mapping", "what"),
    [
        ("authentication = false", "", "jit lets people in by their password at the source"),
        ("", "username = ''", "jit looks people up by their login name"),
        ("", "username = { expression = 'lower(uid)' }", "which an expression cannot be turned round to"),
    ],
)
def test_jit_needs_passwords_and_a_login_name_that_can_be_looked_up(folder: Path, key: str, mapping: str, what: str) -> None:
    text = TEN_LINES.replace("[source.users]\n", f"jit = true\n{key}\n[source.users]\n")
    assert what in complaint(folder, f"{text}[source.users.mapping]\n{mapping}\n")


def test_the_id_attribute_of_a_kind_goes_over_that_of_the_source(folder: Path) -> None:
    text = TEN_LINES.replace("[source.users]\n", "id_attribute = 'uid'\n[source.users]\nid_attribute = 'employeeNumber'\n")
    settings = openldap(load(folder, text)).settings()
    assert settings.id_attribute_of(Kind.USER) == "employeeNumber"
    assert settings.id_attribute_of(Kind.GROUP) == "uid"


def test_an_id_attribute_without_a_name_is_refused(folder: Path) -> None:
    assert "id_attribute" in complaint(folder, TEN_LINES.replace("[source.users]\n", "[source.users]\nid_attribute = ''\n"))
