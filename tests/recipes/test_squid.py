"""conf/clients/squid: a real Squid whose proxy is for the members of a group; what is fetched is the gateway's health."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.recipes import web
from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import accepts, free_port

RECIPES = ("squid",)

SERVER = """
cache deny all
access_log none
pid_filename none
shutdown_lifetime 0 seconds
visible_hostname localhost
"""


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> int:
    """Where Squid listens."""
    port = free_port()
    debian.write("/etc/squid/squid.conf", f"http_port 127.0.0.1:{port}\n{SERVER}{text('squid/directory.conf', gateway)}")
    debian.write("/etc/squid/directory.secret", gateway.secret)
    debian.daemon("/usr/sbin/squid", "-N", "-f", "/etc/squid/squid.conf", ready=lambda: accepts(port))
    return port


@pytest.fixture
def url(company: Company) -> str:
    return f"http://{company.observer.serving.addresses['management']}/healthz"


def fetch(port: int, url: str, login: str = "", password: str = "") -> int:
    return web.get(port, url, login, password, "Proxy-Authorization").status


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_member_of_the_group_may_fetch_with_the_own_password_only(port: int, url: str, person: Person) -> None:
    assert fetch(port, url, person.uid, person.password) == 200
    assert fetch(port, url, person.uid, "wrong") == 407


@pytest.mark.parametrize("person", [WEI, JOAO], ids=lambda person: person.uid)
def test_who_is_no_member_may_not(port: int, url: str, person: Person) -> None:
    assert fetch(port, url, person.uid, person.password) in (403, 407)


@pytest.mark.parametrize("name", ["nobody", "*", "anna*", "a*)(uid=*"])
def test_a_name_that_is_none_may_not(port: int, url: str, name: str) -> None:
    assert fetch(port, url, name, ANNA.password) == 407


def test_without_a_name_nobody_may(port: int, url: str) -> None:
    assert fetch(port, url) == 407


def test_somebody_who_is_hired_is_known(port: int, url: str, company: Company) -> None:
    new = replace(JOAO, uid="new.surfer", number=10107)
    company.hire(new)
    assert fetch(port, url, new.uid, new.password) in (403, 407)
    assert f"uid={new.uid},ou=people,dc=directory,dc=example' peer" in company.log_text()
