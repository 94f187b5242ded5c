"""One gateway, the same people under several shapes at once: a real process, an LDIF upstream, and ldapsearch's library."""

from __future__ import annotations

from collections.abc import Iterator

import ldap
import pytest

from tests.app.installation import until
from tests.scenarios.office import Observer, Office

COMPANY = """
dn: ou=people,dc=hr
objectClass: organizationalUnit
ou: people

dn: ou=Europe,ou=people,dc=hr
objectClass: organizationalUnit
ou: Europe

dn: uid=zoë,ou=Europe,ou=people,dc=hr
objectClass: inetOrgPerson
objectClass: posixAccount
uid: zoë
cn: Zoë Müller
sn: Müller
displayName: Zoë Müller
mail: zoe@example.test
uidNumber: 2001
gidNumber: 2001
homeDirectory: /home/zoe

dn: uid=ben,ou=people,dc=hr
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: Ben

dn: cn=staff,ou=groups,dc=hr
objectClass: groupOfNames
cn: staff
member: uid=zoë,ou=Europe,ou=people,dc=hr
member: uid=ben,ou=people,dc=hr
"""

VIEWS = """
[[view]]
name = "plain"
base_dn = "dc=plain,dc=example"
member_attributes = ["member", "uniqueMember"]
[view.posix]
private_groups = true
[view.users.attributes]
employeeType = { constant = "staff" }
[[view]]
name = "tree"
kind = "tree"
base_dn = "dc=tree,dc=example"
[[view]]
name = "windows"
kind = "ad"
base_dn = "dc=corp,dc=example"
[[view]]
name = "europe"
kind = "custom"
base_dn = "o=europe"
organizations = ["people/Europe"]
[view.users.attributes]
description = { template = "{display_name} <{email}>" }
[[source]]
name = "hr"
kind = "ldif"
path = "hr.ldif"
poll_seconds = 0.1
stable_seconds = 0.1
"""


@pytest.fixture(scope="module")
def observer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observer]:
    office = Office(tmp_path_factory.mktemp("office"))
    (office.folder / "hr.ldif").write_text(COMPANY, "utf-8")
    office.configure(VIEWS)
    named = [word for view in ("plain", "tree", "windows", "europe") for word in ("--view", view)]
    added = office("application", "add", "portal", "--json", *named)
    assert added.code == 0, added
    with office.observed(dict(added.json)) as observed:
        until(lambda: office_is_complete(observed), "everybody is in every view")
        yield observed


def office_is_complete(observer: Observer) -> bool:
    """The last thing that is written is the members of the group."""
    try:
        found = [observer.find("(member=*)", "member", base=base) for base in ("dc=plain,dc=example", "o=europe")]
    except (ldap.OPERATIONS_ERROR, ldap.UNAVAILABLE):  # a view that is not built yet
        return False
    counts = [len(entry["member"]) for entries in found for entry in entries.values()]
    return counts == [2, 1]


@pytest.mark.parametrize(
    ("base", "text", "found"),
    [
        ("dc=plain,dc=example", "(uid=zoë)", "uid=zoë,ou=people,dc=plain,dc=example"),
        ("dc=plain,dc=example", "(&(employeeType=staff)(uidNumber=2001))", "uid=zoë,ou=people,dc=plain,dc=example"),
        ("dc=plain,dc=example", "(&(objectClass=posixGroup)(gidNumber=2001))", "cn=zoë,ou=groups,dc=plain,dc=example"),
        (
            "dc=plain,dc=example",
            "(uniqueMember=uid=zoë,ou=people,dc=plain,dc=example)",
            "cn=staff,ou=groups,dc=plain,dc=example",
        ),
        ("dc=tree,dc=example", "(uid=zoë)", "uid=zoë,ou=Europe,ou=people,dc=tree,dc=example"),
        ("dc=corp,dc=example", "(sAMAccountName=ZOË)", "CN=Zoë Müller,CN=Users,dc=corp,dc=example"),
        (
            "dc=corp,dc=example",
            "(&(objectCategory=person)(userPrincipalName=zoë@corp.example))",
            "CN=Zoë Müller,CN=Users,dc=corp,dc=example",
        ),
        ("o=europe", "(description=Zoë Müller <zoe@example.test>)", "uid=zoë,ou=people,o=europe"),
        ("o=europe", "(objectClass=account)", "uid=zoë,ou=people,o=europe"),
    ],
)
def test_the_same_person_is_found_in_every_shape(observer: Observer, base: str, text: str, found: str) -> None:
    assert list(observer.find(text, "1.1", base=base)) == [found]


def test_one_person_has_one_id_in_all_views(observer: Observer) -> None:
    asked = [("dc=plain,dc=example", "(uid=ben)"), ("dc=tree,dc=example", "(uid=ben)"), ("dc=corp,dc=example", "(cn=ben)")]
    found = [observer.find(text, "entryUUID", base=base) for base, text in asked]
    assert len({entry["entryUUID"][0] for entries in found for entry in entries.values()}) == 1
    assert [len(entries) for entries in found] == [1, 1, 1]


def test_the_root_dse_names_all_views_and_the_domain(observer: Observer) -> None:
    connection = ldap.initialize(observer.ldap_url)
    connection.simple_bind_s(observer.bind_dn, observer.secret)
    [(_, found)] = connection.search_s("", ldap.SCOPE_BASE, "(objectClass=*)", ["namingContexts", "defaultNamingContext"])
    connection.unbind_s()
    assert found["defaultNamingContext"] == [b"dc=corp,dc=example"]
    assert len(found["namingContexts"]) == 4


def test_active_directorys_clients_are_told_of_groups_unasked(observer: Observer) -> None:
    [told] = observer.find("(sAMAccountName=zoë)", base="dc=corp,dc=example").values()
    assert told["memberOf"] == [b"CN=staff,OU=Groups,dc=corp,dc=example"]
    [person] = observer.find("(uid=zoë)", base="dc=plain,dc=example").values()
    assert "memberOf" not in person
