"""conf/clients/ldap-utils: ldapsearch, ldapwhoami and ldapcompare with the configuration file alone."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.recipes.company import ANNA, APPLICATION, JOAO, ZOE, Company, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import SECRET, Addresses, text

RECIPES = ("ldap-utils",)

BASE = "dc=directory,dc=example"


@pytest.fixture(scope="module", autouse=True)
def configured(debian: Debian, gateway: Addresses) -> None:
    debian.write("/root/.ldaprc", text("ldap-utils/ldap.conf", gateway))


@pytest.fixture
def tool(debian: Debian, gateway: Addresses) -> Tool:
    return Tool(debian, gateway)


class Tool:
    """The tools, over StartTLS."""

    def __init__(self, debian: Debian, gateway: Addresses) -> None:
        self._debian = debian
        self._secret = gateway.secret

    def __call__(self, name: str, *arguments: str, password: str = SECRET) -> subprocess.CompletedProcess[str]:
        given = self._secret if password == SECRET else password
        # libldap reads no file at all when LDAPNOINIT is set, and here the file is what is tried
        return self._debian.run("env", "--unset=LDAPNOINIT", name, "-ZZ", "-x", "-w", given, *arguments)


def dn_of(person: Person) -> str:
    return f"uid={person.uid},ou=people,{BASE}"


def test_the_application_finds_a_person_over_starttls(tool: Tool) -> None:
    found = tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", f"(uid={ANNA.uid})", "mail", "memberOf")
    assert found.stdout.splitlines() == [
        f"dn: {dn_of(ANNA)}",
        f"mail: {ANNA.mail}",
        f"memberOf: cn=administrators,ou=groups,{BASE}",
        f"memberOf: cn=databases,ou=groups,{BASE}",
        f"memberOf: cn=vpn-users,ou=groups,{BASE}",
        "",
    ]


def test_a_wrong_secret_finds_nothing(tool: Tool) -> None:
    done = tool("ldapsearch", f"(uid={ANNA.uid})", password="wrong")
    assert (done.returncode, done.stdout) == (49, "ldap_bind: Invalid credentials (49)\n")


def test_it_is_known_to_the_gateway_by_name(tool: Tool) -> None:
    assert tool("ldapwhoami").stdout == f"dn:cn={APPLICATION},ou=applications,{BASE}\n"


@pytest.mark.parametrize("person", [ANNA, ZOE], ids=lambda person: person.uid)
def test_a_person_binds_with_the_own_password(tool: Tool, person: Person) -> None:
    assert tool("ldapwhoami", "-D", dn_of(person), password=person.password).stdout == f"dn:{dn_of(person)}\n"
    assert tool("ldapwhoami", "-D", dn_of(person), password="wrong").returncode == 49


@pytest.mark.parametrize(("person", "member"), [(ANNA, True), (JOAO, False)], ids=["member", "stranger"])
def test_membership_is_compared(tool: Tool, person: Person, member: bool) -> None:
    done = tool("ldapcompare", f"cn=vpn-users,ou=groups,{BASE}", f"member:{dn_of(person)}")
    assert (done.returncode, done.stdout.strip()) == ((6, "TRUE") if member else (5, "FALSE"))


def test_everybody_is_read_in_pages(tool: Tool, company: Company) -> None:
    found = tool("ldapsearch", "-LLL", "-E", "pr=2/noprompt", "(objectClass=inetOrgPerson)", "uid").stdout
    assert {line[5:] for line in found.splitlines() if line.startswith("uid: ")} == company.everybody()


def test_a_person_changes_the_password_knowing_the_old_one(tool: Tool, company: Company) -> None:
    person = replace(JOAO, uid="tool.user", number=10112)
    company.hire(person)
    changing = ("ldappasswd", "-D", dn_of(person), "-s", "new-secret-1")
    assert tool(*changing, "-a", "wrong", password=person.password).returncode != 0
    assert tool(*changing, "-a", person.password, password=person.password).returncode == 0
    assert tool("ldapwhoami", "-D", dn_of(person), password="new-secret-1").returncode == 0
    assert tool("ldapwhoami", "-D", dn_of(person), password=person.password).returncode == 49
