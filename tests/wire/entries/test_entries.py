"""Encoded entries: one law ties each function to the plain codec, and selection never touches what it keeps."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message, encode_operation, wrap
from gateway.wire.entries import (
    Selection,
    attributes,
    decode_entry,
    decode_search_entry,
    encode_attribute,
    encode_entry,
    extend,
    iterate,
    object_name,
    select,
    values,
)
from gateway.wire.errors import WireError
from gateway.wire.messages import LDAPMessage, PartialAttribute, SearchResultEntry
from tests.wire import strategies
from tests.wire.long_lengths import widen
from tests.wire.strategies import brief

Attributes = Sequence[tuple[bytes, Sequence[bytes]]]

many_octets = st.one_of(strategies.octets, st.just(bytes(1000)))
contents: st.SearchStrategy[Attributes] = st.lists(
    st.tuples(st.one_of(strategies.descriptions.map(str.encode), st.just(b"x" * 130)), st.lists(many_octets, max_size=5)),
    max_size=12,
)
dns = st.one_of(strategies.text.map(str.encode), st.just(b"cn=" + b"x" * 300))
ADA = encode_entry(
    b"uid=ada,ou=people",
    [
        (b"objectClass", [b"top", b"person"]),
        (b"cn", [b"Ada Lovelace"]),
        (b"cn;lang-en", [b"Ada"]),
        (b"cn;lang-en;x-short", [b"A"]),
        (b"jpegPhoto", [bytes(5000)]),
        (b"mail", [b"ada@example.com", b"ada@example.org"]),
        (b"userCertificate;binary", [bytes(1000)]),
        (b"description", []),
    ],
)


def plain(dn: bytes, attributes: Attributes) -> SearchResultEntry:
    return SearchResultEntry(dn.decode(), tuple(PartialAttribute(t.decode(), tuple(v)) for t, v in attributes))


@brief
@given(dns, contents)
def test_an_encoded_entry_equals_that_of_the_plain_codec(dn: bytes, attributes: Attributes) -> None:
    assert encode_entry(dn, attributes) == encode_operation(plain(dn, attributes))


@brief
@given(dns, contents, st.booleans())
def test_an_entry_is_read_as_it_was_written(dn: bytes, attributes: Attributes, wide: bool) -> None:
    entry = encode_entry(dn, attributes)
    entry = widen(entry) if wide else entry
    merged: dict[bytes, list[bytes]] = {}
    for attribute_type, attribute_values in attributes:
        merged.setdefault(attribute_type, []).extend(attribute_values)
    assert decode_entry(entry) == (dn, merged)
    assert object_name(entry) == dn
    assert [attribute_type for attribute_type, _ in iterate(entry)] == [attribute_type for attribute_type, _ in attributes]
    for attribute_type, attribute_values in reversed(attributes):
        assert values(entry, attribute_type.lower()) == next(v for t, v in attributes if t.lower() == attribute_type.lower())
        assert isinstance(attribute_values, list)


@brief
@given(dns, contents, strategies.controls, strategies.message_ids, st.booleans())
def test_the_fast_reader_equals_the_plain_one(
    dn: bytes, attributes: Attributes, controls: tuple[object, ...], message_id: int, wide: bool
) -> None:
    message = LDAPMessage(message_id, plain(dn, attributes), controls)  # type: ignore[arg-type]
    encoded = widen(encode_message(message)) if wide else encode_message(message)
    found = [(t.decode(), list(v)) for t, v in attributes]
    assert decode_search_entry(encoded) == (dn, found, controls)


@brief
@given(dns, contents, st.data(), st.booleans())
def test_a_selection_keeps_wanted_attributes_octet_for_octet_and_in_order(
    dn: bytes, attributes: Attributes, data: st.DataObject, wide: bool
) -> None:
    entry = widen(encode_entry(dn, attributes)) if wide else encode_entry(dn, attributes)
    types = sorted({attribute_type.lower() for attribute_type, _ in attributes})
    wanted = frozenset(data.draw(st.lists(st.sampled_from(types), max_size=4))) if types else frozenset[bytes]()
    kept = [tlv for attribute_type, tlv in iterate(entry) if attribute_type.lower() in wanted]
    selected = select(entry, wanted.__contains__)
    assert [tlv for _, tlv in iterate(selected)] == kept
    assert object_name(selected) == dn
    assert decode_message(wrap(1, selected)).operation == decode_message(wrap(1, widen(selected))).operation


@brief
@given(dns, contents)
def test_types_only_leaves_every_value_out(dn: bytes, attributes: Attributes) -> None:
    entry = select(encode_entry(dn, attributes), lambda _: True, types_only=True)
    assert entry == encode_entry(dn, [(attribute_type, []) for attribute_type, _ in attributes])


def chosen(*wanted: bytes) -> list[bytes]:
    return [attribute_type for attribute_type, _ in iterate(select(ADA, frozenset(wanted)))]


def test_a_wanted_type_takes_its_subtypes_by_option_along() -> None:
    assert chosen(b"cn") == [b"cn", b"cn;lang-en", b"cn;lang-en;x-short"]
    assert chosen(b"cn;lang-en") == [b"cn;lang-en", b"cn;lang-en;x-short"]
    assert chosen(b"cn;x-short;lang-en") == [b"cn;lang-en;x-short"]
    assert chosen(b"cn;x-short") == [b"cn;lang-en;x-short"]
    assert chosen(b"usercertificate") == [b"userCertificate;binary"]
    assert chosen(b"usercertificate;binary", b"objectclass") == [b"objectClass", b"userCertificate;binary"]
    assert chosen(b"sn", b"c", b"") == []


def test_one_selection_serves_many_entries_and_asks_about_each_spelling_once() -> None:
    asked: list[bytes] = []

    def wanted(description: bytes) -> bool:
        asked.append(description)
        return description == b"cn"

    selection = Selection(wanted)
    other = encode_entry(b"uid=bob", [(b"CN", [b"Bob"]), (b"cn", [b"Robert"]), (b"sn", [b"B"])])
    results = [decode_entry(selection(entry)) for entry in (ADA, other, ADA, other)]
    assert results[0] == results[2] == (b"uid=ada,ou=people", {b"cn": [b"Ada Lovelace"]})
    assert results[1] == results[3] == (b"uid=bob", {b"CN": [b"Bob"], b"cn": [b"Robert"]})
    assert sorted(asked) == sorted([t.lower() for t, _ in iterate(ADA)] + [b"cn", b"sn"])


def test_memory_stays_bounded_when_a_server_invents_attribute_names_without_end() -> None:
    selection = Selection(frozenset({b"x"}))
    names = [b"x;range=%d-%d" % (n, n + 1) for n in range(25_000)]
    for name in names:
        entry = encode_entry(b"", [(name, [b"v"])])
        assert selection(entry) == entry
        assert decode_search_entry(wrap(1, entry))[1] == [(name.decode(), [b"v"])]
    assert len(selection._verdicts) <= 10_000


def test_equal_attribute_names_of_many_entries_are_one_object() -> None:
    first, second = (decode_search_entry(wrap(n, ADA))[1] for n in (1, 2))
    assert all(a is b for (a, _), (b, _) in zip(first, second, strict=True))


@brief
@given(dns, contents, contents, st.booleans())
def test_an_extended_entry_has_its_own_attributes_and_then_the_others(
    dn: bytes, own: Attributes, more: Attributes, wide: bool
) -> None:
    entry = widen(encode_entry(dn, own)) if wide else encode_entry(dn, own)
    extended = extend(entry, attributes(encode_entry(b"cn=other", more)))
    assert [kind for kind, _ in iterate(extended)] == [kind for kind, _ in [*own, *more]]
    assert attributes(extended) == attributes(entry) + attributes(encode_entry(b"", more))
    assert object_name(extended) == dn


@pytest.mark.parametrize("size", [100, 127, 128, 200, 255, 256, 300, 1000, 65_400, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("dn", [b"cn=a", b"cn=" + b"a" * 200])
def test_an_extended_entry_of_any_length_is_encoded_as_if_written_at_once(size: int, dn: bytes) -> None:
    more = (b"memberOf", [b"cn=g"])
    for own in range(size - 60, size + 1):
        written = encode_entry(dn, [(b"cn", [b"x" * own]), more])
        assert extend(encode_entry(dn, [(b"cn", [b"x" * own])]), encode_attribute(*more)) == written


def test_an_attribute_that_is_not_there_has_no_values() -> None:
    assert values(ADA, b"sn") == []
    assert values(ADA, b"description") == []
    assert values(ADA, b"mail") == [b"ada@example.com", b"ada@example.org"]


READERS: list[Callable[[bytes], object]] = [
    object_name,
    decode_entry,
    Selection(frozenset({b"cn"})),
    lambda entry: list(iterate(entry)),
    lambda entry: decode_search_entry(wrap(1, entry)),
]


def test_an_entry_that_is_cut_off_anywhere_is_an_error_to_every_reader() -> None:
    for size in {*range(200), *range(200, len(ADA), 50)}:
        for reader in READERS:
            with pytest.raises(WireError):
                reader(ADA[:size])


def test_attributes_that_are_cut_off_anywhere_are_an_error_to_every_reader_of_attributes() -> None:
    attributes = [
        encode_attribute(b"cn", [b"Ada"]),
        encode_attribute(b"sn", [b"L", b"K"]),
        encode_attribute(b"o", [bytes(300)]),
    ]
    content = b"".join(attributes)
    whole = {0, len(attributes[0]), len(attributes[0] + attributes[1])}
    for size in set(range(len(content))) - whole:
        damaged = ber.tlv(0x64, ber.octets(b"uid=ada"), ber.tlv(0x30, content[:size]))
        for reader in READERS[1:]:
            with pytest.raises(WireError):
                reader(damaged)


@pytest.mark.parametrize(
    "attributes",
    [
        "3100",  # no sequence
        "3002 0400",  # no set of values
        "3004 0500 3100",  # a type that is no string
        "3004 0400 3000",  # a sequence of values
        "3006 0400 3102 0500",  # a value that is no string
        "3006 0400 3102 0401",  # a value longer than the set
        "3005 0400 3101 04",  # a value cut off
        "3006 0400 3104 0400",  # a set longer than the attribute
    ],
)
def test_an_attribute_of_the_wrong_shape_is_an_error_to_every_reader(attributes: str) -> None:
    entry = ber.tlv(0x64, ber.octets(b"uid=ada"), ber.tlv(0x30, bytes.fromhex(attributes)))
    with pytest.raises(WireError):
        decode_entry(entry)
    with pytest.raises(WireError):
        decode_search_entry(wrap(1, entry))
    with pytest.raises(WireError):
        decode_message(wrap(1, entry))
