"""No secret is where people look: not in the log of a whole session at level debug, not in what commands and errors print, not
in the process list."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import ldap
import pytest

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person
from tests.scenarios.office import PEOPLE, Observer, Office, libldap
from tests.servers.people import READER_PASSWORD
from tests.servers.pki import Pki

WRONG = "wrong-upstream-password"
GUESS = "a-guess-of-somebody"
TYPED = "typed-into-a-filter"
NEW = "the-new-password"
CLIENT_SECRET = "client-secret-that-is-wrong"


class Printed:
    """Everything that commands have printed so far; each is run as a program of its own."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.text = ""

    def __call__(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "gateway", "--config", str(self._office.file), *arguments]
        done = subprocess.run(command, cwd=self._office.folder, capture_output=True, text=True, timeout=60)
        self.text += done.stdout + done.stderr
        return done.stdout


def over_ldap(observer: Observer) -> None:
    """Binds that are right and wrong, and passwords where they do not belong."""
    for dn, password in (
        (f"uid=ann,{PEOPLE}", "ann-secret"),
        (f"uid=ann,{PEOPLE}", GUESS),
        (f"uid=nobody,{PEOPLE}", GUESS),
        (observer.bind_dn, GUESS),
        (f"this is no name {GUESS}", GUESS),
    ):
        with contextlib.suppress(ldap.LDAPError):
            libldap(observer.ldap_url, dn, password).unbind_s()
    connection = libldap(observer.ldap_url, observer.bind_dn, observer.secret)
    dn = f"uid=ann,{PEOPLE}"
    for work in (
        lambda: connection.search_s(PEOPLE, ldap.SCOPE_SUBTREE, f"(userPassword={TYPED})"),
        lambda: connection.compare_s(dn, "userPassword", TYPED.encode()),
        lambda: connection.modify_s(dn, [(ldap.MOD_REPLACE, "userPassword", [NEW.encode()])]),
        lambda: connection.add_s(f"uid=x,{PEOPLE}", [("userPassword", [NEW.encode()])]),
        lambda: connection.passwd_s(dn, "ann-secret", NEW),
    ):
        with contextlib.suppress(ldap.LDAPError):
            work()  # type: ignore[no-untyped-call]
    connection.unbind_s()


def over_http(observer: Observer) -> list[str]:
    """Tokens, asked for in every way that there is; the tokens."""
    tokens = []
    basic = base64.b64encode(f"{observer.client_id}:{observer.secret}".encode()).decode()
    url = f"{observer.base_url}/oauth2/token"
    for secret in (observer.secret, CLIENT_SECRET):
        form = {"grant_type": "client_credentials", "client_id": observer.client_id, "client_secret": secret}
        asked = urllib.parse.urlencode(form)
        for request in (
            urllib.request.Request(url, asked.encode(), method="POST"),
            urllib.request.Request(f"{url}?{asked}", method="POST"),
        ):
            tokens += [json.loads(body)["access_token"]] if "access_token" in (body := answer(request)) else []
    request = urllib.request.Request(url, b"grant_type=client_credentials", {"Authorization": f"Basic {basic}"}, method="POST")
    tokens.append(json.loads(answer(request))["access_token"])
    for token in tokens:
        bearer = {"Authorization": f"Bearer {token}"}
        answer(urllib.request.Request(f"{observer.base_url}/users", headers=bearer))
        answer(urllib.request.Request(f"{observer.base_url}/users?access_token={token}", headers=bearer))
        answer(urllib.request.Request(f"{observer.base_url}/no/such/path?token={token}", headers=bearer))
    revoked = {"client_id": observer.client_id, "client_secret": observer.secret, "token": tokens[0]}
    answer(urllib.request.Request(f"{observer.base_url}/oauth2/revoke", urllib.parse.urlencode(revoked).encode()))
    return tokens


def answer(request: urllib.request.Request) -> str:
    """The body, of whatever status."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answered:
            return str(answered.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def test_law_12_a_whole_session_at_level_debug_tells_no_secret(office: Office, start_slapd: StartSlapd, pki: Pki) -> None:
    upstream = start_slapd()
    add_person(upstream, "ann", mail="ann@example.test")
    wrong = office.folder / "wrong.password"
    wrong.touch(mode=0o600)
    wrong.write_text(WRONG)
    refused = source_of(upstream, pki, "refused").replace('"hr.password"', '"wrong.password"')
    office.configure(source_of(upstream, pki) + refused, log='level = "debug"')

    printed = Printed(office)
    for arguments in (("check",), ("sync", "--dry-run"), ("sync",), ("config", "show"), ("config", "show", "--json")):
        printed(*arguments)
    credentials = office.application()
    with office.observed(credentials) as observer:
        until(lambda: "ann" in observer.ids(), "ann is served")
        over_ldap(observer)
        tokens = over_http(observer)
        upstream.restart()
        until(lambda: observer.serving.bind(f"uid=ann,{PEOPLE}", "ann-secret") == "success", "binds are passed on again")
        listed = Path(f"/proc/{observer.serving.process.pid}/cmdline").read_text()  # what ps(1) shows
        for arguments in (("status",), ("status", "--problems"), ("application", "list"), ("application", "show", "portal")):
            printed(*arguments)
        assert observer.serving.stop() == 0
    told = observer.serving.log_text() + printed.text + listed
    assert "[debug" in observer.serving.log_text() and "portal" in printed.text
    secrets = {"ann-secret", observer.secret, READER_PASSWORD, WRONG, GUESS, TYPED, NEW, CLIENT_SECRET, *tokens}
    assert {secret for secret in secrets if secret in told} == set()
    assert len(secrets) == 8 + 3


@pytest.mark.parametrize(
    ("tables", "sources"),
    [
        ({"store": 'url = "postgresql+psycopg://g:hunter2@127.0.0.1:1/g"'}, ""),
        ({"store": 'url = "nonsense://g:hunter2@127.0.0.1/g"'}, ""),
        ({"store": 'url = "hunter2"'}, ""),
        ({"store": 'url = ["hunter2"]'}, ""),
        ({"store": 'password = "hunter2"'}, ""),
        ({}, 'password = "hunter2"\npassword_env = "PATH"'),
        ({}, 'password = ["hunter2"]'),
        ({}, 'password = { value = "hunter2" }'),
        ({}, 'pasword = "hunter2"'),
        ({}, 'bind_password = "hunter2"'),
        ({}, 'url = "ldap://cn=r:hunter2@127.0.0.1"'),
        ({}, 'url = "ldaps://r:hunter2@127.0.0.1/?hunter2"'),
    ],
)
def test_law_12_a_mistake_in_the_configuration_is_told_without_its_secret(
    office: Office, tables: dict[str, str], sources: str
) -> None:
    if sources:
        url = "" if sources.startswith("url") else 'url = "ldap://127.0.0.1:1"\n'
        sources = f'[[source]]\nname = "hr"\nkind = "openldap"\nbind_dn = "cn=r"\nusers.base = "ou=p"\n{url}{sources}\n'
    office.configure(sources, **tables)
    for arguments in (("config", "check"), ("status",), ("check",), ("config", "show")):
        done = office(*arguments)
        assert "hunter2" not in done.out + done.err, (arguments, done)
    assert office("check").code != 0 or office("status").code != 0
