"""Single values of the configuration: secrets, paths, mappings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.connector_kinds.ldif.table import LdifSourceTable
from tests.app.config_text import TEN_LINES, complaint, load, openldap


def test_a_secret_file_that_others_can_read_is_warned_about(folder: Path) -> None:
    (folder / "hr.password").chmod(0o644)
    assert load(folder, TEN_LINES).warnings == (
        f"{folder}/hr.password holds a secret and is readable by other users: chmod 600 {folder}/hr.password",
    )


def test_an_unreadable_or_empty_secret_file_is_a_complaint(folder: Path) -> None:
    (folder / "hr.password").write_text("\n")
    assert "hr.password is empty; write the secret into it" in complaint(folder, TEN_LINES)
    (folder / "hr.password").write_bytes(b"\xff")
    assert "hr.password cannot be read (it is not UTF-8 text)" in complaint(folder, TEN_LINES)
    assert ". cannot be read (Is a directory)" in complaint(folder, TEN_LINES.replace("hr.password", ".")).replace(
        str(folder), "."
    )


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("form", [b"%s", b"%s\n", b"%s\r\n", b"%s\n\n", BOM + b"%s\n"])
def test_what_editors_add_to_a_secret_file_is_not_part_of_the_secret(folder: Path, form: bytes) -> None:
    (folder / "hr.password").write_bytes(form % b" two words ")
    assert openldap(load(folder, TEN_LINES)).secret_password == " two words "


def test_a_secret_file_that_is_written_anew_counts_from_the_next_bind_on(folder: Path) -> None:
    file = folder / "hr.password"
    file.write_text("first\n")
    upstream = openldap(load(folder, TEN_LINES)).upstream()
    assert upstream.current_password == "first"
    file.write_text("second\n")
    assert upstream.current_password == "second"
    file.unlink()  # for a moment, while it is replaced
    assert upstream.current_password == "first"


def test_a_relative_secret_file_is_looked_for_in_the_credentials_of_systemd_first(folder: Path) -> None:
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "hr.password").write_text("from systemd")
    loaded = load(folder, TEN_LINES, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert (openldap(loaded).secret_password, loaded.warnings) == ("from systemd", ())


def test_a_mapping_takes_a_name_a_list_or_an_expression(folder: Path) -> None:
    text = (
        TEN_LINES
        + """[source.users.mapping]
email = ["mail", "email"]
username = { expression = "lower(split(mail, '@', 1))" }
"""
    )
    source = openldap(load(folder, text))
    users = source.settings().kinds[0].mapping
    assert users.attributes["email"] == ("mail", "email")
    assert users.expressions == {"username": "lower(split(mail, '@', 1))"}
    assert source.model_dump(mode="json")["users"]["mapping"]["username"] == {"expression": "lower(split(mail, '@', 1))"}


def test_paths_are_relative_to_the_configuration_file(folder: Path) -> None:
    settings = load(
        folder, "[gateway]\ndata_dir = '../data'\n[[source]]\nname = 'f'\nkind = 'ldif'\npath = 'x.ldif'\n"
    ).settings
    source = settings.source[0]
    assert isinstance(source, LdifSourceTable)
    assert (settings.data_dir, source.path) == (folder.parent / "data", folder / "x.ldif")
