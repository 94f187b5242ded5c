"""Matching rules, one after the other, by RFC 4517 §4.2; string preparation by RFC 4518."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ldap import matching_rules, schema
from gateway.model.ldap.string_preparation import prepare_exact, prepare_ignore

MATCHING = [
    ("caseIgnoreMatch", "Anna  Meyer ", " anna meyer"),
    ("caseIgnoreMatch", "STRASSE", "straße"),
    ("caseIgnoreMatch", "\ufb01n", "FIN"),
    ("caseIgnoreMatch", "e\u0301", "É"),
    ("caseIgnoreMatch", "Ａ１", "a1"),
    ("caseIgnoreMatch", "soft\u00adhyphen", "softhyphen"),
    ("caseIgnoreMatch", "a\u200bb", "AB"),
    ("caseIgnoreMatch", "a\tb\r\nc", "a b c"),
    ("caseIgnoreMatch", "a\x00\x1fb", "ab"),
    ("caseIgnoreMatch", "a\u00a0\u2003b", "a b"),
    ("caseIgnoreMatch", "", "   "),
    ("caseExactMatch", "a  b", "a b"),
    ("caseExactIA5Match", "/bin/sh ", "/bin/sh"),
    ("caseIgnoreIA5Match", "A@Example.Test", "a@example.test"),
    ("numericStringMatch", "12 34", "1234"),
    ("telephoneNumberMatch", "+1 512-315 0280", "+15123150280"),
    ("booleanMatch", "TRUE", "true"),
    ("integerMatch", "5", "5"),
    ("objectIdentifierMatch", "inetOrgPerson", "2.16.840.1.113730.3.2.2"),
    ("objectIdentifierMatch", "CN", "commonName"),
    ("objectIdentifierMatch", "2.5.4.3", "cn"),
    ("distinguishedNameMatch", "CN=a, DC=x", "cn=A,dc=x"),
    ("uniqueMemberMatch", "cn=a", "CN=A"),
    ("uniqueMemberMatch", "cn=a#'0101'B", "CN=A#'0101'B"),
    ("generalizedTimeMatch", "199412161032Z", "19941216103200Z"),
    ("generalizedTimeMatch", "199412160532-0500", "199412161032Z"),
    ("generalizedTimeMatch", "1994121610.5Z", "19941216103000Z"),
    ("generalizedTimeMatch", "199412161032,25Z", "19941216103215.0Z"),
    ("generalizedTimeMatch", "20261231235960Z", "20261231235959Z"),
    ("uuidMatch", "597AE2F6-16A6-1027-98F4-D28B5365DC14", "597ae2f6-16a6-1027-98f4-d28b5365dc14"),
]

DIFFERENT = [
    ("caseIgnoreMatch", "ab", "a b"),
    ("caseExactMatch", "a", "A"),
    ("caseExactIA5Match", "/bin/SH", "/bin/sh"),
    ("integerMatch", "5", "-5"),
    ("octetStringMatch", "a", "A"),
    ("octetStringMatch", "a", "a "),
    ("octetStringMatch", "", " "),
    ("generalizedTimeMatch", "20260101000000Z", "20260101000000.5Z"),
    ("telephoneNumberMatch", "+1 2", "12"),
    ("objectIdentifierMatch", "person", "2.5.6.7"),
    ("distinguishedNameMatch", "cn=a", "cn=a,dc=x"),
    ("uniqueMemberMatch", "cn=a#'0101'B", "cn=a"),
    ("uniqueMemberMatch", "cn=a#'0101'B", "cn=a#'101'B"),
]

UNDEFINED = [
    ("caseIgnoreMatch", b"\xff"),
    ("integerMatch", b"1.5"),
    ("integerMatch", b"007"),
    ("integerMatch", b"-0"),
    ("integerMatch", b""),
    ("integerMatch", b" 5"),
    ("integerMatch", b"9" * 60),
    ("booleanMatch", b"yes"),
    ("generalizedTimeMatch", b"20261301000000Z"),
    ("generalizedTimeMatch", b"20260230000000Z"),
    ("generalizedTimeMatch", b"20260101000061Z"),
    ("generalizedTimeMatch", b"20260101"),
    ("generalizedTimeMatch", b"20260101000000"),
    ("generalizedTimeMatch", b"00010101000000+0100"),
    ("generalizedTimeMatch", b"2026010100000\xb2Z"),
    ("objectIdentifierMatch", b" "),
    ("distinguishedNameMatch", b"anna"),
    ("uuidMatch", b"597ae2f6"),
]


@pytest.mark.parametrize(("rule", "one", "other"), MATCHING)
def test_values_that_the_rule_calls_equal_have_one_key(rule: str, one: str, other: str) -> None:
    key = matching_rules.KEYS[rule](one.encode())
    assert key is not None
    assert key == matching_rules.KEYS[rule](other.encode())


@pytest.mark.parametrize(("rule", "one", "other"), DIFFERENT)
def test_values_that_differ_under_the_rule_have_different_keys(rule: str, one: str, other: str) -> None:
    assert matching_rules.KEYS[rule](one.encode()) != matching_rules.KEYS[rule](other.encode())


@pytest.mark.parametrize(("rule", "value"), UNDEFINED)
def test_a_value_outside_the_syntax_has_no_key(rule: str, value: bytes) -> None:
    assert matching_rules.KEYS[rule](value) is None


@pytest.mark.parametrize(
    "rule", sorted(set(matching_rules.KEYS) - {"octetStringMatch", "octetStringOrderingMatch", "bitStringMatch"})
)
def test_no_key_is_empty(rule: str) -> None:
    for value in (b"", b" ", b"-", b"\x00", "\u00ad".encode()):
        assert matching_rules.KEYS[rule](value) != b""


@given(st.lists(st.integers(-(10**37), 10**37), min_size=2, max_size=5))
def test_integers_are_ordered_by_their_keys(numbers: list[int]) -> None:
    keys = {number: matching_rules.KEYS["integerMatch"](str(number).encode()) or b"" for number in numbers}
    assert sorted(numbers) == sorted(numbers, key=keys.__getitem__)
    assert len(set(keys.values())) == len(keys)


@given(st.lists(st.datetimes(), min_size=2, max_size=5))
def test_times_are_ordered_by_their_keys_from_the_first_year_on(moments: list[datetime]) -> None:
    times = [f"{moment.year:04}{moment:%m%d%H%M%S.%f}Z".encode() for moment in moments]
    keys = {time: matching_rules.KEYS["generalizedTimeMatch"](time) or b"" for time in times}
    assert sorted(times) == sorted(times, key=keys.__getitem__)


@given(st.text(max_size=10))
def test_preparing_takes_white_space_away_and_does_not_mind_case_or_decomposition(text: str) -> None:
    prepared = prepare_exact(text)
    assert prepared == prepared.strip()
    assert "  " not in prepared
    assert "\n" not in prepare_ignore(text)
    assert prepare_ignore(f" {text}\t") == prepare_ignore(text)


@given(st.text(st.characters(codec="ascii"), max_size=10))
def test_the_fast_path_for_ascii_equals_the_general_one(text: str) -> None:
    assert prepare_ignore(text) == prepare_ignore(text + "é").removesuffix("é").strip()
    assert prepare_exact(text) == prepare_exact(text + "é").removesuffix("é").strip()


@pytest.mark.parametrize(
    ("attribute", "pieces", "expected"),
    [
        ("cn", (b"  Anna  ", [b" B ", b"c"], b" D  "), (b"anna ", [b" b ", b"c"], b" d")),
        ("cn", (b"  ", [b"  "], b" "), (b"", [b" "], b"")),
        ("cn", (None, [b""], None), (b"", [b""], b"")),
        ("telephoneNumber", (b"+1 5", [b"-"], b"3 4"), (b"+15", [b""], b"34")),
        ("memberUid", (b"An", [], None), (b"An", [], b"")),
        ("cn", (b"\xff", [], None), None),
        ("uidNumber", (b"1", [], None), None),
        ("member", (b"cn=", [], None), None),
        ("jpegPhoto", (b"a", [], None), None),
    ],
)
def test_the_pieces_of_a_substring_assertion_are_prepared_by_their_place(
    attribute: str, pieces: tuple[bytes | None, list[bytes], bytes | None], expected: object
) -> None:
    assert matching_rules.substring_keys(schema.canonical(attribute), *pieces) == expected


def test_every_rule_that_an_attribute_type_names_is_defined_and_shown() -> None:
    first_component = {"integerFirstComponentMatch", "objectIdentifierFirstComponentMatch"}
    for attribute in schema.ATTRIBUTE_TYPES.values():
        for rule in filter(None, (attribute.equality, attribute.ordering, attribute.substring)):
            assert rule.lower() in schema.MATCHING_RULE_NAMES
            assert rule in matching_rules.KEYS or rule in first_component or rule.endswith("SubstringsMatch")
            assert "SubstringsMatch" not in rule or matching_rules.substring_keys(attribute.key, b"a", [], None) is not None


def test_an_attribute_without_an_equality_rule_matches_nothing_and_one_we_do_not_know_by_its_octets_or_text() -> None:
    assert matching_rules.equality_key("namingcontexts", b"dc=x") is None
    assert matching_rules.equality_key("x-color", b"Red ") == matching_rules.equality_key("x-color", b"red")
    assert matching_rules.equality_key("x-color", b"\xff") == b"\xff"


@pytest.mark.parametrize(
    ("attribute", "ordered"),
    [("cn", True), ("uidnumber", True), ("createtimestamp", True), ("member", False), ("jpegphoto", False)],
)
def test_greater_and_less_mean_something_for_numbers_times_and_directory_strings(attribute: str, ordered: bool) -> None:
    assert matching_rules.has_ordering(attribute) is ordered


def test_a_type_stands_for_those_derived_from_it() -> None:
    assert set(schema.subtypes("name")) >= {"name", "cn", "sn", "givenname", "o", "ou", "title"}
    assert schema.subtypes("cn") == ("cn",)


def test_every_definition_of_an_object_class_names_attribute_types_that_are_defined() -> None:
    for one in schema.OBJECT_CLASSES.values():
        for attribute in (*one.must, *one.may):
            assert attribute.lower() in schema.ATTRIBUTE_TYPES, f"{one.names[0]} names {attribute}"


@pytest.mark.parametrize(
    ("spelling", "key"), [("2.5.4.3", "cn"), ("commonName", "cn"), ("CN", "cn"), ("userid", "uid"), ("X-Color", "x-color")]
)
def test_an_attribute_type_has_one_key_whatever_it_is_called(spelling: str, key: str) -> None:
    assert schema.canonical(spelling) == key
