"""Input that no honest client sends: the connection ends with a reason and one log line; other clients are served on."""

import gc
import random
import socket
import struct

import pytest
from structlog.testing import capture_logs

from gateway.directory.authentication.line_sums import MAX_LINES
from gateway.frontends.ldap.server.connection import LDAPConnection
from gateway.wire import ber, filters
from gateway.wire.codec.encoder import encode_message
from gateway.wire.messages import (
    AbandonRequest,
    BindResponse,
    ExtendedResponse,
    IntermediateResponse,
    LDAPMessage,
    Operation,
    Result,
    SearchRequest,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    UnbindRequest,
)
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ANN, BASE
from tests.frontends.ldap.serving import Account, Serving, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import connected, search_request
from tests.wire.mutations import mutate

ROOT = search_request("", scope=0)


def deep(levels: int) -> bytes:
    item = b"\x87\x02cn"
    for _ in range(levels):
        item = ber.tlv(0xA2, item)
    content = ber.octets(b"") + b"\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00" + item + b"\x30\x00"
    return ber.tlv(0x30, ber.integer(7), ber.tlv(0x63, content))


def wide(terms: int) -> bytes:
    anything = filters.Or(tuple(filters.Present("cn") for _ in range(terms)))
    return encode_message(LDAPMessage(7, SearchRequest("", 0, 0, 0, 0, False, anything)))


def many_attributes(count: int) -> bytes:
    return encode_message(LDAPMessage(7, search_request("", scope=0, attributes=("cn",) * count)))


MALFORMED = {
    "not a sequence": b"\x31\x03\x02\x01\x01",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello": bytes.fromhex("160301020001000001fc0303"),
    "an indefinite length": b"\x30\x80\x02\x01\x01\x42\x00\x00\x00",
    "an empty message": b"\x30\x00",
    "no operation": b"\x30\x03\x02\x01\x01",
    "a negative message id": b"\x30\x05\x02\x01\xff\x42\x00",
    "a message id of nine octets": b"\x30\x0d\x02\x09" + bytes(9) + b"\x42\x00",
    "an unknown operation": b"\x30\x05\x02\x01\x01\x7e\x00",
    "a search without content": b"\x30\x05\x02\x01\x01\x63\x00",
    "an operation longer than its message": b"\x30\x05\x02\x01\x01\x63\x7f",
    "a bind whose name is not UTF-8": b"\x30\x10\x02\x01\x01\x60\x0b\x02\x01\x03\x04\x02\xff\xfe\x80\x02xx",
    "a filter 33 levels deep": deep(33),
    "a filter 5,000 levels deep": deep(5000),
    "a filter of 501 terms": wide(500),
    "1,001 attributes": many_attributes(1001),
    "an announced message of 2 MB": b"\x30\x84\x00\x20\x00\x00",
    "an announced message of 16 EB": b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
    "message id 0": encode_message(LDAPMessage(0, ROOT)),
}


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=list(MALFORMED))
@blocking
def test_a_malformed_message_ends_the_connection_with_a_notice_and_one_line_in_the_log(serving: Serving, octets: bytes) -> None:
    with connected(serving) as client, connected(serving) as other, capture_logs() as lines:
        assert client.search(ROOT)[1].code == 0
        peer = client.socket.getsockname()
        client.socket.sendall(octets)
        notice = client.notice()
        assert notice.code == ResultCode.PROTOCOL_ERROR and notice.diagnostic_message
        assert other.search(ROOT)[1].code == 0
    (line,) = lines
    assert line["log_level"] == "warning"
    assert line["peer"] == f"{peer[0]}:{peer[1]}" and line["reason"] and line["cure"]


@blocking
def test_of_an_addresss_broken_connections_the_first_have_lines_and_the_others_are_counted(serving: Serving) -> None:
    with capture_logs() as lines:
        for _ in range(MAX_LINES + 7):
            with connected(serving) as client:
                client.socket.sendall(MALFORMED["message id 0"])
                assert client.notice().code == ResultCode.PROTOCOL_ERROR
        in_reactor(serving.server.line_sums.close)
    *first, summed = [line["event"] for line in lines]
    assert first == ["client disconnected"] * MAX_LINES
    assert summed == "7 more connections ended from 127.0.0.1 in 10 s"


@pytest.mark.parametrize("octets", [deep(31), wide(499), many_attributes(1000)], ids=["depth", "terms", "attributes"])
@blocking
def test_a_request_just_within_the_limits_is_answered(serving: Serving, octets: bytes) -> None:
    with connected(serving) as client:
        client.socket.sendall(octets)
        while not isinstance((message := client.receive()).operation, SearchResultDone):
            pass
        assert (message.message_id, message.operation.result.code) == (7, 0)


@pytest.mark.parametrize("octets", [64 * 1024, 64 * 1024 + 1])
@blocking
def test_before_a_bind_a_message_may_be_64_kibibytes_long(serving: Serving, octets: int) -> None:
    def padded(length: int) -> bytes:
        return encode_message(LDAPMessage(7, search_request("", scope=0, attributes=("x" * length,))))

    message = padded(octets - len(padded(60_000)) + 60_000)
    assert len(message) == octets
    with connected(serving) as client:
        client.socket.sendall(message)
        if octets <= serving.services.limits.max_unbound_message_bytes:
            assert client.receive().message_id == 7
        else:
            assert client.notice().code == ResultCode.PROTOCOL_ERROR


@blocking
def test_a_bind_that_failed_takes_the_longer_messages_away(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        assert client.bind(Account(serving.portal.dn, "wrong")) == ResultCode.INVALID_CREDENTIALS
        client.socket.sendall(encode_message(LDAPMessage(7, search_request("", scope=0, attributes=("x" * 100_000,)))))
        assert client.notice().code == ResultCode.PROTOCOL_ERROR


@blocking
def test_half_a_request_of_a_stranger_is_in_the_budget_until_it_is_whole(serving: Serving) -> None:
    budget = serving.server.receive_budget
    octets = encode_message(LDAPMessage(7, search_request("", scope=0, attributes=("x" * 30_000,))))
    with connected(serving) as client:
        client.socket.sendall(octets[:20_000])
        eventually(lambda: budget.total == 20_000)
        client.socket.sendall(octets[20_000:])
        assert client.receive().message_id == 7
        assert budget.total == 0
        client.socket.sendall(octets[:20_000])
        eventually(lambda: budget.total == 20_000)
    eventually(lambda: budget.total == 0)


@pytest.mark.parametrize("announced", [1024 * 1024 - 4, 1024 * 1024 + 1])
@blocking
def test_a_message_may_be_a_mebibyte_long_and_not_longer(serving: Serving, announced: int) -> None:
    request = search_request("", scope=0, attributes=("x" * (announced - 45),))
    octets = encode_message(LDAPMessage(7, request))
    fits = len(octets) <= serving.services.limits.max_message_bytes
    assert abs(len(octets) - 1024 * 1024) < 40
    with connected(serving, serving.portal) as client:
        client.socket.sendall(octets)
        if fits:
            assert client.receive().message_id == 7
        else:
            assert client.notice().code == ResultCode.PROTOCOL_ERROR


RESPONSES: list[Operation] = [
    BindResponse(Result(0)),
    SearchResultEntry("cn=x"),
    SearchResultDone(Result(0)),
    SearchResultReference(("ldap://x",)),
    ExtendedResponse(Result(0)),
    IntermediateResponse(),
]


@pytest.mark.parametrize("operation", RESPONSES, ids=lambda one: type(one).__name__)
@blocking
def test_a_response_is_not_a_request(serving: Serving, operation: Operation) -> None:
    with connected(serving) as client:
        client.send(operation)
        assert client.notice().code == ResultCode.PROTOCOL_ERROR


@pytest.mark.parametrize("text", ["(uid=ann)", "(&(uid=ann)(title=*))", "(uid=crowd*)"])
@blocking
def test_a_message_id_that_is_in_use_ends_the_connection(serving: Serving, text: str) -> None:
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        large, again = (
            encode_message(LDAPMessage(9, request)) for request in (search_request(BASE), search_request(BASE, text))
        )
        client.socket.sendall(large + again)
        *_, last = client.rest()
    assert last.message_id == 0
    assert not any(isinstance(message.operation, SearchResultDone) for message in _)


@blocking
def test_a_message_id_may_be_used_again_after_its_answer(serving: Serving) -> None:
    octets = encode_message(LDAPMessage(5, search_request(BASE, "(uid=ann)")))
    with connected(serving, serving.portal) as client:
        client.socket.sendall(octets * 100)
        ids = [client.receive().message_id for _ in range(200)]
    assert ids == [5] * 200


@blocking
def test_message_ids_up_to_the_greatest_are_echoed(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        for number in (1, 127, 128, 255, 32767, 32768, 65536, 2**24, 2**31 - 1):
            for text in ("(uid=ann)", "(&(uid=ann)(title=*))"):
                client.socket.sendall(encode_message(LDAPMessage(number, search_request(BASE, text))))
                assert [client.receive().message_id for _ in range(2)] == [number, number]


@blocking
def test_a_client_that_sends_octet_by_octet_is_answered(serving: Serving) -> None:
    with connected(serving) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in encode_message(LDAPMessage(3, ROOT)):
            client.socket.sendall(bytes((octet,)))
        assert [client.receive().message_id for _ in range(2)] == [3, 3]


@pytest.mark.parametrize("seed", range(4))
@blocking
def test_a_megabyte_of_garbage_ends_one_connection_and_nothing_else(serving: Serving, seed: int) -> None:
    garbage = random.Random(seed).randbytes(1 << 20)
    with connected(serving) as client, connected(serving) as other:
        try:
            client.socket.sendall(garbage)
            client.rest()
        except ConnectionError:
            pass
        assert other.search(ROOT)[1].code == 0
        eventually(lambda: serving.connections == 1)


@blocking
def test_thousands_of_damaged_messages_get_an_answer_or_an_end_and_no_traceback(serving: Serving) -> None:
    chance = random.Random(20261123)
    with capture_logs() as lines:
        for _ in range(300):
            with connected(serving, serving.portal) as client:
                damaged = b"".join(mutate(chance) for _ in range(10))
                try:
                    client.socket.sendall(damaged + encode_message(LDAPMessage(1, UnbindRequest())))
                    client.socket.shutdown(socket.SHUT_WR)
                    client.rest()
                except ConnectionError:
                    continue
        with connected(serving, serving.portal) as client:
            assert client.search(search_request(BASE, "(uid=ann)"))[0][0].object_name == ANN
    assert [line for line in lines if "exc_info" in line] == []


@pytest.mark.parametrize("pipelined", [b"", encode_message(LDAPMessage(1, AbandonRequest(5))) * 3])
@blocking
def test_a_client_that_resets_its_connection_leaves_nothing_behind(serving: Serving, pipelined: bytes) -> None:
    with capture_logs() as lines:
        client = connected(serving, serving.portal, receive_buffer=4096)
        client.send(*[search_request(BASE)] * 20)
        client.receive()
        client.socket.sendall(pipelined)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        eventually(lambda: serving.connections == 0)
        reader = serving.world.follower.reader
        assert reader is not None
        eventually(lambda: reader.snapshots.in_use == 0)
    assert [line for line in lines if line["log_level"] != "info"] == []


@blocking
def test_what_a_connection_had_is_freed_when_it_has_gone_without_pythons_collector(serving: Serving) -> None:
    def there_are() -> int:
        return sum(isinstance(one, LDAPConnection) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = there_are()
        for _ in range(5):
            with connected(serving) as client:
                client.socket.sendall(b"\x30\x84\x00\x0f\x00\x00" + bytes(1_000))
                client.rest()
            with connected(serving, serving.ann) as client:
                client.search(search_request(BASE, "(uid=ann)"))
        eventually(lambda: there_are() <= before, "all are freed")
    finally:
        gc.enable()
