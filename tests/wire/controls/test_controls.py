"""Values of controls and extended operations: read as written, as their documents show them, and refused when wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire import controls as c
from gateway.wire import oids
from gateway.wire.entries import encode_entry
from gateway.wire.errors import WireError
from gateway.wire.extended_values import CancelRequest, PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.filters import Equality, Not, Present
from gateway.wire.messages import Control
from tests.wire import strategies
from tests.wire.long_lengths import widen
from tests.wire.strategies import brief

octets = strategies.short_octets
cookies = st.none() | octets
uuids = st.binary(min_size=16, max_size=16)
numbers = strategies.numbers
some_text = st.lists(strategies.text, max_size=4).map(tuple)
warnings = st.one_of(
    st.builds(c.PasswordPolicyResponse, numbers, st.none(), st.none() | numbers),
    st.builds(c.PasswordPolicyResponse, st.none(), st.none() | numbers, st.none() | numbers),
)
entries = st.builds(encode_entry, octets, st.lists(st.tuples(octets, st.lists(octets, max_size=2)), max_size=3))
sort_keys = st.builds(c.SortKey, strategies.text, st.none() | strategies.text, st.booleans())

control_values: st.SearchStrategy[c.ControlValue] = st.one_of(
    st.builds(c.PagedResults, numbers, octets),
    st.builds(c.SortRequest, st.lists(sort_keys, min_size=1, max_size=4).map(tuple)),
    st.builds(c.SortResponse, numbers, st.none() | strategies.text),
    st.builds(c.ListRequest, numbers, numbers, st.builds(c.ListPosition, numbers, numbers) | octets, st.none() | octets),
    st.builds(c.ListResponse, numbers, numbers, numbers, st.none() | octets),
    st.builds(c.Assertion, strategies.filters),
    st.builds(c.MatchedValues, st.lists(strategies.items, max_size=3).map(tuple)),
    st.builds(c.SyncRequest, st.sampled_from(c.SyncMode), cookies, st.booleans()),
    st.builds(c.SyncState, st.sampled_from(c.EntryState), uuids, cookies),
    st.builds(c.SyncDone, cookies, st.booleans()),
    st.builds(c.PersistentSearch, st.integers(1, 15).map(c.ChangeTypes), st.booleans(), st.booleans()),
    st.builds(c.EntryChange, st.sampled_from(list(c.ChangeTypes)), st.none() | octets, st.none() | numbers),
    st.builds(c.ChangeNotification),
    st.builds(c.DirSync, st.integers(-(2**31), 2**31 - 1), numbers, octets),
    st.builds(c.ShowDeleted),
    st.builds(c.ExtendedDN, st.booleans()),
    st.builds(c.ManageDsaIT),
    st.builds(c.PasswordPolicyRequest),
    warnings,
    st.builds(c.PreReadRequest, some_text),
    st.builds(c.PostReadRequest, some_text),
    st.builds(c.PreReadResponse, entries),
    st.builds(c.PostReadResponse, entries),
    st.builds(c.ProxiedAuthorization, strategies.text),
)
sync_infos: st.SearchStrategy[c.SyncInfo] = st.one_of(
    st.builds(c.NewCookie, octets),
    st.builds(c.RefreshDelete, cookies, st.booleans()),
    st.builds(c.RefreshPresent, cookies, st.booleans()),
    st.builds(c.SyncIdSet, cookies, st.booleans(), st.lists(uuids, max_size=4).map(tuple)),
)


@strategies.thorough
@given(control_values, st.booleans())
def test_a_control_is_found_as_it_was_made(value: c.ControlValue, criticality: bool) -> None:
    made = c.control(value, criticality)
    assert made.criticality is criticality
    assert c.find((Control("1.2.3"), made, Control(value.oid, False, b"wrong")), type(value)) == value


@brief
@given(control_values)
def test_the_spelling_of_lengths_in_a_value_makes_no_difference(value: c.ControlValue) -> None:
    encoded = value.encode()
    if encoded is not None and not isinstance(value, c.ProxiedAuthorization | c.PreReadResponse):
        assert type(value).decode(widen(encoded)) == value


@brief
@given(sync_infos)
def test_a_sync_info_message_is_read_as_it_was_written(info: c.SyncInfo) -> None:
    assert c.decode_sync_info(info.encode()) == info
    assert c.decode_sync_info(widen(info.encode())) == info


@brief
@given(st.none() | octets, st.none() | octets, st.none() | octets, numbers)
def test_a_value_of_an_extended_operation_is_read_as_it_was_written(
    who: bytes | None, old: bytes | None, new: bytes | None, number: int
) -> None:
    request = PasswordModifyRequest(who, old, new)
    assert PasswordModifyRequest.decode(request.encode()) == request
    assert PasswordModifyResponse.decode(PasswordModifyResponse(new).encode()) == PasswordModifyResponse(new)
    assert CancelRequest.decode(CancelRequest(number).encode()) == CancelRequest(number)


def test_no_value_of_a_password_modification_means_everything_by_default() -> None:
    assert PasswordModifyRequest.decode(None) == PasswordModifyRequest()
    assert PasswordModifyResponse.decode(None) == PasswordModifyResponse()


# What the documents and their implementations send: the value, and the octets.
WRITTEN: list[tuple[c.ControlValue, str]] = [
    (c.SyncRequest(c.SyncMode.REFRESH_AND_PERSIST, b"rid=001", True), "300f 0a0103 0407 7269643d303031 0101ff"),  # slapd 2.5
    (c.SyncDone(None, False), "3000"),
    (c.SortRequest((c.SortKey("uid", "2.5.13.3", True),)), "3014 3012 0403756964 8008322e352e31332e33 8101ff"),
    (c.SortResponse(0), "3003 0a0100"),
    (c.ListRequest(0, 19, c.ListPosition(1)), "300e 020100 020113 a006 020101 020100"),
    (c.ListRequest(1, 2, b"B", b"id"), "300d 020101 020102 810142 04026964"),
    (c.ListResponse(1, 300, 0, b"id"), "300e 020101 0202012c 0a0100 04026964"),
    (c.PasswordPolicyResponse(None, None, c.PasswordPolicyError.ACCOUNT_LOCKED), "3003 810101"),
    (c.PasswordPolicyResponse(600), "3006 a004 80020258"),
    (c.PasswordPolicyResponse(None, 3), "3005 a003 810103"),
    (c.MatchedValues((Present("cn"),)), "3004 8702 636e"),
    (c.Assertion(Equality("sn", b"x")), "a307 0402736e 040178"),
    (c.ProxiedAuthorization("u:ada"), "753a616461"),
    (c.PostReadRequest(("entryUUID",)), "300b 0409 656e74727955554944"),
]


@pytest.mark.parametrize(("value", "written"), WRITTEN)
def test_a_value_is_written_as_others_write_it(value: c.ControlValue, written: str) -> None:
    assert value.encode() == bytes.fromhex(written)
    assert type(value).decode(bytes.fromhex(written)) == value


def test_the_entry_of_a_read_control_may_come_under_a_plain_sequence_as_openldap_sends_it() -> None:
    entry = encode_entry(b"cn=x", [(b"sn", [b"y"])])
    assert c.PostReadResponse.decode(b"\x30" + entry[1:]) == c.PostReadResponse(entry)


def test_controls_without_a_value_ignore_one_that_comes_all_the_same() -> None:
    assert c.ChangeNotification.decode(b"anything") == c.ChangeNotification()
    assert c.ManageDsaIT.decode(b"anything") == c.ManageDsaIT()
    assert c.PasswordPolicyRequest.decode(b"anything") == c.PasswordPolicyRequest()


WRONG: list[tuple[type[c.ControlValue], str | None, str]] = [
    (c.PagedResults, None, "needs a value"),
    (c.PagedResults, "", "missing"),
    (c.PagedResults, "3005 0201ff 0400", "must be 0 to"),
    (c.PagedResults, "3005 020101 0400 00", "octets follow"),
    (c.SortRequest, "3000", "at least one key"),
    (c.ListRequest, "3008 020100 020100 8200", "an offset or a value"),
    (c.ListRequest, "300d 020100 020100 a005 0201ff 0400", "must be 0 to"),
    (c.Assertion, "870161 00", "octets follow"),
    (c.MatchedValues, "3004 a2028700", "simple filter items"),
    (c.SyncRequest, "3003 0a0102", "must be 1 or 3"),
    (c.PersistentSearch, "3009 020110 0101ff 0101ff", "must be 1 to 15"),
    (c.EntryChange, "3003 0a0103", "one change type"),
    (c.SyncState, "3006 0a0104 040100", "must be 0 to 3"),
    (c.SyncState, "3006 0a0101 040100", "16 octets"),
    (c.SyncDone, "3003 010200", "longer than"),
    (c.PasswordPolicyResponse, "3005 a003 820101", "a time or a number"),
    (c.PasswordPolicyResponse, "3008 a006 800101 810101", "a time or a number"),
    (c.PreReadResponse, "6503 0a0100", "0x64 was expected"),
    (c.ProxiedAuthorization, "ff", "not UTF-8"),
]


@pytest.mark.parametrize(("kind", "octets", "reason"), WRONG)
def test_a_wrong_value_is_a_wire_error(kind: type[c.ControlValue], octets: str | None, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        c.find([Control(kind.oid, True, None if octets is None else bytes.fromhex(octets))], kind)


@pytest.mark.parametrize("octets", ["", "8401", "8400", "a302 0400", "a304 3102 0400", "8000 00"])
def test_a_wrong_sync_info_is_a_wire_error(octets: str) -> None:
    with pytest.raises(WireError):
        c.decode_sync_info(bytes.fromhex(octets))


def test_a_wrong_value_of_an_extended_operation_is_a_wire_error() -> None:
    for decode in (PasswordModifyRequest.decode, PasswordModifyResponse.decode, CancelRequest.decode):
        with pytest.raises(WireError):
            decode(b"\x30\x02\x02")
    with pytest.raises(WireError, match="needs a value"):
        CancelRequest.decode(None)


def test_a_cookie_or_password_never_prints() -> None:
    secret = b"hidden"
    shown = repr([c.PagedResults(1, secret), c.SyncRequest(c.SyncMode.REFRESH_ONLY, secret), c.SyncDone(secret)])
    shown += repr([c.SyncState(c.EntryState.ADD, bytes(16), secret), c.NewCookie(secret), c.SyncIdSet(secret)])
    shown += repr([PasswordModifyRequest(b"me", secret, secret), PasswordModifyResponse(secret)])
    assert "hidden" not in shown


def test_one_warning_at_most() -> None:
    with pytest.raises(ValueError, match="one warning"):
        c.PasswordPolicyResponse(1, 1)


def test_a_filter_with_structure_can_be_asserted_but_not_matched_against_values() -> None:
    structured = Not(Present("cn"))
    assert c.Assertion.decode(c.Assertion(structured).encode()) == c.Assertion(structured)
    with pytest.raises(WireError):
        c.MatchedValues.decode(c.MatchedValues((structured,)).encode())


def test_every_oid_is_named_once() -> None:
    named = [value for name, value in vars(oids).items() if name.isupper()]
    assert len(named) == len(set(named))
