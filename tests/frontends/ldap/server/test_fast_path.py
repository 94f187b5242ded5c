"""The fast path answers octet for octet what the ordinary way answers, and never what the ordinary way would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.testing import StringTransport

from gateway.directory.planning.kind_constants import OF_ITS_KIND
from gateway.frontends.ldap.server import fast_path, request_template
from gateway.frontends.ldap.server.connection import LDAPConnection
from gateway.wire import ber
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.errors import WireError
from gateway.wire.filters import And, Equality, Filter, Or, Substrings
from gateway.wire.framing import Framer
from gateway.wire.messages import LDAPMessage, SearchRequest
from tests.frontends.ldap.company import ANN, BASE, GROUPS, PEOPLE, STAFF, UNITS
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, turn
from tests.frontends.ldap.wire_client import bind_request, search_request
from tests.wire.long_lengths import widen
from tests.wire.mutations import mutate

BASES = [BASE, BASE.upper(), PEOPLE, GROUPS, UNITS, ANN, f"uid=nobody,{PEOPLE}", "", "cn=Subschema", "dc=elsewhere", "nonsense"]
ATTRIBUTES = [
    "uid",
    "UID",
    "cn",
    "mail",
    "sn",
    "title",
    "memberOf",
    "member",
    "memberUid",
    "objectClass",
    "entryUUID",
    "entryDN",
]
ATTRIBUTES += [
    "uidNumber",
    "employeeNumber",
    "userCertificate;binary",
    "name",
    "nonsense",
    "ou",
    "hasSubordinates",
    "jpegPhoto",
]
VALUES = [
    b"ann",
    b"ANN",
    b" ann ",
    b"bob",
    b"nobody",
    b"engineer",
    b"Engineer",
    b"17",
    b"10001",
    b"x",
    b"",
    b"\xff\xfe",
    b"\x00",
]
VALUES += [
    ANN.encode(),
    STAFF.encode(),
    b"Crowd",
    b"inetOrgPerson",
    b"groupOfNames",
    b"Sales",
    b"Ann M\xc3\xbcller",
    b"ann@example.test",
]
SELECTIONS = [(), ("*",), ("+",), ("*", "+"), ("1.1",), ("uid", "cn"), ("memberOf",), ("@person",), ("jpegPhoto", "x"), ("dn",)]
EQUALITIES = st.builds(Equality, st.sampled_from(ATTRIBUTES), st.sampled_from(VALUES))
PIECES = [
    b"nn ",
    b"ann",
    b"ANN",
    b"a",
    b"",
    b"  ",
    b'"nn',
    b"nn@example",
    b"\xff\xfe\xfd",
    b"ngin",
    b"\xc3\xbcll",
    b"\xc3\xbcl",
    b"\0\0\0",
]
MIDDLES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=2).map(tuple)
ENDS = st.sampled_from([None, None, None, b"ann"])
SUBSTRINGS = st.builds(Substrings, st.sampled_from(ATTRIBUTES), ENDS, MIDDLES, ENDS)
SEVERAL = st.lists(EQUALITIES | SUBSTRINGS, max_size=9).map(tuple)
REQUESTS = st.builds(
    SearchRequest,
    st.sampled_from(BASES),
    st.sampled_from([0, 1, 2, 2, 2, 3, 4]),
    st.sampled_from([0, 3, 4]),
    st.sampled_from([0, 1, 2, 1000]),
    st.sampled_from([0, 1, 60]),
    st.booleans(),
    EQUALITIES | SUBSTRINGS | st.builds(And, SEVERAL) | st.builds(Or, SEVERAL),
    st.sampled_from(SELECTIONS),
)
MESSAGE_IDS = st.sampled_from([0, 1, 127, 128, 255, 256, 32768, 2**31 - 1])


class Transport(StringTransport):
    """A transport with what a connection needs of TCP besides a place to write to."""

    aborted = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing to delay."""

    def abortConnection(self) -> None:
        self.aborted = True


class Pair:
    """The same connection twice, bound as the same party: one with the fast path, one without."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._connections = (self._connect(), self._connect())

    def _connect(self) -> LDAPConnection:
        address: Any = IPv4Address("TCP", "127.0.0.1", 1)
        connection = self.serving.server.factory().buildProtocol(address)
        assert isinstance(connection, LDAPConnection)
        transport: Any = Transport()  # type: ignore[no-untyped-call]
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]
        return connection

    async def bind(self, account: Account) -> Pair:
        for connection in self._connections:
            connection.dataReceived(encode_message(LDAPMessage(1, bind_request(account))))
            while connection.is_busy:
                await turn(0.001)
            self._taken(connection)
        assert self.fast._fast is not None
        self.ordinary._fast = None
        return self

    @property
    def fast(self) -> LDAPConnection:
        return self._connections[0]

    @property
    def ordinary(self) -> LDAPConnection:
        return self._connections[1]

    async def answers(self, octets: bytes) -> tuple[bytes, bytes]:
        """The octets that each writes; a connection that has ended is made anew."""
        answers = []
        for connection in self._connections:
            connection.dataReceived(octets)
            while connection.is_busy:
                await turn()
            answers.append(self._taken(connection))
        if any(connection._ended for connection in self._connections):
            self.close()
            self._connections = (self._connect(), self._connect())
            await self.bind(self.serving.portal)
        return answers[0], answers[1]

    def taken(self, octets: bytes) -> bool:
        """True if the fast path answers this message."""
        assert self.fast._fast is not None
        return self.fast._fast.answer(octets, ()) is not None

    def close(self) -> None:
        for connection in self._connections:
            connection.connectionLost()

    @staticmethod
    def _taken(connection: LDAPConnection) -> bytes:
        transport: Any = connection.transport
        written: bytes = transport.value()
        transport.clear()
        return written


@pytest.fixture
def pair(serving: Serving) -> Iterator[Pair]:
    made = Pair(serving)
    pytest_twisted.blockon(ensureDeferred(made.bind(serving.portal)))
    yield made
    made.close()


def test_both_ways_give_the_same_octets_for_every_kind_of_request(pair: Pair) -> Deferred[None]:
    """Enumerated: every base, scope, attribute, value and selection, a few at a time."""
    chance = Random(4511)
    requests = [
        SearchRequest(base, scope, 0, 0, 0, types_only, Equality(attribute, value), selection)
        for base in BASES
        for scope in (0, 1, 2, 3)
        for attribute in ATTRIBUTES
        for value, selection, types_only in (
            (chance.choice(VALUES), chance.choice(SELECTIONS), chance.random() < 0.2) for _ in range(4)
        )
    ]

    async def compare() -> None:
        count = 0
        for number, request in enumerate(requests, 1):
            octets = encode_message(LDAPMessage(number, request))
            count += pair.taken(octets)
            short, ordinary = await pair.answers(octets)
            assert short == ordinary, request
        assert count > 300
        assert pair.serving.services.counters.fast_path_failures == 0

    return ensureDeferred(compare())


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_ways_agree_on_any_request_and_message_id(pair: Pair, data: st.DataObject) -> None:
    request, number = data.draw(REQUESTS), data.draw(MESSAGE_IDS)
    octets = encode_message(LDAPMessage(number, request))
    parts = request_template.split(octets)
    single = isinstance(request.filter, Equality | Substrings)
    asserted = [request.filter] if single else getattr(request.filter, "filters", ())
    if parts is not None:
        asserted_octets = [octets[parts[2] + start : parts[2] + end] for start, end in parts[3]]
        spelled = [value for one in asserted for value in asserted_values(one)]
        assert (parts[0], asserted_octets) == (number, spelled)
    same(pair, octets)


def asserted_values(item: Filter) -> tuple[bytes, ...]:
    """The values that are not part of the template."""
    if isinstance(item, Substrings):
        return item.any
    assert isinstance(item, Equality)
    return () if item.attribute.lower() in OF_ITS_KIND else (item.value,)


def same(pair: Pair, octets: bytes) -> None:
    """The fast path answers this message as the ordinary way, or leaves it alone."""
    assert pair.fast._fast is not None
    short = pair.fast._fast.answer(octets, ())
    if short is not None:
        ordinary = pair.ordinary._answer(octets)
        assert short == ordinary, octets.hex()


SEEDS = [
    search_request(BASE, "(uid=ann)"),
    search_request(PEOPLE, "(uid=ann)", 1, ("uid", "cn")),
    search_request(BASE, "(title=engineer)", 2, ("1.1",), size_limit=5, time_limit=10, deref_aliases=3),
    search_request(BASE, "(mail=ann@example.test)", 2, (), types_only=1),
    search_request(BASE, "(&(objectClass=person)(uid=ann))"),
    search_request(BASE, "(|(uid=ann)(mail=ann@example.test))", 2, ("cn",)),
    search_request(BASE, "(mail=*nn@exam*)"),
    search_request(BASE, "(&(objectClass=person)(cn=*nn *))", 2, ("cn",)),
]
CORPUS = [encode_message(LDAPMessage(number, request)) for number in (5, 300) for request in SEEDS]
CORPUS += [widen(octets) for octets in CORPUS]


def test_no_damaged_message_gets_an_answer_that_the_ordinary_way_would_refuse(pair: Pair) -> None:
    """Each octet of each message takes every value that could tell, then come random wounds; the templates are warm."""
    for octets in CORPUS:
        same(pair, octets)
    for octets in CORPUS:
        for place in range(2, len(octets)):
            for value in {*range(8), 0x63, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x85, 0xA0, 0xA3, 0xA4, 0xFF, octets[place] ^ 1}:
                check(pair, octets[:place] + bytes((value,)) + octets[place + 1 :])
    chance = Random(2251)
    for _ in range(20_000):
        check(pair, mutate(chance, CORPUS))
    assert pair.serving.services.counters.fast_path_failures == 0


def check(pair: Pair, octets: bytes) -> None:
    """Compare the two ways for octets that the framer would hand on; no others reach the connection."""
    try:
        framed = Framer().feed(octets)
    except WireError:
        return
    if framed != [octets]:
        return
    assert pair.fast._fast is not None
    if request_template.split(octets) is None:
        return
    try:
        decode_message(octets)
    except WireError:
        assert pair.fast._fast.answer(octets, ()) is None, octets.hex()
        return
    same(pair, octets)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param((b"\x01\x01\x00\xa3", b"\x01\x02\x00\x00\xa3"), id="typesOnly of two octets"),
        pytest.param((b"\x01\x01\x00\xa3", b"\x01\x00\xa3"), id="typesOnly of none"),
        pytest.param((b"\x0a\x01\x02", b"\x0a\x01\x80"), id="a negative scope"),
        pytest.param((b"\x02\x01\x05\x63", b"\x02\x01\x85\x63"), id="a negative message id"),
        pytest.param((b"\x02\x01\x05\x63", b"\x02\x01\x00\x63"), id="message id 0"),
        pytest.param((b"\x02\x01\x05\x63", b"\x02\x00\x63"), id="a message id of no octets"),
        pytest.param((b"\x04\x03uid", b"\x04\x81\x03uid"), id="a long length in the filter"),
        pytest.param((b"\x04\x03uid", b"\x05\x03uid"), id="a null for an attribute"),
        pytest.param((b"\x04\x03ann", b"\x24\x03ann"), id="a constructed value"),
    ],
)
def test_damage_that_splits_alike_is_left_to_the_ordinary_way(pair: Pair, damage: tuple[bytes, bytes]) -> None:
    good = CORPUS[0]
    assert pair.taken(good)
    start = 2
    content = good[start:].replace(*damage, 1)
    assert content != good[start:]
    tag = content.index(b"\x63")
    content = content[:tag] + ber.tlv(0x63, content[tag + 2 :])
    assert not pair.taken(ber.tlv(0x30, content))


@pytest.mark.parametrize("wrong", [-2, -1, 1, 2, 60])
def test_a_wrong_length_of_the_operation_is_left_to_the_ordinary_way(pair: Pair, wrong: int) -> None:
    good = CORPUS[0]
    assert pair.taken(good)
    place = good.index(b"\x63") + 1
    assert not pair.taken(good[:place] + bytes((good[place] + wrong,)) + good[place + 1 :])


def test_an_attribute_that_spells_an_and_is_left_to_the_ordinary_way(pair: Pair) -> None:
    """The octets of (&(uid=…)) but for values and lengths, as one assertion whose attribute carries the tag of an and."""
    good = encode_message(LDAPMessage(5, search_request(BASE, "(&(uid=ann))")))
    assert pair.taken(good)
    start = good.index(b"\xa0")
    forged = ber.tlv(0xA3, b"\xa0\x04\x03uid", ber.octets(b"ann"))
    content = good[good.index(b"\x63") + 2 : start] + forged + b"\x30\x00"
    assert not pair.taken(ber.tlv(0x30, ber.integer(5), ber.tlv(0x63, content)))


@pytest.mark.parametrize(
    "text", ["(cn=*nn*)", "(cn=*nn b*c*)", "(cn=ann*)", "(cn=*ann)", "(title=*ngin*)", "(|(cn=*ann*)(sn=*ann*))"]
)
def test_a_piece_that_the_index_does_not_answer_alone_goes_the_ordinary_way(pair: Pair, text: str) -> None:
    assert not pair.taken(encode_message(LDAPMessage(5, search_request(BASE, text))))


def test_a_message_id_in_use_is_left_to_the_ordinary_way(pair: Pair) -> None:
    assert pair.fast._fast is not None
    assert pair.fast._fast.answer(CORPUS[0], {5: None}) is None
    assert pair.fast._fast.answer(CORPUS[0], {6: None}) is not None


def test_real_clients_requests_take_the_fast_path(pair: Pair) -> None:
    assert all(pair.taken(octets) for octets in CORPUS[: len(SEEDS)])
    windows = encode_message(LDAPMessage(5, SEEDS[0]))
    body = windows[2:]
    tag = body.index(b"\x63")
    wide = body[:tag] + b"\x63\x84" + (len(body) - tag - 2).to_bytes(4, "big") + body[tag + 2 :]
    assert pair.taken(b"\x30\x84" + len(wide).to_bytes(4, "big") + wide)


def test_what_the_fast_path_remembers_is_bounded(pair: Pair) -> None:
    assert pair.fast._fast is not None
    for number in range(3 * fast_path._MAX_TEMPLATES):
        pair.fast._fast.answer(encode_message(LDAPMessage(1, search_request(BASE, "(uid=ann)", 2, (f"x{number}",)))), ())
        assert len(pair.fast._fast._plans) <= fast_path._MAX_TEMPLATES
    assert pair.taken(CORPUS[0])


@pytest_twisted.ensureDeferred
async def test_a_party_that_does_not_see_everything_and_a_log_of_operations_have_no_fast_path(serve: Serve) -> None:
    for options, name, expected in (
        ({}, "portal", True),
        ({}, "narrow", False),
        ({}, "ann", False),
        ({"log_operations": True}, "portal", False),
    ):
        serving = serve(**options)
        account: Account = getattr(serving, name)
        party = (await serving.services.authentication.bind(account.dn, account.password.encode(), "")).party
        assert (serving.server.fast_paths.of(party) is not None) is expected, name


def test_a_view_that_is_built_anew_is_asked_anew(pair: Pair) -> None:
    follower = pair.serving.world.follower
    assert pair.taken(CORPUS[0])
    kept, follower.reader = follower.reader, None
    try:
        assert not pair.taken(CORPUS[0])
    finally:
        follower.reader = kept
    assert pair.taken(CORPUS[0])


def outcomes(serving: Serving) -> tuple[int, int, int]:
    """Hits, misses and failures."""
    counters = serving.services.counters
    return counters.fast_path_hits, counters.fast_path_misses, counters.fast_path_failures


EQUALITY, OTHER = CORPUS[0], encode_message(LDAPMessage(6, search_request(BASE, "(uid=a*)")))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [(EQUALITY, (1, 0, 0)), (OTHER, (0, 1, 0)), (EQUALITY + OTHER, (1, 1, 0)), (OTHER + EQUALITY, (1, 1, 0))],
)
def test_each_request_is_counted_once_as_a_hit_or_a_miss(
    pair: Pair, octets: bytes, expected: tuple[int, int, int]
) -> Deferred[None]:
    async def send() -> None:
        before = outcomes(pair.serving)
        pair.fast.dataReceived(octets)
        while pair.fast.is_busy:
            await turn()
        counted = outcomes(pair.serving)
        assert tuple(now - then for now, then in zip(counted, before, strict=True)) == expected

    return ensureDeferred(send())


def test_a_failure_is_counted_and_answered_the_ordinary_way_and_the_first_of_its_kind_is_logged(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    def other(*_: object) -> None:
        raise LookupError("out of order too")

    before = outcomes(pair.serving)
    with capture_logs() as lines:
        for failing in (broken, broken, other):
            monkeypatch.setattr(fast_path, "split", failing)
            pair.fast.dataReceived(EQUALITY)
            assert Pair._taken(pair.fast) == pair.ordinary._answer(EQUALITY)
    hits, misses, failures = outcomes(pair.serving)
    assert (hits, misses, failures) == (before[0], before[1], before[2] + 3)
    assert [type(line["exc_info"]) for line in lines] == [RuntimeError, LookupError]
    assert all(line["event"] == "fast path failed" and "test_fast_path.py:" in line["place"] for line in lines)


def test_a_view_that_is_being_built_is_a_miss_and_no_failure(pair: Pair) -> None:
    follower = pair.serving.world.follower
    kept, follower.reader = follower.reader, None
    before = outcomes(pair.serving)
    try:
        with capture_logs() as lines:
            pair.fast.dataReceived(EQUALITY)
    finally:
        follower.reader = kept
    assert outcomes(pair.serving) == (before[0], before[1] + 1, before[2])
    assert [line["event"] for line in lines if line["event"] == "fast path failed"] == []
