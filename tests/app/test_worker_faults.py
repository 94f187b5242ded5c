"""One of two workers, the primary, the view file or the store goes: who is not concerned notices nothing."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from tests.app.crews import EVERYBODY, ONE_PERSON, connect, on_both, refused, worker_of
from tests.app.installation import Installation, Serving, source_of, until
from tests.app.watching import application, readiness, wait_until_all_serve, wait_until_read, workers
from tests.frontends.ldap.bare import Bare
from tests.frontends.ldap.serving import Account
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres
from tests.servers.slapd import Slapd


def search_on(client: Bare, done: Event) -> int:
    """Searches until told; how many were answered, all of them right."""
    number = 0
    while not done.is_set():
        entries, end = client.search(ONE_PERSON)
        assert (len(entries), end.code) == (1, 0)
        number += 1
    return number


def test_a_worker_that_is_killed_under_load_is_replaced_and_the_others_clients_notice_nothing(
    crew: Serving, portal: Account
) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        clients = on_both(crew, portal, stack)
        done = Event()
        stack.callback(done.set)
        lost, kept = (threads.submit(search_on, clients[number], done) for number in (1, 2))
        killed = workers(crew)[1]
        os.kill(killed, signal.SIGKILL)
        assert isinstance(lost.exception(20), EOFError | ConnectionError)
        fresh = stack.enter_context(connect(crew))
        assert fresh.bind(portal) == 0 and len(fresh.search(EVERYBODY)[0]) == 20
        until(lambda: workers(crew)[1] != killed, "it is replaced")
        assert wait_until_all_serve(crew)[1] != killed
        newest = stack.enter_context(connect(crew))
        assert newest.bind(portal) == 0 and worker_of(crew, newest) == 1
        assert len(newest.search(EVERYBODY)[0]) == 20
        done.set()
        assert kept.result(20) > 0
    assert "how='by SIGKILL' worker=1" in crew.log_text()


def test_while_nobody_serves_clients_wait_and_notice_nothing_else(crew: Serving, portal: Account) -> None:
    for pid in workers(crew).values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: readiness(crew)[0] == 503, "no worker serves")
    with connect(crew) as client:
        assert client.bind(portal) == 0
        assert len(client.search(EVERYBODY)[0]) == 20


def test_when_the_primary_is_killed_the_workers_end_at_once(crew: Serving, portal: Account) -> None:
    with ExitStack() as stack:
        clients = on_both(crew, portal, stack)
        crew.process.kill()
        assert all(map(refused, clients.values()))
    for pid in workers(crew).values():
        until(lambda: not alive(pid), "the worker has ended")  # noqa: B023


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_view_file_that_breaks_is_built_again_and_all_workers_follow(
    installed: Installation, crew: Serving, portal: Account, upstream: Slapd
) -> None:
    [path] = (installed.folder / "data" / "views").glob("view-*.sqlite")
    with ExitStack() as stack:
        clients = on_both(crew, portal, stack)
        path.with_name(f"{path.name}-wal").write_bytes(b"")
        path.write_bytes(b"nonsense" * 10_000)
        upstream.modify(f"uid=user000003,ou=dept3,ou=people,{upstream.suffix}", {"title": ["Chief"]})
        until(lambda: crew.log_text().count("building view") == 2, "it is built again")
        for client in clients.values():
            until(lambda: chief(client), "the worker reads the new file")  # noqa: B023
    assert crew.stop() == 0


def chief(client: Bare) -> bool:
    entries, done = client.search(ONE_PERSON)
    assert entries or done.code != 0, "an empty success"
    return [one.values for entry in entries for one in entry.attributes if one.type == "title"] == [(b"Chief",)]


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
        postgres.stop()
        try:
            assert [len(client.search(EVERYBODY)[0]) for client in clients.values()] == [20, 20]
            newcomers = [stack.enter_context(connect(serving)) for _ in range(2)]
            assert [client.bind(account) for client in newcomers] == [52, 52]
            assert [len(client.search(EVERYBODY)[0]) for client in clients.values()] == [20, 20]
        finally:
            postgres.start()
        for client in newcomers:
            until(lambda: client.bind(account) == 0, "binds work again")  # noqa: B023
