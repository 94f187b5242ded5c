"""Filters on one entry (RFC 4511 §4.5.1.7): true, false, and Undefined, which is neither and stays so under NOT."""

import pytest

from gateway.directory.search.filter_evaluator import Evaluator
from gateway.model.ldap.dn import DN
from gateway.wire import filters

ENTRY = {
    "objectclass": [b"top", b"inetOrgPerson"],
    "cn": [b"Anna Meyer", b"Annie"],
    "sn": [b"Meyer"],
    "uid": [b"anna"],
    "uidnumber": [b"1000"],
    "telephonenumber": [b"+1 512-315"],
    "homedirectory": [b"/home/Anna"],
    "createtimestamp": [b"20260101120000Z"],
    "jpegphoto": [b"\xff\xd8"],
    "member": [b"uid=ben,dc=x"],
    "mail": [b"\xff"],
}
NAME = DN.parse("uid=anna,ou=People,dc=x")


def evaluate(text: str, readable: frozenset[str] | None = None) -> bool | None:
    return Evaluator(readable).evaluate(filters.parse(text), ENTRY, NAME)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(cn=anna  MEYER)", True),
        ("(commonName=annie)", True),
        ("(2.5.4.3=annie)", True),
        ("(cn=nobody)", False),
        ("(title=x)", False),
        ("(unknown=x)", None),
        ("(!(unknown=x))", None),
        ("(unknown=*)", None),
        ("(cn;lang-en=anna)", None),
        ("(uidNumber=x)", None),
        ("(!(uidNumber=x))", None),
        ("(uidNumber>=999)", True),
        ("(uidNumber<=999)", False),
        ("(uidNumber>=abc)", None),
        ("(createTimestamp>=20251231235959Z)", True),
        ("(cn>=b)", False),
        ("(cn<=b)", True),
        ("(member>=uid=a)", None),
        ("(member=UID=Ben, DC=X)", True),
        ("(member=no dn)", None),
        ("(name=meyer)", True),
        ("(name=*)", True),
        ("(cn~=ANNIE)", True),
        ("(mail=*)", True),
        ("(mail=x)", False),
        ("(&)", True),
        ("(|)", False),
        ("(&(cn=annie)(unknown=x))", None),
        ("(&(cn=nobody)(unknown=x))", False),
        ("(|(cn=annie)(unknown=x))", True),
        ("(|(cn=nobody)(unknown=x))", None),
        ("(!(&(cn=nobody)(unknown=x)))", True),
        ("(cn=an*)", True),
        ("(cn=*na mey*)", True),
        ("(cn=*a*a*)", True),
        ("(cn=*a*y*a*)", False),
        ("(cn=anna meyer*r)", False),
        ("(cn=annie*annie)", False),
        ("(cn=ann*nie)", False),
        ("(cn=an*ie)", True),
        ("(cn= an*ie )", True),
        ("(cn=anna *meyer)", True),
        ("(telephoneNumber=*1 5*)", True),
        ("(telephoneNumber=+15*315)", True),
        ("(jpegPhoto=a*)", None),
        ("(uidNumber=1*)", None),
        ("(homeDirectory=/home/anna)", False),
        ("(homeDirectory:caseIgnoreMatch:=/home/anna)", True),
        ("(cn:caseExactMatch:=annie)", False),
        ("(cn:2.5.13.5:=Annie)", True),
        ("(:caseIgnoreMatch:=annie)", True),
        ("(:caseIgnoreMatch:=people)", False),
        ("(:dn:caseIgnoreMatch:=people)", True),
        ("(ou:dn:=PEOPLE)", True),
        ("(ou:=people)", False),
        ("(cn:unknownMatch:=annie)", None),
        ("(:1.2.3:=annie)", None),
        ("(uidNumber:integerOrderingMatch:=1001)", True),
        ("(uidNumber:integerOrderingMatch:=1000)", False),
        ("(objectClass=2.16.840.1.113730.3.2.2)", True),
        ("(objectClass=person)", False),
    ],
)
def test_a_filter_is_true_false_or_undefined(text: str, expected: bool | None) -> None:
    assert evaluate(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(cn=annie)", True),
        ("(uid=anna)", None),
        ("(!(uid=anna))", None),
        ("(name=meyer)", False),
        ("(name=annie)", True),
        ("(objectClass=*)", True),
        ("(createTimestamp>=2025010100Z)", True),
        ("(:caseIgnoreMatch:=meyer)", False),
        ("(uid:dn:=anna)", None),
    ],
)
def test_an_unreadable_attribute_cannot_be_asserted_not_even_by_a_type_above_it(text: str, expected: bool | None) -> None:
    assert evaluate(text, frozenset({"cn", "name"})) is expected


def test_undefined_is_no_match() -> None:
    assert not Evaluator().matches(filters.parse("(!(unknown=x))"), ENTRY, NAME)
    assert Evaluator().matches(filters.parse("(!(cn=x))"), ENTRY, NAME)
