"""Values that follow their syntax and values that do not: each case was tried with slapd 2.5."""

import pytest

from gateway.model.ldap.syntaxes import Checks

RIGHT = [
    ("telephoneNumber", b"+49 (30) 12-34"),
    ("telephoneNumber", b" "),
    ("mail", b"a@example.test"),
    ("title", "Köchin".encode()),
    ("title", b"a\nb"),
    ("uidNumber", b"-1"),
    ("c", b"DE"),
    ("x500UniqueIdentifier", b"'01'B"),
    ("postalAddress", b"a\\5Cb$c"),
    ("jpegPhoto", b"\x89PNG"),
    ("userCertificate;binary", b"\x30\x82\x01\x00\x30" + bytes(255)),
    ("noSuchAttribute", b"\xff"),
]
WRONG = [
    ("telephoneNumber", b"+49 30/12*34#5"),
    ("telephoneNumber", "ä".encode()),
    ("mail", "bén@example.test".encode()),
    ("title", b""),
    ("title", b"a\xff"),
    ("uidNumber", b"007"),
    ("uidNumber", b"-0"),
    ("c", b"DEU"),
    ("gecos", "ä".encode()),
    ("serialNumber", b"#1"),
    ("x500UniqueIdentifier", b"01"),
    ("postalAddress", b"a\\b$c"),
    ("facsimileTelephoneNumber", b"+1#2"),
    ("userCertificate;binary", b"\x30\x03\x02\x01\x01"),
]


@pytest.mark.parametrize(("attribute", "value"), RIGHT)
def test_a_value_that_follows_its_syntax_is_right(attribute: str, value: bytes) -> None:
    assert Checks()[attribute.encode()](value)


@pytest.mark.parametrize(("attribute", "value"), WRONG)
def test_a_value_that_does_not_is_wrong(attribute: str, value: bytes) -> None:
    assert not Checks()[attribute.encode()](value)
