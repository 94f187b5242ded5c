"""The directory of the fuzzed gateway, and its clients: the names that requests are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.servers.people import people, person_password

PEOPLE, GROUPS, MEMBERS, ORGANIZATIONS = 400, 12, 40, 4
BASES = {"openldap": "dc=open,dc=test", "tree": "dc=tree,dc=test", "ad": "dc=ad,dc=test"}
CANARY = 399  # a person whom only the canary asks for, so that no soft lock and no write meets it


def ldif() -> list[str]:
    """The people and groups that the gateway reads from its slapd."""
    return list(people(PEOPLE, GROUPS, MEMBERS, ORGANIZATIONS))


def login(number: int) -> str:
    return f"user{number:06d}"


def person(number: int) -> str:
    """A person's DN in the first view."""
    return f"uid={login(number)},ou=people,{BASES['openldap']}"


def password(number: int) -> str:
    return person_password(number)


@dataclass(frozen=True, slots=True)
class Access:
    """The gateway's ports, and an application that may do everything."""

    ldap: tuple[str, int]
    ldaps: tuple[str, int]
    dn: str
    secret: str = field(repr=False)
