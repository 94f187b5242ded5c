"""`gateway user` as an administrator uses it, and what comes of it at a bind."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.app.commands.test_commands import LDIF, LDIF_SOURCE
from tests.app.installation import Installation, until

ADA = "uid=ada,ou=people,dc=directory,dc=example"


class Piped(io.StringIO):
    """Standard input as a script writes it to the command."""

    def isatty(self) -> bool:
        return False


@pytest.fixture
def filled(gateway: Installation) -> Installation:
    (gateway.folder / "people.ldif").write_text(LDIF)
    gateway.configure(LDIF_SOURCE, limits="bind_failures = 100")
    assert gateway("sync").code == 0
    return gateway


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(text))


def test_a_local_password_is_piped_in_and_binds_until_it_is_cleared(
    filled: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, "a good password\n")
    done = filled("user", "set-password", "Ada")
    assert (done.code, done.out) == (0, "user ada has a new local password\n"), done
    with filled.serve() as serving:
        until(lambda: serving.bind(ADA, "a good password") == "success", "the bind")
        assert serving.bind(ADA, "another") == "invalidCredentials"
        assert filled("user", "clear-password", "ada").out == "user ada has no local password any more\n"
        assert serving.bind(ADA, "a good password") == "invalidCredentials"
        assert "a good password" not in serving.log_text()
    assert filled("user", "clear-password", "ada").out == "user ada has no local password (there was none)\n"


@pytest.mark.parametrize("text", ["", "\n", "short\n"])
def test_a_password_that_is_too_short_is_refused_with_the_key_that_says_so(
    filled: Installation, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    piped(monkeypatch, text)
    done = filled("user", "set-password", "ada")
    assert done.code == 1
    assert "8 characters are the least ([passwords] min_length)" in done.err


def test_a_password_that_a_source_keeps_is_not_set_here(
    filled: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = '[[source]]\nname = "file"\nkind = "openldap"\nurl = "ldap://127.0.0.1:1"\n[source.users]\nbase = "dc=x"\n'
    filled.configure(source)
    piped(monkeypatch, "a good password\n")
    done = filled("user", "set-password", "ada")
    assert done.code == 1
    assert "the password of ada is kept by the source file: change it there" in done.err


def test_an_application_password_is_shown_once_listed_and_revoked(filled: Installation) -> None:
    assert filled("application", "add", "mail").code == 0
    done = filled("user", "application-password", "add", "ada", "mail", "my phone")
    assert done.code == 0 and done.out.startswith("gwap_") and "not shown again" in done.err
    password = done.out.strip()
    (listed,) = filled("user", "application-password", "list", "ada", "--json").json
    assert (listed["application"], listed["name"]) == ("mail", "my phone")
    assert password not in filled("user", "application-password", "list", "ada").out
    with filled.serve() as serving:
        until(lambda: serving.bind(ADA, password) == "success", "the bind")
        done = filled("user", "application-password", "revoke", "ada", listed["id"])
        assert done.out == "application password my phone (mail) is revoked\n"
        assert serving.bind(ADA, password) == "invalidCredentials"
    assert filled("user", "application-password", "list", "ada", "--json").json == []


def test_who_does_not_exist_is_said_not_to(filled: Installation) -> None:
    assert "there is no user 'nobody'" in filled("user", "clear-password", "nobody").err
    assert "there is no application 'nobody'" in filled("user", "application-password", "add", "ada", "nobody", "x").err
    assert "no application password 'x'" in filled("user", "application-password", "revoke", "ada", "x").err


def test_an_application_shows_what_it_is_granted_and_loses_it(filled: Installation) -> None:
    granted = ("--grant", "write", "--grant", "passwords", "--certificate-name", "CN=portal")
    assert filled("application", "add", "portal", *granted).code == 0
    shown = filled("application", "show", "portal", "--json").json
    assert (shown["grants"], shown["certificate_names"]) == (["passwords", "write"], ["CN=portal"])
    assert filled("application", "add", "other", "--certificate-name", "CN=portal").code == 1
    assert filled("application", "add", "other", "--grant", "everything").code == 2
    assert filled("application", "set", "portal", "--no-grants", "--no-certificate-names").code == 0
    shown = filled("application", "show", "portal", "--json").json
    assert (shown["grants"], shown["certificate_names"]) == ([], [])
