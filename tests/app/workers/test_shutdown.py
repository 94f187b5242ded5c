"""The end of a gateway that has workers, in order and otherwise; and the end of its store, which they outlive."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack

import pytest

from tests.app.installation import Installation, source_of, until
from tests.app.observations import application, wait_until_all_serve, wait_until_read, workers
from tests.app.two_workers import ALL_PEOPLE, TwoWorkers, connect, on_both, refused
from tests.frontends.ldap.serving import Account
from tests.frontends.ldap.wire_client import WireClient
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres
from tests.servers.slapd import Slapd


def connected(two_workers: TwoWorkers, *, receive_buffer: int) -> WireClient:
    host, port = two_workers.serving.addresses["ldap"].split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect((host, int(port)))
    return WireClient(connection)


def test_a_signal_to_the_whole_group_ends_it_in_order_and_no_client_can_hold_it_up(own_two_workers: TwoWorkers) -> None:
    with ExitStack() as stack:
        clients = on_both(own_two_workers.serving, own_two_workers.portal, stack)
        stuck = stack.enter_context(connected(own_two_workers, receive_buffer=4096))
        assert stuck.bind(own_two_workers.portal) == 0
        stuck.send(*[ALL_PEOPLE] * 2000)  # and takes none of the answers
        stuck.socket.recv(1, socket.MSG_PEEK)  # which have begun to come
        os.killpg(own_two_workers.serving.process.pid, signal.SIGTERM)
        assert [client.notice().code for client in clients.values()] == [52, 52]
        assert own_two_workers.serving.process.wait(20) == 0
    log = own_two_workers.serving.log_text()
    assert "client dropped" in log
    assert "Traceback" not in log and "a worker has ended" not in log


def test_when_the_primary_is_killed_the_workers_end_at_once_and_another_can_begin(own_two_workers: TwoWorkers) -> None:
    with ExitStack() as stack:
        clients = on_both(own_two_workers.serving, own_two_workers.portal, stack)
        own_two_workers.serving.process.kill()
        assert all(map(refused, clients.values()))
    for pid in workers(own_two_workers.serving).values():
        until(lambda: not alive(pid), "the worker has ended")  # noqa: B023
    with own_two_workers.installation.serve() as serving, connect(serving) as client:
        assert client.bind(own_two_workers.portal) == 0
        until(lambda: len(client.search(ALL_PEOPLE)[0]) == 20, "it serves")
        assert serving.stop() == 0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_store_that_goes_and_comes_back_makes_binds_unavailable_meanwhile_and_searches_go_on(
    gateway: Installation,
    upstream: Slapd,
    pki: Pki,
    postgres: Postgres,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_LDAP__WORKERS", "2")
    gateway.configure(source_of(upstream, pki), store=f'url = "{postgres_database}"')
    assert gateway("migrate").code == 0
    added = application(gateway)
    account = Account(added["bind_dns"][0], added["secret"])
    with gateway.serve() as serving, ExitStack() as stack:
        wait_until_read(serving)
        wait_until_all_serve(serving)
        clients = on_both(serving, account, stack)
        newcomers = [stack.enter_context(connect(serving)) for _ in range(2)]
        postgres.stop()
        try:
            assert [client.bind(account) for client in newcomers] == [52, 52]
            assert [len(client.search(ALL_PEOPLE)[0]) for client in clients.values()] == [20, 20]
        finally:
            postgres.start()
        for client in newcomers:
            until(lambda: client.bind(account) == 0, "binds work again")  # noqa: B023
