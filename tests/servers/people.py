"""Deterministic directories as LDIF: the same arguments give the same bytes, for the tests and for the bench.

People are inetOrgPerson in ou=dept0… below ou=people, groups are groupOfNames below ou=groups.
"""

from __future__ import annotations

from collections.abc import Iterator

SUFFIX = "dc=example,dc=test"
READER_PASSWORD = "reader-secret"


def base_tree(suffix: str = SUFFIX) -> str:
    """The suffix, an account cn=reader that may read everything, and empty ou=people and ou=groups."""
    return f"""\
dn: {suffix}
objectClass: dcObject
objectClass: organization
dc: {suffix.split(",")[0].removeprefix("dc=")}
o: Example

dn: cn=reader,{suffix}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}

dn: ou=people,{suffix}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{suffix}
objectClass: organizationalUnit
ou: groups

"""


def people(count: int, groups: int = 0, members: int = 100, organizations: int = 10, suffix: str = SUFFIX) -> Iterator[str]:
    """LDIF records to stand on `base_tree`: `count` people spread over `organizations`, then `groups` of `members` each.

    Members follow each other round the people, so that 1,000 groups of 100 put each of 100,000 people into one group.
    """
    for number in range(organizations):
        yield f"dn: ou=dept{number},ou=people,{suffix}\nobjectClass: organizationalUnit\nou: dept{number}\n\n"
    for number in range(count):
        yield person(number, organizations, suffix)
    for number in range(groups):
        who = (person_dn((number * members + n) % count, organizations, suffix) for n in range(min(members, count)))
        yield group(number, who, suffix)


def person_dn(number: int, organizations: int = 10, suffix: str = SUFFIX) -> str:
    """The DN of the person with this number; the password is `person_password(number)`."""
    return f"uid=user{number:06d},ou=dept{number % organizations},ou=people,{suffix}"


def person_password(number: int) -> str:
    return f"secret{number}"


def person(number: int, organizations: int = 10, suffix: str = SUFFIX) -> str:
    """One person's LDIF record: 13 attributes, about 390 bytes as a search result without the password."""
    return f"""\
dn: {person_dn(number, organizations, suffix)}
objectClass: inetOrgPerson
uid: user{number:06d}
cn: User {number:06d}
sn: Sur{number:06d}
givenName: Given{number % 500}
displayName: Given{number % 500} Sur{number:06d}
mail: user{number:06d}@example.test
employeeNumber: {number}
telephoneNumber: +49 30 {number:07d}
departmentNumber: {number % organizations}
title: Engineer {number % 7}
l: Berlin
userPassword: {person_password(number)}

"""


def group_dn(number: int, suffix: str = SUFFIX) -> str:
    return f"cn=group{number:05d},ou=groups,{suffix}"


def group(number: int, members: Iterator[str], suffix: str = SUFFIX) -> str:
    """One groupOfNames as an LDIF record; RFC 4519 wants at least one member."""
    lines = "".join(f"member: {dn}\n" for dn in members)
    head = f"dn: {group_dn(number, suffix)}\nobjectClass: groupOfNames\n"
    return f"{head}cn: group{number:05d}\ndescription: Group {number}\n{lines}\n"
