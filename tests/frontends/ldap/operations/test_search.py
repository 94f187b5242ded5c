"""Search as python-ldap (libldap) sends it: scopes, filters, selections, limits, missing bases."""

from typing import Any

import ldap
import pytest

from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import libldap
from tests.frontends.ldap.company import (
    ALL,
    ANN,
    BASE,
    BOB,
    CROWD,
    DAVE,
    GROUPS,
    PEOPLE,
    PHOTO,
    SALES,
    STAFF,
    TEAM,
    UNITS,
    object_id,
)
from tests.frontends.ldap.serving import Account, Serving, blocking
from tests.frontends.ldap.wire_client import connected, search_request

ODD = rf"uid=dave\, o'c,{PEOPLE}"
OPERATIONAL = {
    "structuralObjectClass",
    "entryUUID",
    "createTimestamp",
    "modifyTimestamp",
    "entryDN",
    "subschemaSubentry",
    "hasSubordinates",
    "entryCSN",
}


def found(client: Any, base: str, scope: int, text: str = "(objectClass=*)") -> set[str]:
    return {name for name, _ in client.search_s(base, scope, text, ["1.1"])}


@pytest.mark.parametrize(
    ("base", "scope", "expected"),
    [
        (ANN, ldap.SCOPE_BASE, {ANN}),
        (BASE, ldap.SCOPE_BASE, {BASE}),
        (BASE, ldap.SCOPE_ONELEVEL, {PEOPLE, GROUPS, UNITS}),
        (UNITS, ldap.SCOPE_SUBTREE, {UNITS, SALES, TEAM, f"ou=IT,{UNITS}", f"ou=Crowd,{UNITS}"}),
        (SALES, ldap.SCOPE_SUBTREE, {SALES, TEAM}),
        (SALES, ldap.SCOPE_ONELEVEL, {TEAM}),
        (SALES, ldap.SCOPE_SUBORDINATE, {TEAM}),
        (ANN, ldap.SCOPE_ONELEVEL, set()),
        (ANN, ldap.SCOPE_SUBTREE, {ANN}),
        (ANN, ldap.SCOPE_SUBORDINATE, set()),
        (f" OU = groups , {BASE.upper()}", ldap.SCOPE_ONELEVEL, {STAFF, ALL, f"cn=empty,{GROUPS}"}),
        (ODD, ldap.SCOPE_BASE, {ODD}),
        (rf"uid=dave\2C o'c,{PEOPLE}", ldap.SCOPE_BASE, {ODD}),
    ],
)
@blocking
def test_each_scope_finds_its_entries(serving: Serving, base: str, scope: int, expected: set[str]) -> None:
    with libldap(serving, serving.portal) as client:
        assert found(client, base, scope) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(uid=ann)", {ANN}),
        ("(UID=ANN)", {ANN}),
        ("(0.9.2342.19200300.100.1.1=ann)", {ANN}),
        ("(userid=ann)", {ANN}),
        ("(uid= ann )", {ANN}),
        ("(cn=ann  müller)", {ANN}),
        ("(cn=Ann M*)", {ANN}),
        ("(cn=*mül*)", {ANN}),
        ("(cn=*B.)", {BOB}),
        ("(cn=*n*m*)", {ANN}),
        ("(name=Bob B.)", {BOB}),
        ("(description=a \\28strange\\29 \\2a value \\5c here)", {ANN}),
        ("(title=ENGINEER)", {ANN, BOB}),
        ("(title~=engineer)", {ANN, BOB}),
        ("(&(title=engineer)(!(uid=bob)))", {ANN}),
        ("(|(uid=ann)(uid=bob)(uid=nobody))", {ANN, BOB}),
        ("(&)", None),
        ("(|)", set()),
        ("(!(uid=*))", None),
        ("(uidNumber>=10002)", {DAVE}),
        ("(uidNumber<=10001)", {ANN}),
        ("(&(objectClass=posixAccount)(uid=ann))", {ANN}),
        ("(&(objectclass=POSIXACCOUNT)(uid=*)(&(uidNumber=*)(!(uidNumber=0))))", {ANN, DAVE}),
        (f"(member={ANN.upper()})", {STAFF}),
        (f"(memberOf={STAFF})", {ANN, BOB}),
        (f"(memberOf={ALL})", {STAFF}),
        ("(memberUid=ann)", {STAFF}),
        (f"(|(memberUid=ann)(member={ANN}))", {STAFF}),
        (f"(entryUUID={object_id('ann')})", {ANN}),
        (f"(entryDN={ANN})", {ANN}),
        ("(telephoneNumber=+49301234-5)", {ANN}),
        ("(uid:=ann)", {ANN}),
        ("(uid:caseExactMatch:=ann)", {ANN}),
        ("(uid:caseExactMatch:=ANN)", set()),
        ("(ou:dn:=Team)", {TEAM, BOB}),
        ("(:caseIgnoreMatch:=bob)", {BOB}),
        ("(uid:unknownMatch:=ann)", set()),
        ("(nonsense=*)", set()),
        ("(!(nonsense=*))", set()),
        ("(uidNumber=ten)", set()),
        ("(!(uidNumber=ten))", set()),
        ("(mail=ann@EXAMPLE.test)", {ANN}),
        ("(uid=dave, o'c)", {ODD}),
        ("(uid=\\00)", set()),
        ("(sudoUser=%#0)", set()),
        ("(jpegPhoto=*)", None),
        ("(userCertificate;binary=*)", {ANN}),
        ("(mail=*@example.test)", {ANN, BOB, ODD}),
    ],
)
@blocking
def test_each_kind_of_filter_finds_its_entries(serving: Serving, text: str, expected: set[str] | None) -> None:
    with libldap(serving, serving.portal) as client:
        names = found(client, BASE, ldap.SCOPE_SUBTREE, text)
        others = found(client, BASE, ldap.SCOPE_SUBTREE, f"(&(entryUUID=*)(!{text}))")
    if expected is None:
        assert names and len(names | others) == CROWD + 15 and not names & others
    else:
        assert names == expected


POSIX = {"cn", "uidNumber", "gidNumber", "homeDirectory", "loginShell", "gecos", "description"}
FEW = "(|(uid=ann)(title=engineer)(uid=dave)(uid=crowd0001))"
SELECTIONS: list[tuple[list[str] | None, set[str]]] = [
    (["uid", "cn"], {"uid", "cn"}),
    (["UID", "commonName", "2.5.4.4"], {"uid", "cn", "sn"}),
    (["uid", "uid", "UID", "userid"], {"uid"}),
    (["dn"], set()),
    (["1.1"], set()),
    (["1.1", "uid"], {"uid"}),
    (["nonsense", "uid", "x;y;z", "ü"], {"uid"}),
    (["memberOf"], {"memberOf"}),
    (["name"], {"cn", "sn", "givenName", "title", "ou"}),
    (["userCertificate;binary"], {"userCertificate;binary"}),
    (["userCertificate"], {"userCertificate;binary"}),
    (["@person"], {"objectClass", "cn", "sn", "telephoneNumber", "description"}),
    (["@PosixAccount"], {"objectClass", "uid", *POSIX}),
    (["@nonsense"], set()),
    (["+"], OPERATIONAL | {"memberOf"}),
    (["entryuuid", "hassubordinates"], {"entryUUID", "hasSubordinates"}),
    (["uid", "+"], OPERATIONAL | {"memberOf", "uid"}),
    (["subschemasubentry"], {"subschemaSubentry"}),
]


@pytest.mark.parametrize(("asked", "expected"), SELECTIONS)
@pytest.mark.parametrize("text", ["(uid=ann)", "(&(uid=ann)(title=*))"])
@blocking
def test_each_selection_brings_its_attributes(serving: Serving, asked: list[str], expected: set[str], text: str) -> None:
    with libldap(serving, serving.portal) as client:
        ((_, attributes),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, text, asked)
        assert set(attributes) == expected
        ((_, types),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, text, asked, 1)
        assert types == {name: [] for name in expected}


@blocking
def test_inetorgperson_and_the_star_bring_every_user_attribute_and_no_operational_one(serving: Serving) -> None:
    with libldap(serving, serving.portal) as client:
        ((_, everything),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, "(uid=ann)")
        ((_, star),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, "(uid=ann)", ["*"])
        ((_, both),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, "(uid=ann)", ["*", "+", "+"])
        ((_, of_class),) = client.search_s(BASE, ldap.SCOPE_SUBTREE, "(uid=ann)", ["@inetOrgPerson"])
    assert everything == star
    assert set(both) - set(star) == OPERATIONAL | {"memberOf"}
    posix = {"uidNumber", "gidNumber", "homeDirectory", "loginShell", "gecos", "sshPublicKey"}
    assert set(of_class) == set(star) - posix
    assert not OPERATIONAL & set(star)
    assert everything["jpegPhoto"] == [PHOTO]
    assert everything["cn"] == ["Ann Müller".encode(), b"Ann M."]
    assert both["memberOf"] == [STAFF.encode()]
    assert both["entryUUID"] == [object_id("ann").encode()]
    assert both["hasSubordinates"] == [b"FALSE"]
    assert both["entryDN"] == [ANN.encode()]


@blocking
def test_has_subordinates_is_true_of_what_has_entries_below(serving: Serving) -> None:
    with libldap(serving, serving.portal) as client:
        shown = dict(client.search_s(UNITS, ldap.SCOPE_SUBTREE, "(ou=*)", ["hasSubordinates"]))
    assert shown[SALES] == {"hasSubordinates": [b"TRUE"]}
    assert shown[TEAM] == {"hasSubordinates": [b"FALSE"]}


@pytest.mark.parametrize(
    ("base", "matched"),
    [
        (f"uid=nobody,{PEOPLE}", PEOPLE),
        (f"uid=x,{ANN}", ANN),
        (f"ou=a,ou=b,ou=c,{SALES}", SALES),
        (f"ou=sudoers,{BASE}", BASE),
        ("dc=test", ""),
        ("dc=elsewhere,dc=test", ""),
        ("cn=admin", ""),
    ],
)
@pytest.mark.parametrize("scope", [0, 1, 2, 3])
@blocking
def test_a_missing_base_is_no_such_object_with_the_nearest_entry_above(
    serving: Serving, base: str, matched: str, scope: int
) -> None:
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(base, scope=scope))
    assert entries == []
    result = done.result
    assert (result.code, result.matched_dn) == (ResultCode.NO_SUCH_OBJECT, matched)


@pytest.mark.parametrize(
    ("base", "scope", "code"),
    [
        ("nonsense", 2, ResultCode.INVALID_DN_SYNTAX),
        ("uid=ann,,dc=test", 0, ResultCode.INVALID_DN_SYNTAX),
        (BASE, 4, ResultCode.PROTOCOL_ERROR),
    ],
)
@blocking
def test_a_search_that_makes_no_sense_is_refused_and_the_connection_goes_on(
    serving: Serving, base: str, scope: int, code: int
) -> None:
    with connected(serving, serving.portal) as client:
        _, done = client.search(search_request(base, scope=scope))
        assert done.code == code
        entries, _ = client.search(search_request(BASE, "(uid=ann)"))
        assert [entry.object_name for entry in entries] == [ANN]


@pytest.mark.parametrize("text", ["(uid=crowd*)", "(objectClass=inetOrgPerson)", FEW])
@pytest.mark.parametrize("limit", [1, 3])
@blocking
def test_the_size_limit_returns_the_entries_found_so_far(serving: Serving, text: str, limit: int) -> None:
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(BASE, text, attributes=("1.1",), size_limit=limit))
    assert len(entries) == limit
    assert done.code == ResultCode.SIZE_LIMIT_EXCEEDED


@blocking
def test_a_size_limit_that_is_just_enough_is_a_success(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        for text, count in (("(uid=ann)", 1), ("(title=engineer)", 2), ("(uid=crowd*)", CROWD)):
            entries, done = client.search(search_request(BASE, text, attributes=("1.1",), size_limit=count))
            assert (len(entries), done.code) == (count, 0)


@pytest.mark.parametrize("deref", [0, 1, 2, 3, 4, 1000])
@blocking
def test_deref_aliases_may_be_anything(serving: Serving, deref: int) -> None:
    with connected(serving, serving.portal) as client:
        entries, _ = client.search(search_request(BASE, "(uid=ann)", deref_aliases=deref))
    assert [entry.object_name for entry in entries] == [ANN]


@blocking
def test_a_person_sees_what_is_the_own_and_an_application_its_scope(serving: Serving) -> None:
    containers = {BASE, PEOPLE, GROUPS, UNITS}
    with libldap(serving, serving.bob) as client:
        assert found(client, BASE, ldap.SCOPE_SUBTREE) == containers | {BOB, STAFF, ALL, SALES, TEAM}
        with pytest.raises(ldap.NO_SUCH_OBJECT):
            found(client, ANN, ldap.SCOPE_BASE)
    with libldap(serving, serving.narrow) as client:
        assert found(client, BASE, ldap.SCOPE_SUBTREE) == containers | {SALES, TEAM, ANN, BOB}
        assert found(client, BASE, ldap.SCOPE_SUBTREE, "(mail=*)") == set()
        ((_, attributes),) = client.search_s(ANN, ldap.SCOPE_BASE, attrlist=["*", "mail", "title"])
        assert set(attributes) == {"objectClass", "uid", "cn"}


@blocking
def test_an_administrator_may_let_anonymous_search_a_view(serve: Any) -> None:
    serving = serve(anonymous_views=("openldap",))
    with libldap(serving) as client:
        assert found(client, BASE, ldap.SCOPE_SUBTREE, "(uid=ann)") == {ANN}
    with connected(serving, Account("", "")) as raw:
        assert [entry.object_name for entry in raw.search(search_request(BASE, "(uid=ann)"))[0]] == [ANN]
