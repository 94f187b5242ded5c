"""Each limit holds at exactly its number, in every place that it protects."""

from collections.abc import Callable

import pytest

from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.controls import Assertion, MatchedValues, PreReadRequest, SortKey, SortRequest
from gateway.wire.errors import LimitExceeded, MessageTooLarge, WireError
from gateway.wire.filters import (
    And,
    Equality,
    Extensible,
    Filter,
    FilterSyntaxError,
    Not,
    Or,
    Present,
    Substrings,
    encode_filter,
    parse,
    to_text,
)
from gateway.wire.limits import DEFAULT_LIMITS, Limits
from gateway.wire.messages import (
    AddRequest,
    BindRequest,
    CompareRequest,
    Control,
    DelRequest,
    LDAPMessage,
    Modification,
    ModifyDNRequest,
    ModifyRequest,
    Operation,
    PartialAttribute,
    SearchRequest,
    SimpleAuthentication,
)

SMALL = Limits(
    max_message_bytes=4000,
    max_filter_depth=5,
    max_filter_terms=20,
    max_filter_bytes=300,
    max_value_bytes=200,
    max_name_bytes=100,
    max_attributes=10,
    max_controls=3,
)
SMALL_MESSAGES = Limits(max_message_bytes=4000)


def search(filter: Filter, *attributes: str) -> SearchRequest:
    return SearchRequest("", 0, 0, 0, 0, False, filter, attributes)


def nested(depth: int) -> Filter:
    """A filter of `depth` levels, the innermost an item."""
    filter: Filter = Equality("uid", b"ada")
    for level in range(depth - 1):
        filter = (Not(filter), And((filter,)), Or((filter,)))[level % 3]
    return filter


def wide(terms: int) -> Filter:
    """A filter of `terms` terms on two levels."""
    return Or(tuple(Present("uid") for _ in range(terms - 1)))


AT_THE_LIMIT: list[tuple[str, Callable[[int], Operation], int]] = [
    ("nested too deeply", lambda n: search(nested(n)), SMALL.max_filter_depth),
    ("too many terms", lambda n: search(wide(n)), SMALL.max_filter_terms),
    (
        "too many terms and substrings",
        lambda n: search(Or((Substrings("cn", None, (b"a",) * (n - 1)),))),
        SMALL.max_filter_terms,
    ),
    ("too many terms and substrings", lambda n: search(Substrings("cn", None, (b"a",) * n)), SMALL.max_filter_terms),
    ("filter is longer", lambda n: search(And((Equality("cn", b"x" * 150), Equality("cn", b"x" * (n - 170))))), 300),
    ("value is longer", lambda n: search(Equality("cn", b"x" * n)), SMALL.max_value_bytes),
    ("value is longer", lambda n: search(Not(Equality("cn", b"x" * n))), SMALL.max_value_bytes),
    ("value is longer", lambda n: search(Extensible(None, "cn", b"x" * n)), SMALL.max_value_bytes),
    ("value is longer", lambda n: search(Substrings("cn", b"x" * (n - 3))), SMALL.max_value_bytes),
    ("value is longer", lambda n: CompareRequest("", "cn", b"x" * n), SMALL.max_value_bytes),
    ("name is longer", lambda n: BindRequest(3, "x" * n, SimpleAuthentication(b"")), SMALL.max_name_bytes),
    ("name is longer", lambda n: SearchRequest("x" * n, 0, 0, 0, 0, False, Present("cn"), ()), SMALL.max_name_bytes),
    ("name is longer", lambda n: DelRequest("x" * n), SMALL.max_name_bytes),
    ("name is longer", lambda n: CompareRequest("x" * n, "cn", b""), SMALL.max_name_bytes),
    ("name is longer", lambda n: ModifyDNRequest("x" * n, "cn=x", True), SMALL.max_name_bytes),
    ("name is longer", lambda n: ModifyDNRequest("", "x" * n, True), SMALL.max_name_bytes),
    ("name is longer", lambda n: ModifyDNRequest("", "cn=x", True, "x" * n), SMALL.max_name_bytes),
    ("name is longer", lambda n: AddRequest("x" * n, ()), SMALL.max_name_bytes),
    ("name is longer", lambda n: ModifyRequest("x" * n, ()), SMALL.max_name_bytes),
    ("names too many attributes", lambda n: search(Present("uid"), *["cn"] * n), SMALL.max_attributes),
    ("adds too many attributes", lambda n: AddRequest("", (PartialAttribute("cn"),) * n), SMALL.max_attributes),
    ("changes too many", lambda n: ModifyRequest("", (Modification(0, PartialAttribute("cn")),) * n), SMALL.max_attributes),
]


@pytest.mark.parametrize(("reason", "build", "limit"), AT_THE_LIMIT)
def test_the_limit_is_allowed_and_one_more_is_refused_for_the_request_that_asks(
    reason: str, build: Callable[[int], Operation], limit: int
) -> None:
    allowed = LDAPMessage(9, build(limit))
    assert decode_message(encode_message(allowed), SMALL) == allowed
    with pytest.raises(LimitExceeded, match=reason) as caught:
        decode_message(encode_message(LDAPMessage(9, build(limit + 1))), SMALL)
    assert caught.value.message_id == 9


def test_so_many_controls_and_no_more() -> None:
    controls = (Control("1.2.3"),) * SMALL.max_controls
    allowed = LDAPMessage(9, DelRequest(""), controls)
    assert decode_message(encode_message(allowed), SMALL) == allowed
    with pytest.raises(LimitExceeded, match="too many controls") as caught:
        decode_message(encode_message(LDAPMessage(9, DelRequest(""), (*controls, controls[0]))), SMALL)
    assert caught.value.message_id == 9


def test_so_many_octets_and_no_more() -> None:
    overhead = len(encode_message(LDAPMessage(1, DelRequest("x" * 3000)))) - 3000
    fitting = SMALL_MESSAGES.max_message_bytes - overhead
    allowed = LDAPMessage(1, DelRequest("x" * fitting))
    assert decode_message(encode_message(allowed), SMALL_MESSAGES) == allowed
    with pytest.raises(MessageTooLarge):
        decode_message(encode_message(LDAPMessage(1, DelRequest("x" * (fitting + 1)))), SMALL_MESSAGES)


def test_a_bomb_of_a_hundred_thousand_levels_costs_no_more_than_its_first_ones() -> None:
    head = ber.octets(b"") + ber.enumerated(0) * 2 + ber.integer(0) * 2 + ber.boolean(False)
    request = ber.tlv(0x63, head, bomb_of_depth(100_000), ber.tlv(ber.SEQUENCE))
    with pytest.raises(LimitExceeded, match="nested too deeply"):
        decode_message(ber.tlv(ber.SEQUENCE, ber.integer(1), request), Limits(max_filter_bytes=len(request)))


def bomb_of_depth(depth: int) -> bytes:
    """`depth` not filters around a presence test, with four-octet lengths throughout."""
    innermost = b"\x87\x00"
    headers = [b"\xa2\x84" + (len(innermost) + 6 * level).to_bytes(4, "big") for level in reversed(range(depth))]
    return b"".join(headers) + innermost


def test_text_is_limited_in_depth_like_octets() -> None:
    assert parse(to_text(nested(SMALL.max_filter_depth)), SMALL) == nested(SMALL.max_filter_depth)
    with pytest.raises(FilterSyntaxError, match="nested too deeply"):
        parse(to_text(nested(SMALL.max_filter_depth + 1)), SMALL)
    with pytest.raises(FilterSyntaxError, match="nested too deeply"):
        parse("(!" * 100_000)


def test_filters_in_controls_have_the_default_limits() -> None:
    deepest = nested(DEFAULT_LIMITS.max_filter_depth)
    assert Assertion.decode(encode_filter(deepest)) == Assertion(deepest)
    with pytest.raises(LimitExceeded):
        Assertion.decode(encode_filter(nested(DEFAULT_LIMITS.max_filter_depth + 1)))
    with pytest.raises(LimitExceeded):
        MatchedValues.decode(MatchedValues((Present("cn"),) * (DEFAULT_LIMITS.max_filter_terms + 1)).encode())


def test_controls_that_list_attributes_are_limited() -> None:
    with pytest.raises(LimitExceeded):
        PreReadRequest.decode(PreReadRequest(("cn",) * (DEFAULT_LIMITS.max_attributes + 1)).encode())
    with pytest.raises(LimitExceeded):
        SortRequest.decode(SortRequest((SortKey("cn"),) * 17).encode())


def test_a_filter_depth_that_the_interpreter_could_not_follow_cannot_be_configured() -> None:
    deepest = Limits(max_filter_depth=200)
    message = encode_message(LDAPMessage(1, search(nested(200))))
    assert decode_message(message, deepest) == LDAPMessage(1, search(nested(200)))
    for depth in (0, 201):
        with pytest.raises(ValueError, match="max_filter_depth must be 1 to 200"):
            Limits(max_filter_depth=depth)


def test_a_limit_exceeded_is_a_wire_error_with_a_sentence_and_a_place() -> None:
    with pytest.raises(WireError) as caught:
        decode_message(encode_message(LDAPMessage(9, search(wide(501)))))
    assert str(caught.value) == f"the filter has too many terms (octet {caught.value.offset}, message 9)"
    assert caught.value.reason == "the filter has too many terms"
