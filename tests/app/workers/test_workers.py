"""Two workers in real processes: to clients they are one server, limits and locks hold over both, and one that ends is replaced
without the other's clients noticing."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from gateway.wire.messages import (
    REPLACE,
    AddRequest,
    AddResponse,
    BindResponse,
    DelRequest,
    DelResponse,
    Modification,
    ModifyDNRequest,
    ModifyDNResponse,
    ModifyRequest,
    ModifyResponse,
    PartialAttribute,
)
from gateway.wire.result_codes import ResultCode
from tests.app.installation import Serving, until
from tests.app.observations import PEOPLE, metrics, wait_until_all_serve, workers
from tests.app.two_workers import (
    ALL_PEOPLE,
    ONE_PERSON,
    PROXY,
    TwoWorkers,
    connect,
    on_both,
    person,
    refused,
    settled,
    worker_of,
)
from tests.frontends.ldap.serving import Account
from tests.frontends.ldap.wire_client import WireClient, bind_request, search_request


@pytest.fixture(autouse=True)
def left_without_clients(two_workers: TwoWorkers) -> Iterator[None]:
    yield
    settled(two_workers.serving)
    wait_until_all_serve(two_workers.serving)


def test_connections_are_shared_out_and_every_worker_sees_what_changes(two_workers: TwoWorkers) -> None:
    with ExitStack() as stack:
        clients = on_both(two_workers.serving, two_workers.portal, stack).values()
        assert [len(client.search(ALL_PEOPLE)[0]) for client in clients] == [20, 20]
        two_workers.upstream.delete(f"uid=user000004,ou=dept4,ou=people,{two_workers.upstream.suffix}")
        for client in clients:
            until(lambda: len(client.search(ALL_PEOPLE)[0]) == 19, "the deletion is readable")  # noqa: B023
        line = 'gateway_ldap_operations_total{operation="bind",result="success"} 2.0'
        until(lambda: line in metrics(two_workers.serving), "the sum over the workers")
        assert "gateway_ldap_connections_total 2.0" in metrics(two_workers.serving)


def test_connections_per_address_hold_over_all_workers_and_are_given_back_when_one_is_killed(two_workers: TwoWorkers) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(two_workers.serving)) for _ in range(8)]
        assert [client.bind(two_workers.portal) for client in clients] == [0] * 8
        assert sorted(worker_of(two_workers.serving, client) for client in clients) == [1] * 4 + [2] * 4
        assert refused(stack.enter_context(connect(two_workers.serving)))
        os.kill(workers(two_workers.serving)[2], signal.SIGKILL)
        settled(two_workers.serving, 4)
        clients += [stack.enter_context(connect(two_workers.serving)) for _ in range(4)]
        assert [client.bind(two_workers.portal) for client in clients[8:]] == [0] * 4
        assert refused(stack.enter_context(connect(two_workers.serving)))
    assert 'gateway_ldap_connections_refused_total{reason="connections_per_address"} 2.0' in metrics(two_workers.serving)


def test_a_proxys_client_is_known_to_all_workers_by_its_own_address(two_workers: TwoWorkers) -> None:
    host, port = two_workers.serving.addresses["ldap"].split(":")

    def behind_proxy(number: int) -> WireClient:
        connection = socket.create_connection((host, int(port)), timeout=20, source_address=(PROXY, 0))
        connection.sendall(f"PROXY TCP4 192.0.2.7 127.0.0.1 {number} 389\r\n".encode())
        return WireClient(connection)

    with ExitStack() as stack:
        clients = [stack.enter_context(behind_proxy(number)) for number in range(1, 9)]
        assert [client.bind(two_workers.portal) for client in clients] == [0] * 8
        assert refused(stack.enter_context(behind_proxy(9))), "beyond [limits] connections_per_address"
        assert stack.enter_context(connect(two_workers.serving)).bind(two_workers.portal) == 0
    until(lambda: "peer=192.0.2.7:8" in two_workers.serving.log_text(), "the audit line")


def test_failures_at_one_worker_lock_the_name_at_the_other(two_workers: TwoWorkers) -> None:
    before = answers_upstream(two_workers.serving)
    with ExitStack() as stack:
        one, other = on_both(two_workers.serving, person(3), stack).values()
        assert [client.bind(person(3, "wrong")) for client in (one, other, one)] == [49] * 3
        asked = two_workers.upstream.log_text().count('BIND dn="uid=user000003')
        assert [client.bind(person(3)) for client in (one, other)] == [49, 49]
        assert two_workers.upstream.log_text().count('BIND dn="uid=user000003') == asked
        assert other.bind(person(5)) == 0
    now = {"accepted": before["accepted"] + 3, "refused": before["refused"] + 3}
    until(lambda: answers_upstream(two_workers.serving) == now, "the sum over the workers")
    until(lambda: "result=locked_now" in two_workers.serving.log_text(), "the lock is told of")


def answers_upstream(serving: Serving) -> Counter[str]:
    """Return how often the source has answered binds, by outcome."""
    found = re.findall(r'gateway_upstream_seconds_count{outcome="(\w+)",source="hr"} (\d+)', metrics(serving))
    return Counter({outcome: int(number) for outcome, number in found})


def test_guesses_at_the_same_time_at_all_workers_do_not_outrun_the_lock(two_workers: TwoWorkers) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(two_workers.serving)) for _ in range(8)]
        two_workers.upstream.suspend()
        for client in clients:
            client.send(bind_request(person(6, "wrong")))
        two_workers.upstream.resume()
        answers = [client.receive().operation for client in clients]
    assert [answer.result.code for answer in answers if isinstance(answer, BindResponse)] == [49] * 8
    assert two_workers.upstream.log_text().count('BIND dn="uid=user000006') == 3


def test_binds_that_killed_workers_were_asking_are_given_back_and_clients_wait_while_nobody_serves(
    two_workers: TwoWorkers,
) -> None:
    with ExitStack() as stack:
        clients = on_both(two_workers.serving, two_workers.portal, stack)
        two_workers.upstream.suspend()
        for _ in range(3):  # as many as may be asked about one name at the same time
            asking = stack.enter_context(connect(two_workers.serving))
            asking.send(bind_request(person(7)))
        for pid in workers(two_workers.serving).values():
            os.kill(pid, signal.SIGKILL)
        two_workers.upstream.resume()
        assert all(map(refused, clients.values()))
        fresh = stack.enter_context(connect(two_workers.serving))
        assert fresh.bind(person(7)) == 0


def test_an_application_that_is_removed_loses_its_connections_to_all_workers(two_workers: TwoWorkers) -> None:
    added = two_workers.installation("application", "add", "guest", "--json").json
    with ExitStack() as stack:
        clients = on_both(two_workers.serving, Account(added["bind_dns"][0], added["secret"]), stack)
        staying = on_both(two_workers.serving, two_workers.portal, stack)
        assert two_workers.installation("application", "remove", "guest", "--yes").code == 0
        assert [client.notice().code for client in clients.values()] == [ResultCode.STRONGER_AUTH_REQUIRED] * 2
        assert all(client.search(ONE_PERSON)[1].code == 0 for client in staying.values())


def test_what_is_written_through_one_worker_is_read_through_both(two_workers: TwoWorkers) -> None:
    added = two_workers.installation("application", "add", "writer", "--grant", "write", "--grant", "passwords", "--json").json
    values = {"objectClass": b"inetOrgPerson", "uid": b"newcomer", "cn": b"New Comer", "sn": b"Comer"}
    entry = AddRequest(f"uid=newcomer,{PEOPLE}", tuple(PartialAttribute(name, (value,)) for name, value in values.items()))
    password = PartialAttribute("userPassword", (b"correct horse",))
    renamed = Account(f"uid=comer,{PEOPLE}", "correct horse")
    sought = search_request(PEOPLE, "(sn=Comer)")
    with ExitStack() as stack:
        one, other = on_both(two_workers.serving, Account(added["bind_dns"][0], added["secret"]), stack).values()
        assert done(one.ask(entry))
        assert len(one.search(sought)[0]) == 1
        until(lambda: len(other.search(sought)[0]) == 1, "the other worker has it")
        assert done(other.ask(ModifyRequest(entry.object_name, (Modification(REPLACE, password),))))
        assert done(one.ask(ModifyDNRequest(entry.object_name, "uid=comer", True, None)))
        until(lambda: other.search(sought)[0][0].object_name == renamed.dn, "the other worker has the name")
        assert all(stack.enter_context(connect(two_workers.serving)).bind(renamed) == 0 for _ in range(2))
        assert done(one.ask(DelRequest(renamed.dn)))
        until(lambda: not other.search(sought)[0], "it is gone at the other worker")


def done(answer: object) -> bool:
    assert isinstance(answer, AddResponse | ModifyResponse | ModifyDNResponse | DelResponse)
    return answer.result.code == 0


def search_on(client: WireClient, done: Event) -> int:
    """Searches until told; how many were answered, all of them right."""
    number = 0
    while not done.is_set():
        entries, end = client.search(ONE_PERSON)
        assert (len(entries), end.code) == (1, 0)
        number += 1
    return number


def test_a_worker_that_is_killed_under_load_is_replaced_and_the_others_clients_notice_nothing(two_workers: TwoWorkers) -> None:
    with ThreadPoolExecutor() as threads, ExitStack() as stack:
        clients = on_both(two_workers.serving, two_workers.portal, stack)
        all_entries = len(clients[2].search(ALL_PEOPLE)[0])
        done = Event()
        stack.callback(done.set)
        lost, kept = (threads.submit(search_on, clients[number], done) for number in (1, 2))
        killed = workers(two_workers.serving)[1]
        os.kill(killed, signal.SIGKILL)
        assert isinstance(lost.exception(20), EOFError | ConnectionError)
        fresh = stack.enter_context(connect(two_workers.serving))
        assert fresh.bind(two_workers.portal) == 0 and len(fresh.search(ALL_PEOPLE)[0]) == all_entries
        until(lambda: workers(two_workers.serving)[1] != killed, "it is replaced")
        newest = stack.enter_context(connect(two_workers.serving))
        assert newest.bind(two_workers.portal) == 0 and worker_of(two_workers.serving, newest) == 1
        assert len(newest.search(ALL_PEOPLE)[0]) == all_entries
        done.set()
        assert kept.result(20) > 0
    assert "how='by SIGKILL' worker=1" in two_workers.serving.log_text()
    assert "gateway_ldap_workers 2.0" in metrics(two_workers.serving)
    assert re.search(r"gateway_ldap_worker_restarts_total [1-9]", metrics(two_workers.serving))


def test_a_view_file_that_breaks_is_built_again_and_all_workers_follow(two_workers: TwoWorkers) -> None:
    [path] = (two_workers.installation.folder / "data" / "views").glob("view-*.sqlite")
    with ExitStack() as stack:
        clients = on_both(two_workers.serving, two_workers.portal, stack)
        built = two_workers.serving.log_text().count("building view")
        path.with_name(f"{path.name}-wal").write_bytes(b"")
        path.write_bytes(b"nonsense" * 10_000)
        two_workers.upstream.modify(f"uid=user000003,ou=dept3,ou=people,{two_workers.upstream.suffix}", {"title": ["Chief"]})
        until(lambda: two_workers.serving.log_text().count("building view") > built, "it is built again")
        for client in clients.values():
            until(lambda: shows_the_chief(client), "the worker reads the new file")  # noqa: B023


def shows_the_chief(client: WireClient) -> bool:
    entries, done = client.search(ONE_PERSON)
    assert entries or done.code != 0, "an empty success"
    return [one.values for entry in entries for one in entry.attributes if one.type == "title"] == [(b"Chief",)]
