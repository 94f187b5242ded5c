"""conf/clients/nslcd: accounts, groups and log-in by PAM on a machine with libnss-ldapd and libpam-ldapd."""

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
    WEI,
    ZOE,
    Company,
    Person,
)
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text

RECIPES = ("nslcd",)

NEW = replace(JOAO, uid="another.account", number=10104)
PAM = "auth required pam_ldap.so\naccount required pam_ldap.so\npassword required pam_ldap.so\n"
NSSWITCH = "passwd: files ldap\ngroup: files ldap\nshadow: files ldap\n"


@pytest.fixture(scope="module", autouse=True)
def configured(debian: Debian, gateway: Addresses) -> None:
    debian.write("/etc/nslcd.conf", text("nslcd/nslcd.conf", gateway), 0o600)
    debian.write("/etc/nsswitch.conf", NSSWITCH)
    debian.write("/etc/pam.d/portal", PAM)
    debian.daemon("/usr/sbin/nslcd", "-n", ready=lambda: machine.account(debian, ANNA.uid) != "")


@pytest.mark.parametrize("person", [ANNA, WEI, ZOE, JOAO], ids=lambda person: person.uid)
def test_everybody_has_an_account(debian: Debian, person: Person) -> None:
    expected = f"{person.uid}:*:{person.number}:{PRIMARY_GROUP_NUMBER}:{person.uid}:/home/{person.uid}:/bin/sh"
    assert machine.account(debian, person.uid) == expected
    assert machine.account(debian, str(person.number)) == expected


def test_everybody_is_listed(debian: Debian, company: Company) -> None:
    listed = {line.partition(":")[0] for line in debian.output("getent", "passwd").splitlines()}
    assert listed >= company.everybody()


def test_nobody_else_has_an_account(debian: Debian) -> None:
    assert machine.account(debian, "nobody.else") == ""


def test_the_group_has_its_members(debian: Debian) -> None:
    assert machine.group(debian, POSIX_GROUP) == (POSIX_GROUP_NUMBER, {ANNA.uid, ZOE.uid})
    assert machine.group(debian, str(POSIX_GROUP_NUMBER)) == (POSIX_GROUP_NUMBER, {ANNA.uid, ZOE.uid})


def test_a_person_has_the_groups(debian: Debian, company: Company) -> None:
    zoe, wei = ("vpn-users", POSIX_GROUP), ("administrators",)
    assert machine.groups_of(debian, ZOE.uid) == {PRIMARY_GROUP_NUMBER} | company.numbers(*zoe)
    assert machine.groups_of(debian, WEI.uid) == {PRIMARY_GROUP_NUMBER} | company.numbers(*wei)
    assert machine.groups_of(debian, JOAO.uid) == {PRIMARY_GROUP_NUMBER}


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_member_of_the_group_logs_in_with_the_own_password_only(debian: Debian, person: Person) -> None:
    assert machine.log_in(debian, "portal", person.uid, "wrong") == "Authentication failure"
    assert machine.log_in(debian, "portal", person.uid, person.password) == ""


def test_who_is_no_member_may_not_log_in(debian: Debian) -> None:
    assert machine.log_in(debian, "portal", JOAO.uid, JOAO.password) == "Permission denied"


def test_somebody_who_is_hired_has_an_account(debian: Debian, company: Company) -> None:
    company.hire(NEW)
    assert machine.account(debian, NEW.uid).startswith(f"{NEW.uid}:*:{NEW.number}:")


def test_somebody_to_whom_the_upstream_gives_no_number_has_an_account_too(debian: Debian, company: Company) -> None:
    person = replace(JOAO, uid="numberless.nslcd")
    company.hire_without_numbers(person)
    login, _, number, primary, _, home, shell = machine.account(debian, person.uid).split(":")
    assert (login, primary, home, shell) == (person.uid, str(PRIMARY_GROUP_NUMBER), f"/home/{person.uid}", "/bin/sh")
    assert NUMBERS[0] <= int(number) <= NUMBERS[1]


def test_a_person_changes_the_password_knowing_the_old_one(debian: Debian, company: Company) -> None:
    person = replace(JOAO, uid="nslcd.changer", number=10111)
    company.hire(person)
    assert machine.change_password(debian, "portal", person.uid, "wrong", "new-secret-1") != ""
    assert machine.change_password(debian, "portal", person.uid, person.password, "new-secret-1") == ""
    dn = f"uid={person.uid},ou=people,dc=directory,dc=example"
    assert company.observer.serving.bind(dn, "new-secret-1") == "success"
    assert company.observer.serving.bind(dn, person.password) == "invalidCredentials"
