"""Limits on what one client may cost (law 13): a test for each limit, which reaches it. Time is a clock that stands still
until told."""

import socket
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.directory.search.shared import snapshot_pool
from gateway.frontends.ldap.core.limits import SLICES_PER_CONNECTION, SWEEP_SECONDS
from gateway.frontends.ldap.server.connection_limits import CountedAdmission
from gateway.frontends.ldap.subscriptions import change_stream
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.controls.content_sync import SyncMode, SyncRequest
from gateway.wire.messages import Control, ExtendedRequest, LDAPMessage, SearchResultDone
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import BASE, CROWD
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request
from tests.servers.pki import Pki

WHO_AM_I = ExtendedRequest(oids.WHO_AM_I)
EVERYTHING = search_request(BASE)


def closed(client: WireClient) -> bool:
    """True if the server has ended the connection without a notice."""
    try:
        return client.socket.recv(1) == b""
    except ConnectionError:
        return True


class Waiting:
    """A server whose clock is moved by hand."""

    def __init__(self, serve: Serve, pki: Pki | None = None) -> None:
        self.clock = Clock()
        self.serving = serve(pki, clock=self.clock)
        self.limits = self.serving.services.limits

    def wait(self, seconds: float) -> None:
        """Time goes by in steps of the sweep's own."""
        while seconds > 0:
            in_reactor(self.clock.advance, min(seconds, SWEEP_SECONDS))
            seconds -= SWEEP_SECONDS


@pytest.fixture
def waiting(serve: Serve, pki: Pki) -> Waiting:
    return Waiting(serve, pki)


def dropped(lines: Sequence[Mapping[str, object]]) -> list[object]:
    found = [line for line in lines if line["event"] == "client dropped"]
    assert all(str(line["peer"]).startswith("127.0.0.1:") for line in found)
    assert all((line["reason"] == "idle") is ("cure" not in line) for line in found)
    return [line["reason"] for line in found]


# Connections ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
@blocking
def test_connections_beyond_the_limit_are_closed_at_once_and_admitted_when_one_has_gone(serve: Serve, limit: str) -> None:
    serving = serve(limits={limit: 3})
    clients = [connected(serving) for _ in range(3)]
    assert all(client.search(search_request("", scope=0))[1].code == 0 for client in clients)
    with capture_logs() as lines, connected(serving) as refused:
        assert closed(refused)
    (line,) = lines
    assert line["limit"] == limit and line["peer"].startswith("127.0.0.1:") and limit in line["cure"]
    assert serving.services.counters.refused_connections == {limit: 1}
    clients.pop().close()
    eventually(lambda: serving.connections == 2)
    with connected(serving) as admitted:
        assert admitted.search(search_request("", scope=0))[1].code == 0
    for client in clients:
        client.close()
    eventually(lambda: serving.connections == 0)
    assert isinstance(serving.server.admission, CountedAdmission) and not serving.server.admission.by_address
    assert serving.services.counters.connections == 0
    assert serving.services.counters.connections_total == 4


# Time -----------------------------------------------------------------------------------------------------------------------


@blocking
def test_a_client_that_says_nothing_is_dropped_after_the_bind_time(waiting: Waiting) -> None:
    with connected(waiting.serving) as client, capture_logs() as lines:
        eventually(lambda: waiting.serving.connections == 1)
        waiting.wait(waiting.limits.bind_seconds)
        assert waiting.serving.connections == 1
        waiting.wait(2 * SWEEP_SECONDS)
        assert closed(client)
    assert dropped(lines) == ["its request is not complete in time"]


@blocking
def test_an_anonymous_client_is_dropped_when_it_is_idle_for_the_bind_time(waiting: Waiting) -> None:
    with connected(waiting.serving) as client, capture_logs() as lines:
        for _ in range(5):
            assert client.search(search_request("", scope=0))[1].code == 0
            waiting.wait(waiting.limits.bind_seconds - SWEEP_SECONDS)
        waiting.wait(3 * SWEEP_SECONDS)
        assert closed(client)
    assert dropped(lines) == ["idle"]


@blocking
def test_a_bound_client_may_be_idle_for_long_and_is_dropped_then(waiting: Waiting) -> None:
    with connected(waiting.serving, waiting.serving.portal) as client:
        waiting.wait(waiting.limits.idle_seconds)
        assert client.search(search_request(BASE, "(uid=ann)"))[1].code == 0
        waiting.wait(waiting.limits.idle_seconds + 2 * SWEEP_SECONDS)
        assert closed(client)


@blocking
def test_a_message_that_is_never_finished_ends_the_connection_however_often_an_octet_comes(waiting: Waiting) -> None:
    octets = encode_message(LDAPMessage(2, search_request(BASE, "(uid=" + "x" * 500 + ")")))
    with connected(waiting.serving, waiting.serving.portal) as client, capture_logs() as lines:
        (connection,) = waiting.serving.server.connections
        for place in range(int(waiting.limits.bind_seconds)):
            client.socket.sendall(octets[place : place + 1])
            eventually(lambda: connection._framer.pending > place)  # noqa: B023
            waiting.wait(1)
        assert waiting.serving.connections == 1
        waiting.wait(2 * SWEEP_SECONDS)
        assert closed(client)
    assert dropped(lines) == ["its request is not complete in time"]


@pytest.mark.parametrize("hello", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
@blocking
def test_half_a_tls_handshake_ends_after_the_bind_time_with_one_line(waiting: Waiting, hello: bytes) -> None:
    with socket.create_connection(("127.0.0.1", waiting.serving.tls_port), timeout=20) as half, capture_logs() as lines:
        half.sendall(hello)
        eventually(lambda: waiting.serving.connections == 1)
        waiting.wait(waiting.limits.bind_seconds + 2 * SWEEP_SECONDS)
        assert closed(WireClient(half))
        eventually(lambda: waiting.serving.connections == 0)
    assert dropped(lines) == ["its request is not complete in time"]


@blocking
def test_starttls_without_a_handshake_ends_after_the_bind_time(waiting: Waiting) -> None:
    with connected(waiting.serving, waiting.serving.portal) as client:
        client.ask(ExtendedRequest(oids.START_TLS))
        waiting.wait(waiting.limits.bind_seconds + 2 * SWEEP_SECONDS)
        assert closed(client)


@blocking
def test_a_slow_bind_is_not_idleness(waiting: Waiting) -> None:
    waiting.serving.upstream.gate = Deferred()
    with connected(waiting.serving) as client:
        client.send(bind_request(waiting.serving.ann), WHO_AM_I)
        eventually(lambda: bool(waiting.serving.upstream.asked))
        waiting.wait(10 * waiting.limits.bind_seconds)
        in_reactor(waiting.serving.upstream.gate.callback, None)
        assert [client.receive().message_id for _ in range(2)] == [1, 2]


@blocking
def test_a_client_that_follows_changes_is_not_idle(waiting: Waiting) -> None:
    with connected(waiting.serving, waiting.serving.portal) as client:
        client.send(search_request(BASE), controls=(Control(oids.CHANGE_NOTIFICATION, True),))
        eventually(lambda: waiting.serving.services.subscriptions.total == 1)
        waiting.wait(3 * waiting.limits.idle_seconds)
        assert waiting.serving.connections == 1


@blocking
def test_a_client_that_takes_nothing_of_its_answers_is_dropped(waiting: Waiting) -> None:
    pumped = search_request(BASE, attributes=("jpegPhoto",))
    with connected(waiting.serving, waiting.serving.portal, receive_buffer=4096) as client, capture_logs() as lines:
        client.send(*[pumped] * 20)
        (connection,) = waiting.serving.server.connections
        eventually(lambda: in_reactor(waiting.clock.advance, 0) or connection.output.is_full)
        waiting.wait(waiting.limits.write_stall_seconds - SWEEP_SECONDS)
        assert waiting.serving.connections == 1
        waiting.wait(3 * SWEEP_SECONDS)
        eventually(lambda: waiting.serving.connections == 0)
        assert waiting.serving.world.follower.reader is not None
        assert waiting.serving.world.follower.reader.snapshots.in_use == 0
    assert dropped(lines) == ["it takes nothing of its answers"]


@blocking
def test_a_disconnected_client_that_does_not_take_its_notice_is_dropped_too(waiting: Waiting) -> None:
    with connected(waiting.serving, waiting.serving.portal, receive_buffer=4096) as client:
        client.send(*[EVERYTHING] * 20)
        (connection,) = waiting.serving.server.connections
        eventually(lambda: in_reactor(waiting.clock.advance, 0) or connection.output.is_full)
        in_reactor(connection.disconnect, ResultCode.UNAVAILABLE, "test")
        waiting.wait(waiting.limits.write_stall_seconds + 2 * SWEEP_SECONDS)
        eventually(lambda: waiting.serving.connections == 0)


@blocking
def test_law_7_the_time_limit_ends_a_search_with_what_was_found(serve: Serve) -> None:
    serving = serve(limits={"time_limit_seconds": 0.05})
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        client.send(EVERYTHING)
        (connection,) = serving.server.connections
        eventually(lambda: connection.output.is_full)
        expiry = [call for call in in_reactor(serving.services.reactor.getDelayedCalls) if "Deadline.expire" in repr(call.func)]
        assert expiry
        eventually(lambda: not any(call.active() for call in expiry))
        count = 0
        while not isinstance((message := client.receive()).operation, SearchResultDone):
            count += 1
        assert message.operation.result.code == ResultCode.TIME_LIMIT_EXCEEDED
        assert 0 < count < CROWD
        assert len(client.search(search_request(BASE, "(uid=ann)"))[0]) == 1


@blocking
def test_the_time_limit_interrupts_a_search_that_looks_at_rows_and_finds_none(serve: Serve) -> None:
    serving = serve(limits={"time_limit_seconds": 0.01})
    terms = "".join(f"(cn=*{one}{two}*q*)" for one in "jqxyzvwkb" for two in string.ascii_lowercase)  # no index has these
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(BASE, f"(|{terms})"))
    assert (entries, done.code) == ([], ResultCode.TIME_LIMIT_EXCEEDED)


@blocking
def test_the_clients_own_time_limit_counts_when_it_is_shorter(waiting: Waiting) -> None:
    with connected(waiting.serving, waiting.serving.portal) as client:
        client.send(search_request(BASE, time_limit=3))
        eventually(lambda: any(call.getTime() == 3 for call in waiting.clock.getDelayedCalls()))
        in_reactor(waiting.clock.advance, 3)
        eventually(
            lambda: in_reactor(waiting.clock.advance, 0) or not any(c.is_busy for c in waiting.serving.server.connections)
        )
        *_, last = _until_done(client)
        assert last.operation.result.code == ResultCode.TIME_LIMIT_EXCEEDED  # type: ignore[union-attr]


@blocking
def test_a_replica_that_takes_too_long_to_read_everything_is_ended(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "REFRESH_SECONDS", 3)
    control = Control(oids.SYNC_REQUEST, True, SyncRequest(SyncMode.REFRESH_ONLY).encode())
    with connected(waiting.serving, waiting.serving.portal) as client:
        client.send(EVERYTHING, controls=(control,))
        eventually(lambda: any(call.getTime() == 3 for call in waiting.clock.getDelayedCalls()))
        in_reactor(waiting.clock.advance, 3)
        eventually(
            lambda: in_reactor(waiting.clock.advance, 0) or not any(c.is_busy for c in waiting.serving.server.connections)
        )
        *_, last = _until_done(client)
        assert last.operation.result.code == ResultCode.TIME_LIMIT_EXCEEDED  # type: ignore[union-attr]


def _until_done(client: WireClient) -> Iterator[LDAPMessage]:
    while True:
        message = client.receive()
        yield message
        if isinstance(message.operation, SearchResultDone):
            return


# Size -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [0, 3, 10, 50])
@pytest.mark.parametrize("text", ["(uid=crowd*)", "(sn=Crowd)"])
@blocking
def test_the_servers_size_limit_counts_when_the_client_has_none_or_a_larger_one(serve: Serve, own: int, text: str) -> None:
    serving = serve(limits={"size_limit": 10})
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(BASE, text, attributes=("1.1",), size_limit=own))
        assert len(client.search(search_request(BASE, "(uid=ann)"))[0]) == 1
    assert (len(entries), done.code) == (own if own == 3 else 10, ResultCode.SIZE_LIMIT_EXCEEDED)


@blocking
def test_too_many_large_searches_are_busy_and_small_ones_go_on(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_SNAPSHOTS", 3)
    with connected(serving, serving.portal, receive_buffer=4096) as stuck, connected(serving, serving.portal) as client:
        stuck.send(*[EVERYTHING] * 3)
        assert serving.world.follower.reader is not None
        eventually(lambda: serving.world.follower.reader.snapshots.in_use == 3)  # type: ignore[union-attr]
        assert client.search(EVERYTHING)[1].code == ResultCode.BUSY
        assert client.search(search_request(BASE, "(uid=ann)"))[1].code == 0
    eventually(lambda: serving.connections == 0)
    with connected(serving, serving.portal) as client:
        assert client.search(search_request(BASE, attributes=("1.1",)))[1].code == 0


@blocking
def test_so_many_slices_of_one_connection_are_in_memory_and_its_other_large_searches_wait(serving: Serving) -> None:
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        client.send(*[EVERYTHING] * (SLICES_PER_CONNECTION + 2))
        (connection,) = serving.server.connections
        eventually(lambda: len(connection.slices.waiting) == 2)
        assert connection.slices.tokens == 0


@blocking
def test_a_client_with_all_the_large_searches_that_it_may_have_leaves_some_for_the_next(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_SNAPSHOTS", 5)  # of which one address may have four
    with connected(serving, serving.portal, receive_buffer=4096) as stuck, connected(serving, serving.portal) as client:
        stuck.send(*[EVERYTHING] * 4)
        view = serving.world.follower.reader
        assert view is not None
        eventually(lambda: view.snapshots.in_use == 4)
        assert client.search(EVERYTHING)[1].code == ResultCode.BUSY
        (other,) = (one for one in serving.server.connections if one.peer.endswith(f":{client.socket.getsockname()[1]}"))
        other._client = replace(other._client, peer="192.0.2.1:4711")
        assert client.search(EVERYTHING)[1].code == 0


@blocking
def test_an_empty_password_does_not_count_as_a_failure(serve: Serve) -> None:
    serving = serve(max_failures=1)
    with connected(serving) as client:
        assert client.bind(Account(serving.ann.dn, "")) == ResultCode.UNWILLING_TO_PERFORM
        assert client.bind(serving.ann) == 0
