"""Attribute selection (RFC 4511 §4.5.1.8, RFC 3673, RFC 4529)."""

import pytest

from gateway.directory.projection.projection import Projection
from gateway.directory.search.attribute_selection import Renderer, select
from gateway.wire import entries
from tests.directory.worlds import openldap_view, user

VIEW = openldap_view()
ENTRY = Projection(VIEW).user(user(1, "anna", email=["a@x"], certificate=[b"0"]), ())
USER = {"objectClass", "uid", "cn", "sn", "mail", "userCertificate;binary"}
OPERATIONAL = {"structuralObjectClass", "entryUUID", "createTimestamp", "modifyTimestamp", "entryDN", "subschemaSubentry"}
FOUND = {
    "memberof": (b"memberOf", [b"cn=g"]),
    "hassubordinates": (b"hasSubordinates", [b"FALSE"]),
    "entrycsn": (b"entryCSN", [b"20260101000000.000000Z#000000#000#001000"]),
    "contextcsn": (b"contextCSN", []),
}
EVERYTHING = USER | OPERATIONAL | {"memberOf", "hasSubordinates", "entryCSN"}


def sent(*attributes: str, types_only: bool = False, readable: frozenset[str] | None = None) -> dict[str, list[bytes]]:
    renderer = Renderer(select(attributes, types_only, readable), VIEW.stored_attributes)
    encoded = renderer(ENTRY.encoded, ENTRY.operational, [FOUND[key] for key in renderer.dynamic])
    name, found = entries.decode_entry(encoded)
    assert name == ENTRY.dn.encode()
    return {description.decode(): values for description, values in found.items()}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ((), USER),
        (("*",), USER),
        (("+",), EVERYTHING - USER),
        (("*", "+"), EVERYTHING),
        (("1.1",), set()),
        (("1.1", "uid"), {"uid"}),
        (("dn", "no-such", ""), set()),
        (("UID", "uid", "0.9.2342.19200300.100.1.1"), {"uid"}),
        (("commonName",), {"cn"}),
        (("name",), {"cn", "sn"}),
        (("*", "entryUUID"), USER | {"entryUUID"}),
        (("memberOf",), {"memberOf"}),
        (("hassubordinates", "cn"), {"hasSubordinates", "cn"}),
        (("userCertificate",), {"userCertificate;binary"}),
        (("userCertificate;binary",), {"userCertificate;binary"}),
        (("userCertificate;BINARY", "uid"), {"userCertificate;binary", "uid"}),
        (("cn;binary",), set()),
        (("cn;lang-en", "mail;x-private", "uid"), {"uid"}),
        (("cn;range=0-0",), set()),
        (("memberOf;lang-en", "entryUUID;binary"), set()),
        (("userCertificate;binary;lang-en",), set()),
        (("cn;lang-en", "cn"), {"cn"}),
        (("@person",), {"objectClass", "cn", "sn"}),
        (("@nothing",), set()),
    ],
)
def test_selected_attributes_are_sent_and_unknown_words_are_ignored(attributes: tuple[str, ...], expected: set[str]) -> None:
    assert set(sent(*attributes)) == expected


@pytest.mark.parametrize("attributes", [(), ("*", "+"), ("uid", "memberOf")])
def test_types_only_sends_the_same_without_values(attributes: tuple[str, ...]) -> None:
    bare = sent(*attributes, types_only=True)
    assert bare.keys() == sent(*attributes).keys()
    assert not any(bare.values())


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ((), {"objectClass", "cn"}),
        (("*", "+"), {"objectClass", "cn", "memberOf", "hasSubordinates", "entryCSN"} | OPERATIONAL),
        (("cn", "mail"), {"cn"}),
        (("name",), {"cn"}),
        (("userCertificate;binary",), set()),
        (("memberOf",), {"memberOf"}),
        (("@person",), {"objectClass", "cn"}),
    ],
)
def test_a_grant_of_attributes_narrows_every_selection(attributes: tuple[str, ...], expected: set[str]) -> None:
    assert set(sent(*attributes, readable=frozenset({"cn", "memberof"}))) == expected


def test_memberships_need_a_grant_of_their_own() -> None:
    assert "memberOf" not in sent("*", "+", readable=frozenset({"cn"}))
