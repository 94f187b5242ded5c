"""The configuration's rules: what wins over what, where secrets come from, and what a complaint says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.app.config import file_location, loader
from gateway.app.config.loader import Loaded
from gateway.app.connector_kinds.csv.table import CsvSourceTable
from gateway.app.connector_kinds.ldif.table import LdifSourceTable
from gateway.app.connector_kinds.openldap.table import OpenLDAPSourceTable
from gateway.app.value_types import Endpoint
from gateway.model.errors import ConfigurationError

TEN_LINES = """\
[[source]]
name = "hr"
kind = "openldap"
url = "ldap://ldap.example.com"
bind_dn = "cn=reader,dc=example,dc=com"
password_file = "hr.password"
[source.users]
base = "ou=people,dc=example,dc=com"
[source.groups]
base = "ou=groups,dc=example,dc=com"
"""


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None, *assignments: str) -> Loaded:
    file = folder / "gateway.toml"
    file.write_text(text)
    return loader.load(file, environ or {}, assignments)


def complaint(folder: Path, text: str, environ: Mapping[str, str] | None = None, *assignments: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, text, environ, *assignments)
    return str(raised.value).replace(f"{folder}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hr.password").write_text("sesame\n")
    (tmp_path / "hr.password").chmod(0o600)
    return tmp_path


def openldap(loaded: Loaded) -> OpenLDAPSourceTable:
    source = loaded.settings.source[0]
    assert isinstance(source, OpenLDAPSourceTable)
    return source


def test_ten_lines_are_a_whole_configuration(folder: Path) -> None:
    loaded = load(folder, TEN_LINES)
    settings = openldap(loaded).settings()
    assert (settings.upstream.password, [kind.kind for kind in settings.kinds]) == ("sesame", ["user", "group"])
    assert loaded.settings.ldap.listen == (Endpoint("127.0.0.1", 3890),)
    assert loaded.settings.store_url == "sqlite:////var/lib/directory-gateway/store.sqlite"
    assert loaded.warnings == ()


def test_environment_wins_over_the_file_and_the_command_line_over_both(folder: Path) -> None:
    text = '[log]\nlevel = "error"\nformat = "json"\n[ldap]\nlisten = "127.0.0.1:1"\n'
    environ = {
        "GATEWAY_LOG__LEVEL": "warning",
        "GATEWAY_LDAP__LISTEN": "127.0.0.1:2,[::1]:2",
        "GATEWAY_LDAP__REQUIRE_TLS": "no",
    }
    settings = load(folder, text, environ, "log.level=debug").settings
    assert (settings.log.level, settings.log.format, settings.ldap.require_tls) == ("debug", "json", False)
    assert settings.ldap.listen == (Endpoint("127.0.0.1", 2), Endpoint("::1", 2))


def test_environment_names_a_source_by_its_name_or_its_number(folder: Path) -> None:
    text = TEN_LINES.replace('"hr"', '"hr-main"')
    environ = {"GATEWAY_SOURCE__HR_MAIN__URL": '["ldaps://one", "ldaps://two:7636"]', "GATEWAY_SOURCE__0__USERS__BASE": "ou=x"}
    source = openldap(load(folder, text, environ))
    assert (source.url, source.users.all_bases) == (("ldaps://one", "ldaps://two:7636"), ("ou=x",))


def test_variables_without_a_table_belong_to_somebody_else(folder: Path) -> None:
    assert load(folder, "", {"GATEWAY_PORT": "tcp://10.0.0.1:80", "GATEWAY_CONFIG": "x"}).settings == load(folder, "").settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ldap]\nlistn = 1", 'gateway.toml:2: [ldap] listn: no such key; did you mean "listen"?'),
        ("[lgo]\nlevel = 1", 'gateway.toml:1: [lgo]: no such key; did you mean "log"?'),
        ("\n[log]\nlevel = 'loud'", "gateway.toml:3: [log] level: input should be 'debug', 'info'"),
        ("[ldap]\nlisten = 'here'", "gateway.toml:2: [ldap] listen: 'here' is not an address to listen on"),
        ("[http]\nlisten = '127.0.0.1:70000'", "gateway.toml:2: [http] listen: '127.0.0.1:70000' is not an address"),
        ("[limits]\nconnections = 0", "gateway.toml:2: [limits] connections: input should be greater than 0, not 0"),
        ("[ldap]\ncertificate = 'no.pem'", "gateway.toml:2: [ldap] certificate: no.pem does not exist"),
        ("[ldap]\nkey = 'hr.password'", "gateway.toml:1: [ldap]: key is given without certificate"),
        ("[ldap]\nrequire_tls = true", "gateway.toml:1: [ldap]: require_tls needs certificate and key"),
        ("[ldap]\nanonymous = ['other']", "[ldap] anonymous: there is no view 'other'; the views are: openldap"),
        ("[[view]]\nbase_dn = 'x'", "gateway.toml:2: [[view]] number 1 base_dn: "),
        ("[store]\nurl = 'sqlite://'\nurl_env = 'HOME'", "[store]"),
        (
            "[[source]]\nname = 'a'",
            'gateway.toml:1: [[source]] "a": kind is missing; write one of: "openldap", "active_directory", "ldif", "csv"',
        ),
        ("[[source]]\nkind = 'ad'", 'gateway.toml:1: [[source]] number 1: kind is not known; write one of: "openldap"'),
        ("[[source]]\nname = 'f'\nkind = 'ldif'", 'gateway.toml:1: [[source]] "f" path: is missing; add path = …'),
        (TEN_LINES.replace("url", "uri"), '"hr" uri: no such key; did you mean "url"?'),
        (
            TEN_LINES.replace("ldap://", "http://"),
            "gateway.toml:4: [[source]] \"hr\" url: 'http://ldap.example.com' must be ldap://",
        ),
        (TEN_LINES.replace("ldap://", "ldaps://") + "[source.x]", '"hr" x: no such key'),
        (TEN_LINES.replace("url =", "start_tls = true\nurl =").replace("ldap://", "ldaps://"), "ldaps:// is TLS already"),
        (TEN_LINES.replace("ou=people", "people"), 'gateway.toml:8: [[source]] "hr" [source.users] base: '),
        (
            TEN_LINES.replace("[source.groups]", "filter='(uid=*'\n[source.groups]"),
            'gateway.toml:9: [[source]] "hr" [source.users] filter: ',
        ),
        (TEN_LINES.replace("hr.password", "gone"), 'gateway.toml:6: [[source]] "hr" password_file: gone does not exist'),
        (TEN_LINES.replace('password_file = "hr.password"', ""), "bind_dn is given without a password; add password_file"),
        (TEN_LINES.replace("password_file", "password = 'x'\npassword_file"), "exclude each other; keep one"),
        (TEN_LINES.replace('password_file = "hr.password"', "password_env = 'NO'"), "environment variable NO is not set"),
        (TEN_LINES.partition("[source.users]")[0], "nothing would be read; add [source.users]"),
        (TEN_LINES + TEN_LINES.replace('"hr"', '"HR"'), "two [[source]] tables are named 'hr'"),
        ("[ldap]\nlisten 1", "gateway.toml:2: not valid TOML: "),
    ],
)
def test_a_complaint_names_place_table_key_and_cure(folder: Path, text: str, expected: str) -> None:
    assert expected in complaint(folder, text)


def test_all_complaints_come_at_once(folder: Path) -> None:
    text = "[ldap]\nlisten = 'x'\nsize = 1\n[log]\nlevel = 'x'\n" + TEN_LINES.replace("ou=people", "").replace("ldap://", "")
    assert len(complaint(folder, text, {"GATEWAY_HTTP__LISTEN": "x"}, "log.format=x").splitlines()) == 7


def test_a_complaint_about_a_variable_or_an_option_names_it(folder: Path) -> None:
    environ = {"GATEWAY_LDAP__LISTEN": "here", "GATEWAY_SOURCE__XX__URL": "ldap://x"}
    sentences = complaint(folder, TEN_LINES, environ, "log.level=loud", "nonsense")
    assert "environment variable GATEWAY_LDAP__LISTEN: [ldap] listen: 'here' is not" in sentences
    assert 'environment variable GATEWAY_SOURCE__XX__URL: there is no [[source]] named "xx"' in sentences
    assert "--set log.level: [log] level: input should be" in sentences
    assert "--set nonsense: write --set TABLE.KEY=VALUE" in sentences


def test_no_complaint_repeats_a_password(folder: Path) -> None:
    text = TEN_LINES.replace('password_file = "hr.password"', "password = ['hunter2']\nurl_env = 'hunter2'")
    assert "hunter2" not in complaint(folder, text)


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


def test_no_secret_is_in_the_repr_of_the_settings(folder: Path) -> None:
    text = '[store]\nurl = "postgresql+psycopg://gateway:hunter2@db/gateway"\n' + TEN_LINES
    loaded = load(folder, text)
    assert "hunter2" not in repr(loaded) and "sesame" not in repr(loaded)
    assert loaded.settings.store_url.endswith("hunter2@db/gateway")


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


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("""{ expression = "lower(mail" }""", "column 11: the end is not expected here; put a comma"),
        ("""{ expression = "lowr(mail)" }""", "column 1: there is no function lowr; did you mean lower?"),
        ("{ expresion = 'mail' }", "the one key of a rule is expression"),
        ("{ expression = 'mail', first = true }", "the one key of a rule is expression"),
        ("7", "write the name of an attribute"),
    ],
)
def test_a_complaint_about_a_mapping_names_the_key_and_the_column(folder: Path, written: str, what: str) -> None:
    said = complaint(folder, f"{TEN_LINES}[source.users.mapping]\nusername = {written}\n")
    assert f'gateway.toml:12: [[source]] "hr" [source.users.mapping] username: {what}' in said


@pytest.mark.parametrize("kind", ["openldap", "ldif"])
def test_an_expression_where_none_can_be_is_refused(folder: Path, kind: str) -> None:
    source = TEN_LINES if kind == "openldap" else "[[source]]\nname = 'hr'\nkind = 'ldif'\npath = 'x'\n[source.users]\n"
    said = complaint(folder, source + "[source.users.mapping]\nphoto = { expression = 'jpegPhoto' }\n")
    assert "mapping.photo: photo is not text, so no expression can make it" in said


@pytest.mark.parametrize(
    ("key", "mapping", "what"),
    [
        ("authentication = false", "", "jit lets people in by their password at the source"),
        ("", "username = ''", "jit looks people up by their login name"),
        ("", "username = { expression = 'lower(uid)' }", "which an expression cannot be turned round to"),
    ],
)
def test_newcomers_need_passwords_and_a_login_name_that_can_be_looked_up(
    folder: Path, key: str, mapping: str, what: str
) -> None:
    text = TEN_LINES.replace("[source.users]\n", f"jit = true\n{key}\n[source.users]\n")
    assert what in complaint(folder, f"{text}[source.users.mapping]\n{mapping}\n")


def test_a_mapping_to_a_name_that_looks_like_a_slip_is_warned_about(folder: Path) -> None:
    loaded = load(folder, TEN_LINES + "[source.users.mapping]\ndisplay_nam = 'cn'\nbadge = 'x'\n")
    assert loaded.warnings == ('source hr: "display_nam" becomes a custom field; did you mean "display_name"?',)


def test_paths_are_relative_to_the_configuration_file(folder: Path) -> None:
    settings = load(
        folder, "[gateway]\ndata_dir = '../data'\n[[source]]\nname = 'f'\nkind = 'ldif'\npath = 'x.ldif'\n"
    ).settings
    source = settings.source[0]
    assert isinstance(source, LdifSourceTable)
    assert (settings.data_dir, source.path) == (folder.parent / "data", folder / "x.ldif")


def test_the_configuration_file_is_the_one_named_then_the_variable_then_the_usual_places(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file_location.find("a.toml", {"GATEWAY_CONFIG": "b.toml"}) == Path("a.toml")
    assert file_location.find(None, {"GATEWAY_CONFIG": "b.toml"}) == Path("b.toml")
    monkeypatch.setattr(file_location, "PLACES", (folder / "none.toml", folder / "hr.password"))
    assert file_location.find(None, {}) == folder / "hr.password"
    monkeypatch.setattr(file_location, "PLACES", (folder / "none.toml",))
    with pytest.raises(ConfigurationError, match=r"none.toml is there; name one with --config or \$GATEWAY_CONFIG"):
        file_location.find(None, {})


def test_a_missing_configuration_file_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.toml: this configuration file does not exist"):
        loader.load(folder / "none.toml", {})


CSV = """\
[[source]]
name = "hr"
kind = "csv"
path = "export.csv"
id_column = "Nr"
"""


def test_five_lines_are_a_csv_source(folder: Path) -> None:
    source = load(folder, CSV).settings.source[0]
    assert isinstance(source, CsvSourceTable)
    settings = source.settings()
    assert (settings.path, settings.id_column, settings.delimiter) == (folder / "export.csv", "Nr", ",")
    assert [str(kind) for kind in settings.kinds] == ["user"]


def test_a_csv_source_takes_columns_lists_and_expressions(folder: Path) -> None:
    text = CSV + 'organization_column = "Unit"\n[source.users.mapping]\n'
    text += 'email = ["Mail", "Private mail"]\ntitle = ""\nusername = { expression = "lower({Log in})" }\n'
    source = load(folder, text).settings.source[0]
    assert isinstance(source, CsvSourceTable)
    users = source.settings().users
    assert (users.attributes["email"], "title" in users.attributes) == (("Mail", "Private mail"), False)
    assert users.expressions == {"username": "lower({Log in})"}
    assert users.attributes["given_name"] == ("given_name",)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ('delimiter = ";;"', "delimiter is one character"),
        ('encoding = "klingon"', "encoding 'klingon' is not known"),
        ('[source.users.mapping]\nphoto = "Photo"', "mapping.photo: photo is not text"),
        ("[source.groups]\nbase = 'x'", "[source.groups] base: no such key"),
        ("[source.users.mapping]\nusername = { expression = 'lower(' }", "[source.users.mapping] username: column 7: the end"),
    ],
)
def test_a_complaint_about_a_csv_source_names_the_key(folder: Path, lines: str, what: str) -> None:
    assert what in complaint(folder, f"{CSV}{lines}\n")
