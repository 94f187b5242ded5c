"""Two workers in real processes: to clients they are one server, and limits and locks hold over both."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack

import pytest

from gateway.wire.messages import BindResponse
from tests.app.crews import EVERYBODY, connect, on_both, person, refused, settled, worker_of
from tests.app.installation import Serving, until
from tests.app.watching import metrics, wait_until_all_serve, workers
from tests.frontends.ldap.bare import Bare, bind_request
from tests.frontends.ldap.serving import Account
from tests.servers.slapd import Slapd


def test_connections_are_shared_out_and_every_worker_sees_what_changes(crew: Serving, portal: Account, upstream: Slapd) -> None:
    with ExitStack() as stack:
        clients = on_both(crew, portal, stack).values()
        assert [len(client.search(EVERYBODY)[0]) for client in clients] == [20, 20]
        upstream.delete(f"uid=user000004,ou=dept4,ou=people,{upstream.suffix}")
        for client in clients:
            until(lambda: len(client.search(EVERYBODY)[0]) == 19, "the deletion is readable")  # noqa: B023
        until(lambda: 'gateway_ldap_operations_total{operation="bind",result="success"} 2.0' in metrics(crew), "the sum")
    settled(crew, 0)
    assert "gateway_ldap_connections_total 2.0" in metrics(crew)
    assert crew.stop() == 0
    assert "Traceback" not in crew.log_text()


def test_connections_per_address_hold_over_all_workers_and_are_given_back_when_one_is_killed(
    crew: Serving, portal: Account
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(crew)) for _ in range(8)]
        assert [client.bind(portal) for client in clients] == [0] * 8
        assert sorted(worker_of(crew, client) for client in clients) == [1] * 4 + [2] * 4
        assert refused(stack.enter_context(connect(crew)))
        os.kill(workers(crew)[1], signal.SIGKILL)
        settled(crew, 4)
        clients += [stack.enter_context(connect(crew)) for _ in range(4)]
        assert [client.bind(portal) for client in clients[8:]] == [0] * 4
        assert refused(stack.enter_context(connect(crew)))
    settled(crew, 0)
    assert 'gateway_ldap_connections_refused_total{reason="connections_per_address"} 2.0' in metrics(crew)


def test_failures_at_one_worker_lock_the_name_at_the_other(crew: Serving, upstream: Slapd) -> None:
    with ExitStack() as stack:
        one, other = on_both(crew, person(3), stack).values()
        assert [client.bind(person(3, "wrong")) for client in (one, other, one)] == [49] * 3
        asked = upstream.log_text().count('BIND dn="uid=user000003')
        assert [client.bind(person(3)) for client in (one, other)] == [49, 49]
        assert upstream.log_text().count('BIND dn="uid=user000003') == asked
        assert other.bind(person(5)) == 0
    until(lambda: "result=locked_now" in crew.log_text(), "the lock is told of")


def test_guesses_at_the_same_time_at_all_workers_do_not_outrun_the_lock(crew: Serving, upstream: Slapd) -> None:
    upstream.suspend()
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(crew)) for _ in range(8)]
        for client in clients:
            client.send(bind_request(person(3, "wrong")))
        upstream.resume()
        answers = [client.receive().operation for client in clients]
    assert [answer.result.code for answer in answers if isinstance(answer, BindResponse)] == [49] * 8
    assert upstream.log_text().count('BIND dn="uid=user000003') <= 2 * 3  # slapd logs a bind that fails once or twice


def test_binds_that_a_killed_worker_was_asking_are_given_back(crew: Serving, upstream: Slapd) -> None:
    with ExitStack() as stack:
        clients = on_both(crew, person(5), stack)
        upstream.suspend()
        for _ in range(3):  # as many as may be asked at the same time
            asking = stack.enter_context(connect(crew))
            asking.send(bind_request(person(3)))
        for pid in wait_until_all_serve(crew).values():
            os.kill(pid, signal.SIGKILL)
        upstream.resume()
        assert all(map(refused, clients.values()))
        fresh = stack.enter_context(connect(crew))
        assert fresh.bind(person(3)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_ends_it_in_order(crew: Serving, portal: Account, number: signal.Signals) -> None:
    with ExitStack() as stack:
        clients = on_both(crew, portal, stack)
        os.killpg(crew.process.pid, number)
        notices = [client.notice() for client in clients.values()]
        assert [notice.code for notice in notices] == [52, 52]
    assert crew.process.wait(20) == 0
    assert "Traceback" not in crew.log_text() and "a worker has ended" not in crew.log_text()


def test_a_client_that_does_not_take_the_notice_keeps_the_end_waiting_for_seconds_only(crew: Serving, portal: Account) -> None:
    host, port = crew.addresses["ldap"].split(":")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect((host, int(port)))
    with Bare(stuck) as client:
        assert client.bind(portal) == 0
        client.send(*[EVERYBODY] * 2000)
        assert crew.stop() == 0
    assert "client dropped" in crew.log_text()
