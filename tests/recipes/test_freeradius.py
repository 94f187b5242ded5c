"""conf/clients/freeradius: members of a group are accepted by a real RADIUS server."""

from __future__ import annotations

import re
import socket
from dataclasses import replace

import pytest

from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import free_port

RECIPES = ("freeradius",)

CONFIGURATION = "/etc/freeradius/3.0"
TAKEN_AWAY = re.compile(rf"^#   cd {re.escape(CONFIGURATION)} && rm (.+)$", re.MULTILINE)
"""The command in the recipe: nothing is taken away here that it does not name."""

SHARED_SECRET = "testing123"


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> int:
    """Where RADIUS is spoken, to clients on loopback that know Debian's SHARED_SECRET."""
    port = free_udp_port()
    site = text("freeradius/site", gateway, _1812=port)
    [names] = TAKEN_AWAY.findall(site)
    for name in names.split():
        (debian.root / CONFIGURATION.lstrip("/") / name).unlink()
    debian.write(f"{CONFIGURATION}/mods-enabled/ldap", text("freeradius/ldap", gateway))
    debian.write(f"{CONFIGURATION}/sites-enabled/directory", site)
    server = debian.read(f"{CONFIGURATION}/radiusd.conf")
    debian.write(f"{CONFIGURATION}/radiusd.conf", server.replace("reject_delay = 1", "reject_delay = 0"))
    debian.daemon("/usr/sbin/freeradius", "-f", "-l", "stdout", "-d", CONFIGURATION, ready=lambda: listens(port))
    return port


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port := free_port()))
    return port


def listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def log_in(debian: Debian, port: int, login: str, password: str) -> str:
    """Access-Accept or Access-Reject."""
    given = f'User-Name = "{quoted(login)}"\nUser-Password = "{quoted(password)}"\n'
    said = debian.run("radclient", "-x", f"127.0.0.1:{port}", "auth", SHARED_SECRET, given=given).stdout
    [answer] = re.findall(r"^Received (\S+)", said, re.MULTILINE)
    return str(answer)


def quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_member_of_the_group_is_accepted_with_the_own_password_only(debian: Debian, port: int, person: Person) -> None:
    assert log_in(debian, port, person.uid, person.password) == "Access-Accept"
    assert log_in(debian, port, person.uid, "wrong") == "Access-Reject"


@pytest.mark.parametrize("person", [WEI, JOAO], ids=lambda person: person.uid)
def test_who_is_no_member_is_rejected(debian: Debian, port: int, person: Person) -> None:
    assert log_in(debian, port, person.uid, person.password) == "Access-Reject"


@pytest.mark.parametrize("name", ["nobody", "*", "anna*", "a*)(uid=*"])
def test_a_name_that_is_none_is_rejected(debian: Debian, port: int, name: str) -> None:
    assert log_in(debian, port, name, ANNA.password) == "Access-Reject"


def test_somebody_is_accepted_from_joining_the_group_until_leaving_it(debian: Debian, port: int, company: Company) -> None:
    new = replace(JOAO, uid="new.traveller", number=10108)
    company.hire(new)
    assert log_in(debian, port, new.uid, new.password) == "Access-Reject"
    company.join(new, "vpn-users")
    assert log_in(debian, port, new.uid, new.password) == "Access-Accept"
    company.leave(new, "vpn-users")
    assert log_in(debian, port, new.uid, new.password) == "Access-Reject"
