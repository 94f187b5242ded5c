"""The directory that is measured: tests.servers.people, with groups inside groups, and what the single rows need beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from argon2 import PasswordHasher

from tests.servers.people import SUFFIX, group, group_dn, people

FORMAT = 1
"""Raised when anything here changes: data prepared for another format is not used."""

ORGANIZATIONS = 10  # so that the last digit of a person's number names the person's organization
GROUPS_IN_A_GROUP = 10
PERSON_DN = f"uid=user%06d,ou=dept%01d,ou=people,{SUFFIX}"
PERSON_PASSWORD = "secret%06d"
HASHED_DN = f"cn=hashed,{SUFFIX}"
HASHED_PASSWORD = "hashed-secret"

AD_SCHEMA = (
    "attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch"
    " SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )",
    "attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch"
    " SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )",
    "attributetype ( 1.2.840.113556.1.4.782 NAME 'objectCategory' EQUALITY caseIgnoreMatch"
    " SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )",
    "attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch"
    " SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )",
    "objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY"
    " MAY ( sAMAccountName $ userPrincipalName $ objectCategory $ userAccountControl ) )",
)
"""The schema that a slapd needs to hold AD's attributes. objectCategory holds the class's name: slapd knows nothing of
AD's ways to assert one, and an index serves a name as quickly."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the directory. `groups` hold people; above them stand groups of ten groups each, up to a single one."""

    people: int = 100_000
    groups: int = 1_000
    members: int = 100

    @property
    def upper_groups(self) -> tuple[int, ...]:
        """Number of groups of groups on each level, from the lowest up."""
        levels: list[int] = []
        below = self.groups
        while below > 1:
            below = -(-below // GROUPS_IN_A_GROUP)
            levels.append(below)
        return tuple(levels)

    @property
    def members_in_groups(self) -> int:
        """So many people, from the first on, are in one group each; people beyond them are in none."""
        return min(self.people, self.groups * self.members)

    @property
    def entries(self) -> int:
        """The least that a walk over the whole tree must return."""
        return self.people + self.groups + sum(self.upper_groups)

    @property
    def name(self) -> str:
        return f"{self.people}-{self.groups}-{self.members}-format{FORMAT}"


def directory(size: Size) -> Iterator[str]:
    """LDIF records to stand on tests.servers.people.base_tree."""
    for number, record in enumerate(people(size.people, size.groups, size.members, ORGANIZATIONS)):
        person = number - ORGANIZATIONS
        yield record.replace(f"userPassword: secret{person}\n", f"userPassword: {PERSON_PASSWORD % person}\n")
    yield from upper_groups(size)
    yield hashed_account()


def upper_groups(size: Size) -> Iterator[str]:
    """The groups of groups: each level's groups are numbered on from those below."""
    first = 0
    for below, count in zip((size.groups, *size.upper_groups), size.upper_groups, strict=False):
        for number in range(count):
            inside = range(number * GROUPS_IN_A_GROUP, min(below, (number + 1) * GROUPS_IN_A_GROUP))
            yield group(first + below + number, (group_dn(first + one) for one in inside))
        first += below


def hashed_account() -> str:
    """An account whose password a slapd with the module argon2 checks at the cost that the gateway's have."""
    hashed = PasswordHasher().hash(HASHED_PASSWORD)
    return (
        f"dn: {HASHED_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: hashed\nuserPassword: {{ARGON2}}{hashed}\n\n"
    )


def ad_directory(size: Size) -> Iterator[str]:
    """The people alone, with the attributes that AD gives them."""
    for number, record in enumerate(people(size.people, organizations=ORGANIZATIONS)):
        if number < ORGANIZATIONS:
            yield record
            continue
        login = f"user{number - ORGANIZATIONS:06d}"
        yield record.replace(
            "objectClass: inetOrgPerson\n",
            f"objectClass: inetOrgPerson\nobjectClass: user\nsAMAccountName: {login}\n"
            f"userPrincipalName: {login}@example.test\nobjectCategory: person\nuserAccountControl: 512\n",
        )
