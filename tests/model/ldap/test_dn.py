"""Distinguished names: the examples of RFC 4514, and which spellings are one name (RFC 4517 §4.2.15)."""

import pytest

from gateway.model.ldap import dn
from gateway.model.ldap.dn import AVA, DN, RDN, InvalidDN


def avas(text: str) -> list[list[tuple[str, str]]]:
    return [[(ava.type, ava.value) for ava in rdn.avas] for rdn in DN.parse(text).rdns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UID=jsmith,DC=example,DC=net", [[("UID", "jsmith")], [("DC", "example")], [("DC", "net")]]),
        ("OU=Sales+CN=J.  Smith,DC=net", [[("OU", "Sales"), ("CN", "J.  Smith")], [("DC", "net")]]),
        (r"CN=James \"Jim\" Smith\, III,DC=net", [[("CN", 'James "Jim" Smith, III')], [("DC", "net")]]),
        (r"CN=Before\0dAfter,DC=net", [[("CN", "Before\rAfter")], [("DC", "net")]]),
        ("1.3.6.1.4.1.1466.0=#04024869", [[("1.3.6.1.4.1.1466.0", "Hi")]]),
        (r"CN=Lu\C4\8Di\C4\87", [[("CN", "Lučić")]]),
        ("", []),
    ],
)
def test_the_examples_of_rfc_4514_section_4_are_read(text: str, expected: list[list[tuple[str, str]]]) -> None:
    assert avas(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"cn=\ leading and trailing\ ", " leading and trailing "),
        (r"cn=\#5", "#5"),
        (r"cn=a\\ ", "a\\"),
        ("cn=  spaces around  ", "spaces around"),
        ("cn = a", "a"),
        ('cn="quoted, with + and ; "', "quoted, with + and ; "),
        ("cn=#1303414243", "ABC"),
        ("cn=#0500", "#0500"),
        ("cn=a=b", "a=b"),
        ("cn=", ""),
        ("cn=佐藤", "佐藤"),
    ],
)
def test_escapes_quotes_and_spaces_of_a_value_are_undone(text: str, value: str) -> None:
    assert avas(text) == [[("cn", value)]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Steve Kille,O=Isode Limited,C=GB", "cn = steve  kille , o=ISODE limited,c=gb"),
        ("cn=a,dc=b", "2.5.4.3=A,domainComponent=B"),
        ("cn=a", "commonName=a"),
        ("cn=a", "OID.2.5.4.3=a"),
        ("cn=a+sn=b,dc=x", "sn=B+cn=A,dc=x"),
        (r"cn=a\2cb", r"cn=a\,B"),
        ("cn=#0c0161", "cn=A"),
        ("cn=a;dc=b", "cn=a,dc=b"),
        (r"cn=\E2\84\AA", "cn=k"),
        ("cn=Straße", "cn=STRASSE"),
        ("cn=e\u0301cole", "cn=École"),
    ],
)
def test_two_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert dn.key(one) == dn.key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a", "sn=a"),
        ("cn=a,dc=b", "dc=b,cn=a"),
        ("cn=a+sn=b", "cn=a,sn=b"),
        (r"cn=a\,sn\=b", "cn=a,sn=b"),
        (r"cn=a\+sn=b", "cn=a+sn=b"),
        (r"cn=a\2c", r"cn=a\5c2c"),
        ("cn=a", "cn=a+cn=b"),
        ("cn=ab", "cn=a b"),
    ],
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert dn.key(one) != dn.key(other)


@pytest.mark.parametrize(
    "text",
    [
        "cn",
        "=a",
        "cn=a,",
        ",cn=a",
        "cn=a,,dc=b",
        "cn=a+",
        "cn=a\\",
        'cn="a',
        'cn="a"b',
        'cn=a"b',
        "cn=<a>",
        "cn=#",
        "cn=#0",
        "cn=#zz",
        r"cn=\ff",
        "1..2=a",
        "ä=a",
        "c n=a",
        "cn=\ud800",
        "cn=#0401ff",
    ],
)
def test_text_that_is_no_dn_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidDN, match="is not a distinguished name: "):
        dn.key(text)


def test_a_name_is_written_with_the_escapes_of_rfc_4514() -> None:
    name = DN((RDN((AVA("cn", ' #a, "b"+<c>;\\= '), AVA("sn", "#x"))), RDN((AVA("ou", "a\0b"),))))
    assert str(name) == r"cn=\ #a\, \"b\"\+\<c\>\;\\\=\ +sn=\#x,ou=a\00b"


def test_the_parent_of_a_name_is_above_it_and_the_empty_name_is_its_own() -> None:
    name = DN.parse("uid=a,ou=people,dc=x")
    assert str(name.parent) == "ou=people,dc=x"
    assert name.parent.child("uid", "a") == name
    assert DN(()).parent == DN(())
    assert dn.parent_key(name.key) == name.parent.key
    assert dn.parent_key("dc=x,") == ""


def test_an_entry_beside_a_subtree_is_not_in_its_range() -> None:
    above = dn.key("ou=people,dc=x")
    inside, beside = dn.key("uid=a,ou=people,dc=x"), dn.key("uid=a,ou=people2,dc=x")
    assert above <= inside < dn.subtree_end(above)
    assert above <= above < dn.subtree_end(above)
    assert not above <= beside < dn.subtree_end(above)
    assert not above <= dn.key("ou=people-x,dc=x") < dn.subtree_end(above)
    assert inside < dn.subtree_end("")


def test_a_key_is_shown_as_a_name_leaf_first() -> None:
    assert dn.from_key(dn.key("UID=Ann\\2c B, OU=People,dc=x")) == "uid=ann\\2c b,ou=people,dc=x"
    assert dn.from_key("") == ""


@pytest.mark.parametrize("separator", [",", ";", "+"])
def test_a_name_has_so_many_characters_and_rdns_and_no_more(separator: str) -> None:
    longest = "cn=" + "x" * (dn.MAX_CHARACTERS - 3)
    assert str(DN.parse(longest)) == longest and dn.key(longest)
    deepest = separator.join(["cn=x"] * dn.MAX_RDNS)
    assert dn.key(deepest) == DN.parse(deepest).key
    for text in (longest + "x", longest + "\\,", deepest + separator + "cn=x", deepest + separator + "cn=\\,"):
        for parse in (dn.key, DN.parse):
            with pytest.raises(InvalidDN, match=r"over the limit|has more"):
                parse(text)
