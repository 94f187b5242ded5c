"""RFC 2849: its own examples, what is taken beyond it, and the complaints."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connectors.ldif.parser import LdifRecord, records
from gateway.model.errors import InvalidSourceData


def parsed(text: str | bytes) -> list[LdifRecord]:
    octets = text.encode() if isinstance(text, str) else text
    return list(records(octets.splitlines(keepends=True), "x.ldif"))


def entry(text: str | bytes) -> dict[str, list[bytes]]:
    (record,) = parsed(text)
    return dict(record.attributes)


def test_rfc_2849_example_1_a_simple_file_with_two_entries() -> None:
    first, second = parsed(
        "version: 1\n"
        "dn: cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\n"
        "objectclass: top\nobjectclass: person\nobjectclass: organizationalPerson\n"
        "cn: Barbara Jensen\ncn: Barbara J Jensen\ncn: Babs Jensen\nsn: Jensen\nuid: bjensen\n"
        "telephonenumber: +1 408 555 1212\ndescription: A big sailing fan.\n"
        "\n"
        "dn: cn=Bjorn Jensen, ou=Accounting, dc=airius, dc=com\n"
        "objectclass: top\nobjectclass: person\nobjectclass: organizationalPerson\n"
        "cn: Bjorn Jensen\nsn: Jensen\ntelephonenumber: +1 408 555 1212\n"
    )
    assert first.dn == "cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com"
    assert dict(first.attributes)["cn"] == [b"Barbara Jensen", b"Barbara J Jensen", b"Babs Jensen"]
    assert (first.line, second.line) == (2, 14)


def test_rfc_2849_example_2_a_folded_value() -> None:
    found = entry(
        "version: 1\ndn:cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\n"
        "description:Babs is a big sailing fan, and travels extensively in sea\n"
        " rch of perfect sailing conditions.\ntitle:Product Manager, Rod and Reel Division\n"
    )
    assert found["description"] == [
        b"Babs is a big sailing fan, and travels extensively in search of perfect sailing conditions."
    ]


def test_rfc_2849_example_3_a_base_64_value() -> None:
    found = entry(
        "version: 1\ndn: cn=Gern Jensen, ou=Product Testing, dc=airius, dc=com\n"
        "description:: V2hhdCBhIGNhcmVmdWwgcmVhZGVyIHlvdSBhcmUhICBUaGlzIHZhbHVl\n"
        " IGlzIGJhc2UtNjQtZW5jb2RlZCBiZWNhdXNlIGl0IGhhcyBhIGNvbnRyb2wgY2hhcmFjdGVyIGlu\n"
        " IGl0IChhIENSKS4NICBCeSB0aGUgd2F5LCB5b3Ugc2hvdWxkIHJlYWxseSBnZXQgb3V0IG1vcmUu\n"
    )
    assert found["description"][0].startswith(b"What a careful reader you are!")
    assert b"(a CR).\r  By the way" in found["description"][0]


def test_rfc_2849_example_4_names_and_values_in_other_scripts_and_language_options() -> None:
    (record,) = parsed(
        "version: 1\n"
        "dn:: b3U95Za25qWt6YOoLG89QWlyaXVz\n# dn:: ou=<JapaneseOU>,o=Airius\n"
        "objectclass: top\nou:: 5Za25qWt6YOo\nou;lang-ja:: 5Za25qWt6YOo\nou;lang-en: Sales\n"
    )
    assert record.dn == "ou=営業部,o=Airius"
    assert dict(record.attributes)["ou;lang-en"] == [b"Sales"]


def test_line_ends_may_be_carriage_return_and_line_feed() -> None:
    first, second = parsed(b"dn: cn=a\r\ncn: a\r\n b\r\n\r\ndn: cn=c\r\ncn: c\r\n")
    assert (first.attributes, second.dn) == ([("cn", [b"ab"])], "cn=c")


def test_comments_are_passed_over_even_folded_and_inside_a_record() -> None:
    assert entry("# one\n  folded\ndn: cn=a\n# two\ncn: a\n# three\n three: three\n\n# four\n") == {"cn": [b"a"]}


def test_any_number_of_empty_lines_separates_records_and_may_end_the_file() -> None:
    assert [record.dn for record in parsed("\n\ndn: cn=a\n\n\n\ndn: cn=b\n\n")] == ["cn=a", "cn=b"]


def test_values_of_one_attribute_are_kept_together_whatever_the_case_of_its_name() -> None:
    assert entry("dn: cn=a\nmail: 1\nMAIL: 2\nMail: 3\n") == {"mail": [b"1", b"2", b"3"]}


def test_an_empty_value_and_trailing_spaces_are_kept() -> None:
    assert entry("dn: cn=a\ndescription:\ntitle: x \n") == {"description": [b""], "title": [b"x "]}


def test_utf_8_outside_base_64_and_a_byte_order_mark_are_taken() -> None:
    assert entry("\ufeffdn: cn=Zoë\ncn: Zoë\n") == {"cn": ["Zoë".encode()]}


def test_an_empty_file_has_no_records() -> None:
    assert parsed("") == parsed("# nothing\n") == parsed("version: 1\n") == []


def test_a_change_record_that_adds_is_a_whole_entry() -> None:
    added = parsed("dn: cn=a\nchangetype: add\ncn: a\n\ndn: cn=b\nchangeType: ADD\ncn: b\n")
    assert [(one.dn, one.attributes) for one in added] == [("cn=a", [("cn", [b"a"])]), ("cn=b", [("cn", [b"b"])])]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dn: cn=a\ncn a\n", "x.ldif, line 2: this is not `attribute: value`"),
        ("dn: cn=a\n=cn: a\n", "x.ldif, line 2: this is not `attribute: value`"),
        (" cn: a\n", "x.ldif, line 1: a continued line"),
        ("dn: cn=a\n\n cn: a\n", "x.ldif, line 3: a continued line"),
        ("dn: cn=a\ncn:: a*b\n", "x.ldif, line 2: the value of cn is not base64"),
        ("dn: cn=a\ncn:: YW\n", "x.ldif, line 2: the value of cn is not base64"),
        ("dn: cn=a\njpegPhoto:< file:///etc/passwd\n", "x.ldif, line 2: jpegPhoto names a URL"),
        ("dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n-\n", "x.ldif, line 5: the file must hold whole entries"),
        (
            "dn: cn=a\nchangetype: delete\n",
            "x.ldif, line 2: the file must hold whole entries",
        ),
        (
            "dn: cn=a\ncontrol: 1.2.3\nchangetype: add\n",
            "x.ldif, line 2: the file must hold whole entries",
        ),
        ("version: 2\ndn: cn=a\n", "x.ldif, line 1: only version 1"),
        ("dn: cn=a\ncn: a\ndn: cn=b\n", "x.ldif, line 3: a second dn:"),
        ("dn: cn=a\n\ncn: a\n", "x.ldif, line 3: a record must begin with dn:, not with cn:"),
        ("dn: cn=a\n\nsearch: 2\nresult: 0 Success\n", "ldapsearch writes clean LDIF with -LLL"),
        ("dn: nonsense\n", "x.ldif, line 1: 'nonsense' is not a distinguished name"),
        (b"dn: cn=\xff\n", "x.ldif, line 1: the dn is not UTF-8"),
        ("dn:: /w==\n", "x.ldif, line 1: the dn is not UTF-8"),
    ],
)
def test_every_error_names_file_and_line(text: str | bytes, complaint: str) -> None:
    with pytest.raises(InvalidSourceData) as caught:
        parsed(text)
    assert complaint in str(caught.value)


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}(;lang-[a-z]{2})?", fullmatch=True).filter(
    lambda name: name not in ("dn", "changetype", "control")
)
entries = st.dictionaries(names, st.lists(st.binary(max_size=200), min_size=1, max_size=3), min_size=1, max_size=4)


@given(st.lists(entries, min_size=1, max_size=4), st.sampled_from([b"\n", b"\r\n"]), st.integers(2, 80))
def test_values_in_base_64_and_folded_anywhere_are_read_back(
    wanted: list[dict[str, list[bytes]]], line_end: bytes, width: int
) -> None:
    lines: list[bytes] = []
    for number, attributes in enumerate(wanted):
        lines.append(b"dn: cn=%d" % number)
        for name, values in attributes.items():
            lines += [name.encode() + b":: " + base64.b64encode(value) for value in values]
        lines.append(b"")
    folded = [(line_end + b" ").join([line[at : at + width] for at in range(0, len(line), width)]) for line in lines]
    read = parsed(line_end.join(folded))
    assert [dict(record.attributes) for record in read] == wanted


@given(st.binary(max_size=300))
def test_any_octets_are_records_or_a_complaint(octets: bytes) -> None:
    try:
        parsed(b"dn: cn=a\n" + octets)
    except InvalidSourceData as error:
        assert "x.ldif, line " in str(error)
