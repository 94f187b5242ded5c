"""conf/clients/sssd: accounts, groups, log-in by PAM and ssh keys on a machine with SSSD."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.recipes import machine
from tests.recipes.company import (
    ANNA,
    JOAO,
    NUMBERS,
    POSIX_GROUP,
    POSIX_GROUP_NUMBER,
    PRIMARY_GROUP_NUMBER,
    SSH_KEY,
    WEI,
    ZOE,
    Company,
    Person,
)
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text

RECIPES = ("sssd",)

NEW = replace(JOAO, uid="new.account", number=10103)
PAM = "auth required pam_sss.so\naccount required pam_sss.so\npassword required pam_sss.so\n"
NSSWITCH = "passwd: files sss\ngroup: files sss\nshadow: files sss\n"


@pytest.fixture(scope="module", autouse=True)
def configured(debian: Debian, gateway: Addresses) -> None:
    debian.write("/etc/sssd/sssd.conf", text("sssd/sssd.conf", gateway), 0o600)
    debian.write("/etc/nsswitch.conf", NSSWITCH)
    debian.write("/etc/pam.d/portal", PAM)
    debian.daemon("/usr/sbin/sssd", "-i", "--logger=stderr", ready=lambda: machine.account(debian, ANNA.uid) != "")


@pytest.mark.parametrize("person", [ANNA, WEI, ZOE, JOAO], ids=lambda person: person.uid)
def test_everybody_has_an_account(debian: Debian, person: Person) -> None:
    expected = f"{person.uid}:*:{person.number}:{PRIMARY_GROUP_NUMBER}:{person.uid}:/home/{person.uid}:/bin/sh"
    assert machine.account(debian, person.uid) == expected
    assert machine.account(debian, str(person.number)) == expected


def test_nobody_else_has(debian: Debian) -> None:
    assert machine.account(debian, "nobody.else") == ""


def test_the_group_has_its_members(debian: Debian) -> None:
    assert machine.group(debian, POSIX_GROUP) == (POSIX_GROUP_NUMBER, {ANNA.uid, ZOE.uid})
    assert machine.group(debian, str(POSIX_GROUP_NUMBER)) == (POSIX_GROUP_NUMBER, {ANNA.uid, ZOE.uid})


def test_a_person_has_the_groups(debian: Debian, company: Company) -> None:
    zoe, wei = ("vpn-users", POSIX_GROUP, "all-staff"), ("administrators", "all-staff")
    assert machine.groups_of(debian, ZOE.uid) == {PRIMARY_GROUP_NUMBER} | company.numbers(*zoe)
    assert machine.groups_of(debian, WEI.uid) == {PRIMARY_GROUP_NUMBER} | company.numbers(*wei)
    assert machine.groups_of(debian, JOAO.uid) == {PRIMARY_GROUP_NUMBER}


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_member_of_the_group_logs_in_with_the_own_password_only(debian: Debian, person: Person) -> None:
    assert machine.log_in(debian, "portal", person.uid, "wrong") == "Authentication failure"
    assert machine.log_in(debian, "portal", person.uid, person.password) == ""


def test_who_is_no_member_may_not_log_in(debian: Debian) -> None:
    assert machine.log_in(debian, "portal", JOAO.uid, JOAO.password) == "Permission denied"


def test_the_ssh_key_of_a_person_is_handed_to_sshd(debian: Debian) -> None:
    assert debian.output("sss_ssh_authorizedkeys", ANNA.uid).strip() == SSH_KEY
    assert debian.output("sss_ssh_authorizedkeys", JOAO.uid).strip() == ""


def test_somebody_who_is_hired_has_an_account(debian: Debian, company: Company) -> None:
    company.hire(NEW)
    assert machine.account(debian, NEW.uid).startswith(f"{NEW.uid}:*:{NEW.number}:")


def test_somebody_to_whom_the_upstream_gives_no_number_has_an_account_too(debian: Debian, company: Company) -> None:
    person = replace(JOAO, uid="numberless.sssd")
    company.hire_without_numbers(person)
    login, _, number, primary, _, home, shell = machine.account(debian, person.uid).split(":")
    assert (login, primary, home, shell) == (person.uid, str(PRIMARY_GROUP_NUMBER), f"/home/{person.uid}", "/bin/sh")
    assert NUMBERS[0] <= int(number) <= NUMBERS[1]


def test_a_person_changes_the_password_knowing_the_old_one(debian: Debian, company: Company) -> None:
    person = replace(JOAO, uid="sssd.changer", number=10110)
    company.hire(person)
    assert machine.change_password(debian, "portal", person.uid, "wrong", "new-secret-1") != ""
    assert machine.change_password(debian, "portal", person.uid, person.password, "new-secret-1") == ""
    dn = f"uid={person.uid},ou=people,dc=directory,dc=example"
    assert company.observer.serving.bind(dn, "new-secret-1") == "success"
    assert company.observer.serving.bind(dn, person.password) == "invalidCredentials"
