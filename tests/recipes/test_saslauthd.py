"""conf/clients/saslauthd: members of a group log in, through the socket that Cyrus SASL's programs ask."""

from __future__ import annotations

import pytest

from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text

RECIPES = ("saslauthd",)

FOLDER = "/run/saslauthd"


@pytest.fixture(scope="module", autouse=True)
def configured(debian: Debian, gateway: Addresses) -> None:
    debian.write("/etc/saslauthd.conf", text("saslauthd/saslauthd.conf", gateway), 0o600)
    debian.output("mkdir", "-p", FOLDER)
    socket = debian.root / "run/saslauthd/mux"
    command = ("/usr/sbin/saslauthd", "-a", "ldap", "-O", "/etc/saslauthd.conf", "-m", FOLDER, "-n", "1", "-d")
    debian.daemon(*command, ready=socket.exists)


def log_in(debian: Debian, login: str, password: str) -> str:
    """What testsaslauthd says."""
    return debian.run("testsaslauthd", "-f", f"{FOLDER}/mux", "-u", login, "-p", password).stdout.strip()


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_member_of_the_group_logs_in_with_the_own_password_only(debian: Debian, person: Person) -> None:
    assert log_in(debian, person.uid, person.password) == '0: OK "Success."'
    assert log_in(debian, person.uid, "wrong") == '0: NO "authentication failed"'


@pytest.mark.parametrize("person", [WEI, JOAO], ids=lambda person: person.uid)
def test_who_is_no_member_does_not(debian: Debian, person: Person) -> None:
    assert log_in(debian, person.uid, person.password) == '0: NO "authentication failed"'


@pytest.mark.parametrize("name", ["nobody", "*", "anna*", "a*)(uid=*"])
def test_a_name_that_is_none_does_not(debian: Debian, name: str) -> None:
    assert log_in(debian, name, ANNA.password) == '0: NO "authentication failed"'
