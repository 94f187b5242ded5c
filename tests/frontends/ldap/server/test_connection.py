"""Concurrency on one connection: pipelining, abandon, unbind, and reading no faster than is answered."""

import sqlite3
from threading import Event

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.directory.search.search import Search
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.messages import AbandonRequest, ExtendedRequest, LDAPMessage, SearchResultDone, UnbindRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ANN, BASE, BOB, CROWD
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import bind_request, connected, search_request

EVERYTHING = search_request(BASE)
ANNS, BOBS, TITLES = (search_request(BASE, text) for text in ("(uid=ann)", "(uid=bob)", "(&(uid=ann)(title=engineer))"))


@blocking
def test_pipelined_searches_are_answered_in_full_and_in_order(serving: Serving) -> None:
    requests = [ANNS, BOBS, TITLES, search_request("dc=elsewhere"), search_request("", scope=0)] * 400
    with connected(serving, serving.portal) as client:
        sent = client.send(*requests)
        names: dict[int, list[str]] = {}
        done: list[int] = []
        while len(done) < len(sent):
            message = client.receive()
            if isinstance(message.operation, SearchResultDone):
                done.append(message.message_id)
            else:
                names.setdefault(message.message_id, []).append(message.operation.object_name)  # type: ignore[union-attr]
    assert done == sent
    assert [names.get(number) for number in sent] == [[ANN], [BOB], [ANN], None, [""]] * 400


@blocking
def test_large_searches_on_one_connection_do_not_keep_small_ones_waiting(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        large, small = client.send(EVERYTHING, ANNS)
        done: list[int] = []
        count = 0
        while len(done) < 2:
            message = client.receive()
            if isinstance(message.operation, SearchResultDone):
                done.append(message.message_id)
            count += message.message_id == large
    assert done == [small, large]
    assert count == CROWD + 15 + 1


@blocking
def test_an_abandoned_search_ends_silently_and_gives_its_snapshot_back(serving: Serving) -> None:
    reader = serving.world.follower.reader
    assert reader is not None
    with capture_logs() as lines, connected(serving, serving.portal, receive_buffer=4096) as client:
        (number,) = client.send(EVERYTHING)
        first = client.receive()
        assert first.message_id == number
        client.send(AbandonRequest(number))
        answers = []
        (last,) = client.send(ExtendedRequest(oids.WHO_AM_I))
        while (message := client.receive()).message_id != last:
            answers.append(message)
        assert len(answers) < CROWD
        assert not any(isinstance(answer.operation, SearchResultDone) for answer in answers)
        assert reader.snapshots.in_use == 0
    assert [line for line in lines if line["log_level"] == "error"] == []


@blocking
def test_an_abandoned_search_is_interrupted_in_its_thread_before_its_snapshot_is_given_back(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = serving.world.follower.reader
    assert reader is not None
    interrupted, in_use = Event(), []

    def scan(*_: object) -> None:
        interrupted.wait(20)
        in_use.append(reader.snapshots.in_use)
        raise sqlite3.OperationalError("interrupted")

    monkeypatch.setattr(Search, "next_slice", scan)
    monkeypatch.setattr(Search, "interrupt", lambda _: interrupted.set())
    with capture_logs() as lines, connected(serving, serving.portal) as client:
        (number,) = client.send(search_request(BASE, "(cn=*x*y*)"))
        eventually(lambda: reader.snapshots.in_use == 1)
        client.send(AbandonRequest(number))
        eventually(lambda: reader.snapshots.in_use == 0)
        (last,) = client.send(ExtendedRequest(oids.WHO_AM_I))
        assert client.receive().message_id == last
    assert in_use == [1]
    assert [line for line in lines if line["log_level"] == "error"] == []


@blocking
def test_abandoning_what_is_not_there_changes_nothing(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        client.send(AbandonRequest(0), AbandonRequest(1), AbandonRequest(2**31 - 1), ANNS)
        assert client.receive().message_id == 5


@pytest.mark.parametrize("text", ["(uid=ann)", "(&(uid=ann)(title=engineer))", "(uid=crowd*)"])
@blocking
def test_answers_that_are_ready_leave_before_an_unbind_ends_the_connection(serving: Serving, text: str) -> None:
    with connected(serving, serving.portal) as client:
        sent = client.send(ANNS, TITLES, UnbindRequest(), BOBS)
        rest = client.rest()
    assert [message.message_id for message in rest] == [sent[0]] * 2 + [sent[1]] * 2
    eventually(lambda: serving.connections == 0)


@blocking
def test_a_bind_abandons_what_is_outstanding(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        _, bind = client.send(EVERYTHING, bind_request(serving.ann))
        while (message := client.receive()).message_id != bind:
            assert not isinstance(message.operation, SearchResultDone)
        assert [entry.object_name for entry in client.search(ANNS)[0]] == [ANN]


@blocking
def test_requests_beyond_the_operations_in_flight_wait_unread(serve: Serve) -> None:
    serving = serve(limits={"operations_in_flight": 2})
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        sent = client.send(*[EVERYTHING] * 6)
        (connection,) = serving.server.connections
        eventually(lambda: len(connection._operations) == 2)
        assert len(connection._queue) == 4
        done: list[int] = []
        while len(done) < 6:
            message = client.receive()
            if isinstance(message.operation, SearchResultDone):
                assert message.operation.result.code == ResultCode.SUCCESS
                done.append(message.message_id)
            assert len(connection._operations) <= 2
    assert sorted(done) == sent


@blocking
def test_what_a_client_sends_while_it_must_wait_stays_in_its_own_machine(serving: Serving) -> None:
    serving.upstream.gate = Deferred()
    request = encode_message(LDAPMessage(77, ExtendedRequest(oids.WHO_AM_I)))
    with connected(serving) as client:
        client.send(bind_request(serving.ann))
        eventually(lambda: bool(serving.upstream.asked))
        client.socket.settimeout(0.1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 1 << 30:
                sent += client.socket.send(request * 10_000)
        (connection,) = serving.server.connections
        assert sum(map(len, connection._queue)) < 1 << 18 < sent
        client.socket.settimeout(20)
        in_reactor(serving.upstream.gate.callback, None)
        assert client.receive().message_id == 1
        for _ in range(sent // len(request)):
            assert client.receive().message_id == 77
