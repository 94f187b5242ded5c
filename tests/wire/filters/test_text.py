"""The examples of RFC 4515 §4, what configuration files may add to it, and which word the error points at."""

import pytest

from gateway.wire.filters import (
    And,
    Approx,
    Equality,
    Extensible,
    Filter,
    FilterSyntaxError,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
    parse,
    to_text,
)

EXAMPLES: dict[str, Filter] = {
    "(cn=Babs Jensen)": Equality("cn", b"Babs Jensen"),
    "(!(cn=Tim Howes))": Not(Equality("cn", b"Tim Howes")),
    "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))": And(
        (Equality("objectClass", b"Person"), Or((Equality("sn", b"Jensen"), Substrings("cn", b"Babs J"))))
    ),
    "(o=univ*of*mich*)": Substrings("o", b"univ", (b"of", b"mich")),
    "(seeAlso=)": Equality("seeAlso", b""),
    "(cn:caseExactMatch:=Fred Flintstone)": Extensible("caseExactMatch", "cn", b"Fred Flintstone"),
    "(cn:=Betty Rubble)": Extensible(None, "cn", b"Betty Rubble"),
    "(sn:dn:2.4.6.8.10:=Barney Rubble)": Extensible("2.4.6.8.10", "sn", b"Barney Rubble", True),
    "(o:dn:=Ace Industry)": Extensible(None, "o", b"Ace Industry", True),
    "(:1.2.3:=Wilma Flintstone)": Extensible("1.2.3", None, b"Wilma Flintstone"),
    r"(o=Parens R Us \28for all your parenthetical needs\29)": Equality("o", b"Parens R Us (for all your parenthetical needs)"),
    r"(cn=*\2a*)": Substrings("cn", None, (b"*",)),
    r"(filename=C:\5cMyFile)": Equality("filename", rb"C:\MyFile"),
    r"(bin=\00\00\00\04)": Equality("bin", b"\0\0\0\4"),
    # And what it describes without an example.
    "(&)": And(()),
    "(|)": Or(()),
    "(objectClass=*)": Present("objectClass"),
    "(age>=18)": GreaterOrEqual("age", b"18"),
    "(age<=65)": LessOrEqual("age", b"65"),
    "(sn~=Jensin)": Approx("sn", b"Jensin"),
    "(userCertificate;binary=*)": Present("userCertificate;binary"),
    "(cn;lang-de;lang-en=Lučić)": Equality("cn;lang-de;lang-en", "Lučić".encode()),
    "(cn= a = b )": Equality("cn", b" a = b "),
    "(2.5.4.3=x)": Equality("2.5.4.3", b"x"),
    "(memberOf:1.2.840.113556.1.4.1941:=cn=a,dc=b)": Extensible("1.2.840.113556.1.4.1941", "memberOf", b"cn=a,dc=b"),
    "(cn:dnQualifierMatch:=x)": Extensible("dnQualifierMatch", "cn", b"x"),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_of_the_rfc_has_its_meaning_and_prints_unchanged(text: str) -> None:
    assert parse(text) == EXAMPLES[text]
    assert to_text(EXAMPLES[text]) == text


OTHER_SPELLINGS = {
    "(:DN:2.4.6.8.10:=Dino)": "(:dn:2.4.6.8.10:=Dino)",
    r"(cn=*\2A*)": r"(cn=*\2a*)",
    r"(sn=Lu\c4\8di\c4\87)": "(sn=Lučić)",
    r"(1.3.6.1.4.1.1466.0=\04\02\48\69)": r"(1.3.6.1.4.1.1466.0=\04\02Hi)",
    r"(cn=\41da)": "(cn=Ada)",
    "(cn=a**b)": "(cn=a*b)",
    "(cn=**)": "(cn=*)",
    "  ( & (a=b)\n\t( | (c=d) (e=f) )\r\n  ( ! (g=h) ) )  ": "(&(a=b)(|(c=d)(e=f))(!(g=h)))",
}


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_another_spelling_is_the_same_filter(text: str) -> None:
    assert to_text(parse(text)) == OTHER_SPELLINGS[text]


WRONG = {
    "": (0, '"(" was expected'),
    "uid=ada": (0, '"(" was expected'),
    "()": (1, "an attribute and"),
    "(uid)": (1, "an attribute and"),
    "(=ada)": (1, "needs an attribute alone"),
    "(-uid=ada)": (1, "an attribute and"),
    "( uid =ada)": (2, "an attribute and"),
    "(uid;=ada)": (1, "an attribute and"),
    "(uid=ada": (8, '")" is missing'),
    "(uid=a(b)": (6, r'"(" must be written \28'),
    "(uid=a\0b)": (6, r"must be written \00"),
    "(age>=1*)": (7, r'"*" must be written \2a'),
    r"(uid=a\2)": (6, "two hexadecimal digits"),
    r"(uid=\zz)": (5, "two hexadecimal digits"),
    "(uid=\ud800)": (5, "surrogate"),
    "(uid=a)(uid=b)": (7, "nothing may follow"),
    "(uid=a))": (7, "nothing may follow"),
    "(!)": (2, '"(" was expected'),
    "(!uid=x)": (2, '"!" takes filters in parentheses of their own: write (!(uid=x))'),
    "(& uid=x)": (3, '"&" takes filters in parentheses of their own: write (&(uid=x))'),
    "(|(a=b)(!c=d))": (9, '"!" takes filters in parentheses of their own: write (!(c=d))'),
    "(!(a=b)(c=d))": (7, '")" was expected'),
    "(&(a=b)": (7, '")" was expected'),
    "(&(a=b)c=d)": (7, '")" was expected'),
    "(:=x)": (1, "an attribute, a matching rule or both"),
    "(:dn:=x)": (1, "an attribute, a matching rule or both"),
    "(cn:rule=x)": (1, 'only ":=" may follow'),
    "(cn:dn=x)": (1, 'only ":=" may follow'),
}


@pytest.mark.parametrize("text", WRONG)
def test_an_error_names_fault_and_position(text: str) -> None:
    position, reason = WRONG[text]
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)
    assert caught.value.position == position
    assert reason in caught.value.reason
    assert str(caught.value).endswith(f"at position {position} of the filter")
    assert isinstance(caught.value, ValueError)


def test_no_filter_can_break_a_log_line() -> None:
    hostile = Equality("cn=x)(uid\n", b'a\r\nERROR root logged in \x1b[2J\x9b "\xff\xe2\x80\xae')
    text = to_text(hostile)
    assert text.isprintable()
    assert text == r'(cn\3dx\29\28uid\0a=a\0d\0aERROR root logged in \1b[2J\9b "\ff\e2\80\ae)'
    with pytest.raises(FilterSyntaxError):
        parse(text)


def test_values_that_no_constructor_accepts() -> None:
    with pytest.raises(ValueError, match="at least one substring"):
        Substrings("cn")
    with pytest.raises(ValueError, match="needs a matching rule, an attribute or both"):
        Extensible(None, None, b"x")
