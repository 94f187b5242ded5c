"""Single values of the configuration: secrets, paths, mappings."""

from __future__ import annotations

from pathlib import Path

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


def test_only_the_trailing_newline_of_a_secret_file_is_removed(folder: Path) -> None:
    (folder / "hr.password").write_bytes(b" two words \r\n")
    assert openldap(load(folder, TEN_LINES)).secret_password == " two words "


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
