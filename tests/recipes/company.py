"""The people behind every recipe: a real slapd that knows their passwords, and a gateway that reads it and serves them.

Names and groups are those of scripts/demo, so that a recipe's words mean the same in both.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.app.installation import source_of, until
from tests.recipes.recipe import Addresses
from tests.scenarios.office import PEOPLE as PEOPLE_BELOW
from tests.scenarios.office import Observer, Office
from tests.servers import slapd as openldap
from tests.servers.people import SUFFIX
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import SlapdOptions

APPLICATION = "sample-portal"
VIEWS = """
[[view]]
name = "openldap"
kind = "openldap"
base_dn = "dc=directory,dc=example"
posix = { home = "/home/{username}", shell = "/bin/sh" }
[[view]]
name = "ad"
kind = "ad"
base_dn = "dc=ad,dc=example"
"""
SSH_SCHEMA = (
    "attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey' "
    "EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )",
    "objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey $ uid ) )",
)
"""openssh-lpk, which OpenLDAP does not bring."""
NUMBERS = [30000, 39999]
"""Of people and groups to whom the upstream gives none."""
PRIMARY_GROUP_NUMBER = 20000
OBJECT_CLASSES = ("inetOrgPerson", "posixAccount")


@dataclass(frozen=True, slots=True)
class Person:
    """`uid` is the login name."""

    uid: str
    given: str
    family: str
    password: str
    number: int
    """uidNumber."""

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def mail(self) -> str:
        return f"{self.uid}@sample.example"


ANNA = Person("anna.muller", "Anna", "Müller", "anna-secret", 10001)
"""In vpn-users and administrators."""
WEI = Person("wei.wang", "Wei", "王", "pass word: 'q\"#", 10002)
"""In administrators and, by a group in it, in everybody; the password has what configuration files trip over."""
ZOE = Person("zoe.noel", "Zoé", "Noël", "paßwort-ü", 10003)
"""In vpn-users; the password is not ASCII."""
JOAO = Person("joao.leitao", "João", "Leitão", "joao-secret", 10004)
"""In no group, and with everything that an account on a machine has."""
PEOPLE = (ANNA, WEI, ZOE, JOAO)
GROUPS = {"vpn-users": (ANNA, ZOE), "administrators": (ANNA, WEI)}
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKHHi3nZ0rUYXGbXGbHXkzl9wV4V1uTqLjtq4sYwVOb anna@laptop"
POSIX_GROUP, POSIX_GROUP_NUMBER, POSIX_MEMBERS = "databases", 20001, (ANNA, ZOE)


def upstream_dn(person: Person) -> str:
    return f"uid={person.uid},ou=people,{SUFFIX}"


def attributes(person: Person) -> dict[str, str]:
    """Those of an inetOrgPerson and posixAccount."""
    return {
        "uid": person.uid,
        "cn": person.name,
        "sn": person.family,
        "givenName": person.given,
        "displayName": person.name,
        "mail": person.mail,
        "userPassword": person.password,
        "gecos": person.uid,
        "uidNumber": str(person.number),
        "gidNumber": str(PRIMARY_GROUP_NUMBER),
        "homeDirectory": f"/home/{person.uid}",
        "loginShell": "/bin/sh",
    }


def record(person: Person, *more_classes: str) -> str:
    """As LDIF."""
    classes = "".join(f"objectClass: {name}\n" for name in (*OBJECT_CLASSES, *more_classes))
    lines = "".join(f"{name}:: {b64encode(value.encode()).decode()}\n" for name, value in attributes(person).items())
    return f"dn: {upstream_dn(person)}\n{classes}{lines}\n"


def records() -> Iterator[str]:
    """Everything below ou=people and ou=groups."""
    yield f"{record(ANNA, 'ldapPublicKey')[:-1]}sshPublicKey: {SSH_KEY}\n\n"
    yield from map(record, PEOPLE[1:])
    for name, people in GROUPS.items():
        members = "".join(f"member: {upstream_dn(person)}\n" for person in people)
        yield f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {name}\n{members}\n"
    yield f"dn: cn=all-staff,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: all-staff\n"
    yield from (f"member: cn={name},ou=groups,{SUFFIX}\n" for name in GROUPS)
    yield f"\ndn: cn={POSIX_GROUP},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: {POSIX_GROUP}\n"
    yield f"gidNumber: {POSIX_GROUP_NUMBER}\n"
    yield from (f"memberUid: {person.uid}\n" for person in POSIX_MEMBERS)
    yield "\n"


class Company:
    """The running gateway and its upstream."""

    def __init__(self, upstream: Slapd, observer: Observer, pki: Pki) -> None:
        self.upstream = upstream
        self.observer = observer
        port, tls_port = (int(observer.serving.addresses[name].rpartition(":")[2]) for name in ("ldap", "ldaps"))
        self.addresses = Addresses(port, tls_port, observer.secret, pki.ca)

    def hire(self, person: Person) -> None:
        """Add somebody upstream; returns when an application can find them."""
        self.upstream.add(upstream_dn(person), OBJECT_CLASSES, attributes(person))
        until(lambda: self.observer.find(f"(uid={person.uid})", "1.1"), f"{person.uid} is found")

    def hire_without_numbers(self, person: Person) -> None:
        """As `hire`, for a person whom the upstream gives no account on machines."""
        told = {
            name: value for name, value in attributes(person).items() if name in ("uid", "cn", "sn", "mail", "userPassword")
        }
        self.upstream.add(upstream_dn(person), "inetOrgPerson", told)
        until(lambda: self.observer.find(f"(&(uid={person.uid})(uidNumber=*))", "1.1"), f"{person.uid} has a number")

    def numbers(self, *groups: str) -> set[int]:
        """The numbers of these groups."""
        found = [
            values for name in groups for values in self.observer.find(f"(&(cn={name})(gidNumber=*))", "gidNumber").values()
        ]
        assert len(found) == len(groups), found
        return {int(values["gidNumber"][0]) for values in found}

    def join(self, person: Person, group: str) -> None:
        """Put somebody into a group upstream; returns when an application can see it."""
        self.upstream.add_values(f"cn={group},ou=groups,{SUFFIX}", {"member": [upstream_dn(person)]})
        until(lambda: self._is_member(person, group), f"{person.uid} is in {group}")

    def leave(self, person: Person, group: str) -> None:
        """Take somebody out again."""
        self.upstream.delete_values(f"cn={group},ou=groups,{SUFFIX}", {"member": [upstream_dn(person)]})
        until(lambda: not self._is_member(person, group), f"{person.uid} is no longer in {group}")

    def _is_member(self, person: Person, group: str) -> bool:
        return bool(self.observer.find(f"(&(cn={group})(member=uid={person.uid},{PEOPLE_BELOW}))", "1.1"))

    def everybody(self) -> set[str]:
        """The login names of all whom the gateway knows now."""
        return {values["uid"][0].decode() for values in self.observer.find("(objectClass=posixAccount)", "uid").values()}

    @contextmanager
    def upstream_down(self) -> Iterator[None]:
        """While nobody can be asked about a password; afterwards people can log in again."""
        self.upstream.stop()
        try:
            yield
        finally:
            self.upstream.start()
            dn = f"uid={ANNA.uid},{PEOPLE_BELOW}"
            until(lambda: self.observer.serving.bind(dn, ANNA.password) == "success", "people can log in again")

    def log_text(self) -> str:
        return self.observer.serving.log_text()


@contextmanager
def company(folder: Path, pki: Pki) -> Iterator[Company]:
    """slapd and the gateway, until the context ends. The gateway's listeners have a certificate for 127.0.0.1."""
    (folder / "office").mkdir()
    upstream = openldap.start(folder / "slapd", pki, SlapdOptions(extra=SSH_SCHEMA), records())
    try:
        office = Office(folder / "office")
        office.configure(
            VIEWS + source_of(upstream, pki, "hr", "password_modify = true"),
            ldap=f'listen = "127.0.0.1:0"\ntls_listen = "127.0.0.1:0"\ncertificate = "{pki.certificate}"\nkey = "{pki.key}"',
            posix=f"uid_range = {NUMBERS}\ngid_range = {NUMBERS}\nprimary_gid = {PRIMARY_GROUP_NUMBER}",
            limits="bind_failures = 1000",  # the tests of all programs guess at the same few people
        )
        added = office("application", "add", APPLICATION, "--view", "openldap", "--view", "ad", "--json")
        assert added.code == 0, added
        with office.observed(added.json) as observer:
            until(lambda: observer.serving.log_text().count("view serves") == VIEWS.count("[[view]]"), "both views serve")
            until(lambda: len(observer.find("(objectClass=inetOrgPerson)", "1.1")) == len(PEOPLE), "all are found")
            until(lambda: observer.find("(cn=all-staff)", "1.1"), "the groups are found")
            yield Company(upstream, observer, pki)
    finally:
        upstream.end()
