"""Precedence: the environment over the file, the command line over both."""

from __future__ import annotations

from pathlib import Path

from gateway.app.value_types import Endpoint
from tests.app.config_text import TEN_LINES, complaint, load, openldap


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


def test_variables_without_a_table_are_left_to_other_programs(folder: Path) -> None:
    assert load(folder, "", {"GATEWAY_PORT": "tcp://10.0.0.1:80", "GATEWAY_CONFIG": "x"}).settings == load(folder, "").settings


def test_a_complaint_about_a_variable_or_an_option_names_it(folder: Path) -> None:
    environ = {"GATEWAY_LDAP__LISTEN": "here", "GATEWAY_SOURCE__XX__URL": "ldap://x"}
    sentences = complaint(folder, TEN_LINES, environ, "log.level=loud", "nonsense")
    assert "environment variable GATEWAY_LDAP__LISTEN: [ldap] listen: 'here' is not" in sentences
    assert 'environment variable GATEWAY_SOURCE__XX__URL: there is no [[source]] named "xx"' in sentences
    assert "--set log.level: [log] level: input should be" in sentences
    assert "--set nonsense: write --set TABLE.KEY=VALUE" in sentences


def test_a_table_that_only_an_option_or_a_variable_names_is_its_mistake_and_not_the_files(folder: Path) -> None:
    sentences = complaint(folder, TEN_LINES, {"GATEWAY_LGO__LEVEL": "info"}, "lpad.listen=x", "http.listn=x").splitlines()
    assert set(sentences) == {
        '--set lpad.listen: [lpad]: no such key; did you mean "ldap"?',
        'environment variable GATEWAY_LGO__LEVEL: [lgo]: no such key; did you mean "log"?',
        '--set http.listn: [http] listn: no such key; did you mean "listen"?',
    }
