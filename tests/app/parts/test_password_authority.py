"""A partner whose people log in, and who is not to open the accounts of the firm's people by claiming their mail address."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.installation import Installation, Serving, source_of, until
from tests.app.observations import PEOPLE, details
from tests.conftest import StartSlapd
from tests.servers.people import READER_PASSWORD, people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

SOURCES = ("corp", "partner")


def add(upstream: Slapd, unit: str, name: str, mail: str) -> None:
    values = {"uid": name, "cn": name, "sn": name, "mail": mail, "userPassword": f"{name}-secret"}
    upstream.add(f"uid={name},ou={unit},ou=people,{upstream.suffix}", "inetOrgPerson", values)


@pytest.fixture
def firm(tmp_path: Path, start_slapd: StartSlapd, pki: Pki) -> tuple[Installation, Slapd]:
    """The firm's and the partner's people are below one unit each of one slapd."""
    upstream = start_slapd(ldif=people(5, 1, 2))
    for unit in SOURCES:
        upstream.add(f"ou={unit},ou=people,{upstream.suffix}", "organizationalUnit", {"ou": unit})
    add(upstream, "corp", "ceo", "ceo@corp.test")
    add(upstream, "corp", "cfo", "cfo@corp.test")
    add(upstream, "partner", "mallory", "ceo@corp.test")
    add(upstream, "partner", "pat", "pat@partner.test")
    written = '[authority]\npasswords = ["corp", "partner"]\n'
    for name in SOURCES:
        table, _, _ = source_of(upstream, pki, name, 'mode = "poll"', "schedule_seconds = 3600").partition("[source.users]")
        jit = "jit = true\n" if name == "partner" else ""
        rules = 'correlation = ["email = email"]\n' if name == "partner" else ""
        written += f'{table}{jit}[source.users]\nbase = "ou={name},ou=people,{upstream.suffix}"\n{rules}'
    made = Installation(tmp_path, os.environ)
    made.configure(written)
    password = tmp_path / "hr.password"
    password.touch(mode=0o600)
    password.write_text(READER_PASSWORD)
    return made, upstream


def wait_until_both_are_read(serving: Serving) -> None:
    def are_read() -> bool:
        found = details(serving)
        sources = all("succeeded" in found[f"source {name}"] for name in SOURCES)
        return sources and found["view openldap"].startswith("0 changes behind")

    until(are_read, "both sources are read")


def opener(serving: Serving) -> Callable[[str, str], bool]:
    return lambda name, whose: serving.bind(f"uid={name},{PEOPLE}", f"{whose}-secret") == "success"


def test_law_14_an_application_password_of_a_partner_does_not_open_the_account_of_the_firm(
    firm: tuple[Installation, Slapd],
) -> None:
    gateway, _ = firm
    assert gateway("sync", "partner").code == 0
    assert gateway("application", "add", "portal").code == 0
    password = gateway("user", "application-password", "add", "mallory", "portal", "phone").out.strip()
    assert password.startswith("gwap_")
    assert gateway("sync", "corp").code == 0
    links = {link["source"]: link["checks_password"] for link in gateway("explain", "user", "mallory", "--json").json["links"]}
    assert links == {"corp": True, "partner": False}
    assert password[:13].removeprefix("gwap_") not in gateway("user", "application-password", "list", "mallory").out


@pytest.mark.parametrize("first", SOURCES)
def test_law_14_the_password_of_a_correlated_record_opens_nobody_elses_account(
    firm: tuple[Installation, Slapd], first: str
) -> None:
    gateway, upstream = firm
    for source in sorted(SOURCES, key=lambda name: name != first):
        assert gateway("sync", source).code == 0
    [ceo] = {"corp": ["ceo"], "partner": ["mallory"]}[first]  # who is read first gives the name
    links = gateway("explain", "user", ceo, "--json").json["links"]
    assert {link["source"]: link["checks_password"] for link in links} == {"corp": True, "partner": False}
    why = gateway("explain", "user", ceo).out
    assert "password: checked by corp (uid=ceo," in why and ": [authority] passwords\n" in why
    assert "the source corp" in gateway("user", "set-password", ceo).err
    with gateway.serve() as serving:
        wait_until_both_are_read(serving)
        opens = opener(serving)
        assert opens(ceo, "ceo")
        assert not opens("ceo", "mallory")
        assert not opens("mallory", "mallory")
        assert opens("pat", "pat"), "the partner's own people log in"
        assert "source=corp" in serving.log_text().partition("result=accepted")[2].partition("\n")[0]

        add(upstream, "partner", "attacker2", "cfo@corp.test")
        add(upstream, "partner", "new", "new@partner.test")
        assert not opens("attacker2", "attacker2"), "the first bind does not link"
        assert opens("new", "new"), "the partner's own newcomers come in"
        assert {link["source"] for link in gateway("explain", "user", "cfo", "--json").json["links"]} == {"corp"}
        assert "user belongs to another" in serving.log_text()
        assert gateway("sync", "partner", "--full").code == 0
        assert not opens("attacker2", "attacker2")
        assert not opens("cfo", "attacker2")
        assert opens("cfo", "cfo")

        upstream.delete(f"uid=ceo,ou=corp,ou=people,{upstream.suffix}")
        assert gateway("sync", "corp", "--allow-deletions").code == 0
        until(lambda: not opens("ceo", "ceo"), "corp has the ceo no more")
        assert not opens("ceo", "mallory")
        assert not opens("mallory", "mallory"), "who is left does not take the place of the source that decided"
        assert "the source corp checked it and has the user no more" in gateway("explain", "user", "mallory").out


def test_law_14_a_persons_decision_lets_a_record_vouch(firm: tuple[Installation, Slapd]) -> None:
    gateway, _ = firm
    for source in SOURCES:
        assert gateway("sync", source).code == 0
    with gateway.serve() as serving:
        wait_until_both_are_read(serving)
        opens = opener(serving)
        assert not opens("ceo", "mallory")
        done = gateway("links", "link", "partner", "mallory", "ceo")
        assert done.code == 0, done
        assert opens("ceo", "mallory")
        assert opens("ceo", "ceo")
