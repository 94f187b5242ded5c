"""Laws of distinguished names, over names that nobody would think of."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.model.ldap import dn
from gateway.model.ldap.dn import AVA, DN, RDN, InvalidDN

types = st.sampled_from(["cn", "CN", "uid", "ou", "dc", "2.5.4.3", "commonName", "x-unknown", "1.2.3", "entryUUID"])
any_text = st.text(max_size=6)
hostile_text = st.text(st.sampled_from(' \\,+"#<>;=\0\t\n\x7fa\u00a0é2cf~-'), max_size=6)
values = st.one_of(any_text, hostile_text)
rdns = st.lists(st.builds(AVA, types, values), min_size=1, max_size=3).map(lambda avas: RDN(tuple(avas)))
names = st.lists(rdns, max_size=4).map(lambda parts: DN(tuple(parts)))
texts = st.one_of(
    st.text(st.characters(), max_size=12),
    st.text(st.sampled_from(' \\,+"#<>;=\0\t\nacnCN2.5éEfF\u00a0\u2028\ufe50'), max_size=12),
    st.lists(st.sampled_from(["cn=", "CN =", "a", " b ", ",", " , ", "=", "2.5.4.3=", "é", "\u00a0", "+"]), max_size=8).map(
        "".join
    ),
)


@given(names)
@example(DN((RDN((AVA("cn", "a\\ "),)),)))
@example(DN((RDN((AVA("cn", "\u00a0a\u00a0"),)),)))
@example(DN((RDN((AVA("cn", "#0500"),)),)))
def test_a_name_that_is_written_and_read_is_the_same_name(name: DN) -> None:
    assert DN.parse(str(name)) == name


@given(names)
def test_the_key_of_a_written_name_is_the_key_of_the_name(name: DN) -> None:
    assert dn.key(str(name)) == name.key


@given(texts)
@example("ä=b")
@example("cn=a\ufe50b")
@example("cn=\udc80")
def test_the_fast_way_to_a_key_and_the_parser_agree_and_raise_nothing_but_invalid_dn(text: str) -> None:
    try:
        slow: str | None = DN.parse(text).key
    except InvalidDN:
        slow = None
    try:
        fast: str | None = dn.key(text)
    except InvalidDN:
        fast = None
    assert fast == slow


@given(names, names)
def test_the_key_of_an_ancestor_is_a_prefix_and_its_range_holds_exactly_those_below(above: DN, other: DN) -> None:
    below = DN((*other.rdns, *above.rdns))
    assert below.key.startswith(above.key)
    assert above.key <= below.key < dn.subtree_end(above.key)
    is_below = [rdn.key for rdn in other.rdns][len(other.rdns) - len(above.rdns) :] == [rdn.key for rdn in above.rdns]
    is_below = is_below and len(other.rdns) >= len(above.rdns)
    assert (above.key.encode() <= other.key.encode() < dn.subtree_end(above.key).encode()) == is_below


@given(names.filter(lambda name: bool(name.rdns)))
def test_the_key_of_the_parent_is_found_in_the_key(name: DN) -> None:
    assert dn.parent_key(name.key) == name.parent.key
