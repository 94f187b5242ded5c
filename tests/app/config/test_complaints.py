"""Complaints about the configuration: each names place, table, key and cure, and repeats no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.config_text import TEN_LINES, complaint


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
            TEN_LINES.replace("ldaps://", "http://"),
            "gateway.toml:4: [[source]] \"hr\" url: 'http://ldap.example.com' must be ldap://",
        ),
        (TEN_LINES + "[source.x]", '"hr" x: no such key'),
        (TEN_LINES.replace("url =", "start_tls = true\nurl ="), "ldaps:// is TLS already"),
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
        ("[log]\nlevel = debug", "gateway.toml:2: not valid TOML: Invalid value; a text stands in quotes"),
        ('[[source]]\nbind_dn = "CORP\\svc"', "not valid TOML: Unescaped '\\' in a string; write the text in single quotes"),
        (TEN_LINES.replace("cn=reader,dc=example,dc=com", "CORP\\reader"), "bind_dn: a name has no control characters; a name"),
        ("[ldap]\n[ldap]", "twice; join the two tables, or write [[table]]"),
        ('[log]\nlevel = "info\n', "close its quotes"),
        ("[log]\nlevel = 1\nlevel = 2\n[ldap]", "a key stands twice in one table; keep one"),
        ("é = 1", "a key with other characters than"),
    ],
)
def test_a_complaint_names_place_table_key_and_cure(folder: Path, text: str, expected: str) -> None:
    assert expected in complaint(folder, text)


def test_all_complaints_come_at_once(folder: Path) -> None:
    text = "[ldap]\nlisten = 'x'\nsize = 1\n[log]\nlevel = 'x'\n" + TEN_LINES.replace("ou=people", "").replace("ldaps://", "")
    assert len(complaint(folder, text, {"GATEWAY_HTTP__LISTEN": "x"}, "log.format=x").splitlines()) == 7


def test_no_complaint_repeats_a_password(folder: Path) -> None:
    text = TEN_LINES.replace('password_file = "hr.password"', "password = ['hunter2']\nurl_env = 'hunter2'")
    assert "hunter2" not in complaint(folder, text)


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
    sentences = complaint(folder, f"{TEN_LINES}[source.users.mapping]\nusername = {written}\n")
    assert f'gateway.toml:12: [[source]] "hr" [source.users.mapping] username: {what}' in sentences


@pytest.mark.parametrize("key", ["url", "url_file", "url_env"])
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://gateway:hunter2@db/gateway", "'mysql' is not supported: write sqlite:////folder/file or postgresql://"),
        ("hunter2", "not a database URL: write sqlite:////folder/file or postgresql://"),
        ("/srv/hunter2.sqlite", "not a database URL: "),
        ("sqlite:hunter2.sqlite", "not a database URL: "),
        ("postgresql://gateway:hunter2@db:port/gateway", "not a database URL: "),
        ("postgresql://gateway:hunter2@/gateway?host=db1&host=db2&port=1&port=2&port=3", "not a database URL: "),
        ("postgresql://gateway:hunter2@db1:5432,db2:x/gateway", "not a database URL: "),
        ("sqlite://", "SQLite needs a file (sqlite:////var/lib/…)"),
        ("sqlite:///:memory:", "SQLite needs a file (sqlite:////var/lib/…)"),
    ],
)
def test_a_store_url_that_no_store_can_have_is_said_before_it_is_opened(folder: Path, key: str, url: str, says: str) -> None:
    (folder / "store-url").write_text(url)
    (folder / "store-url").chmod(0o600)
    value = {"url": url, "url_file": str(folder / "store-url"), "url_env": "STORE"}[key]
    sentence = complaint(folder, "", {"STORE": url}, f"store.{key}={value}")
    assert sentence.startswith(f"--set store.{key}: [store] {key}: {says}")
    assert "hunter2" not in sentence
