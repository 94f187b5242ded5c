"""conf/clients/sudo: a group of the gateway may run one command, on a machine with nslcd and with sudo-ldap."""

from __future__ import annotations

import pytest

from tests.recipes import machine
from tests.recipes.company import ANNA, WEI, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text

RECIPES = ("sudo",)


@pytest.fixture(scope="module", autouse=True)
def configured(debian: Debian, gateway: Addresses) -> None:
    debian.write("/etc/nslcd.conf", text("nslcd/nslcd.conf", gateway), 0o600)
    debian.write("/etc/sudo-ldap.conf", text("sudo/sudo-ldap.conf", gateway), 0o440)
    debian.write("/etc/nsswitch.conf", "passwd: files ldap\ngroup: files ldap\nshadow: files ldap\nsudoers: files ldap\n")
    debian.write("/etc/pam.d/sudo", "auth required pam_ldap.so\naccount required pam_permit.so\n")
    debian.write("/etc/sudoers.d/directory", text("sudo/sudoers", gateway), 0o440)
    debian.daemon("/usr/sbin/nslcd", "-n", ready=lambda: machine.account(debian, ANNA.uid) != "")


def sudo(debian: Debian, person: Person, password: str, *command: str) -> tuple[int, str]:
    """The person runs sudo; its exit code and what was printed."""
    become = ("setpriv", f"--reuid={person.uid}", "--regid=20000", "--init-groups")
    done = debian.run(*become, "sudo", "-kS", *command, given=f"{password}\n")
    return done.returncode, done.stdout


def test_a_member_of_the_group_is_root_for_that_command(debian: Debian) -> None:
    code, said = sudo(debian, ANNA, ANNA.password, "/usr/bin/id", "-u")
    assert (code, said.splitlines()[-1].split()[-1]) == (0, "0"), said


def test_with_a_wrong_password_nobody_is(debian: Debian) -> None:
    code, said = sudo(debian, ANNA, "wrong", "/usr/bin/id", "-u")
    assert code == 1 and "incorrect password attempt" in said


def test_a_member_may_run_nothing_else(debian: Debian) -> None:
    code, said = sudo(debian, ANNA, ANNA.password, "/usr/bin/whoami")
    assert code == 1 and "is not allowed to execute '/usr/bin/whoami' as root" in said


def test_who_is_no_member_may_run_nothing(debian: Debian) -> None:
    code, said = sudo(debian, WEI, WEI.password, "/usr/bin/id", "-u")
    assert code == 1 and "is not allowed to run sudo" in said
