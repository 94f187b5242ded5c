"""The upstream stops, hangs, is slow or restarts while clients search and bind: searches go on, binds are `unavailable` in the
configured time, and everything works again by itself. In the one process and with workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic

import pytest

from gateway.wire.result_codes import ResultCode
from tests.app.installation import Serving, source_of, until
from tests.app.observations import PEOPLE, wait_until_all_serve, wait_until_read
from tests.frontends.ldap.serving import Account
from tests.frontends.ldap.wire_client import WireClient, search_request
from tests.scenarios.office import Office
from tests.servers import slapd as openldap
from tests.servers.people import people, person_password
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd
from tests.servers.slow import SlowProxy

BIND_SECONDS = 1.0
IN_TIME_SECONDS = 2 * BIND_SECONDS + 1.5
"""The wait for a connection and the wait for the answer are each that long at most; and this machine has other things to do."""

FOUND, ACCEPTED, UNAVAILABLE = 0, 0, ResultCode.UNAVAILABLE


@dataclass
class Upstream:
    """A slapd, and the proxy through which the gateway reaches it."""

    slapd: Slapd
    proxy: SlowProxy
    serving: Serving
    portal: Account


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "workers"])
def upstream(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Upstream]:
    folder = tmp_path_factory.mktemp("faults")
    slapd = openldap.start(folder / "slapd", pki, ldif=people(20, 2, 5))
    proxy = SlowProxy(slapd.port)
    office = Office(folder)
    source = source_of(slapd, pki, "hr", f"bind_timeout_seconds = {BIND_SECONDS}").replace(slapd.url, proxy.url)
    office.configure(source, ldap=f'listen = "127.0.0.1:0"\nworkers = {request.param}')
    added = office.application()
    try:
        with office.serve() as serving:
            wait_until_read(serving)
            if request.param > 1:
                wait_until_all_serve(serving)
            yield Upstream(slapd, proxy, serving, Account(added["bind_dns"][0], added["secret"]))
            assert "Traceback" not in serving.log_text()
    finally:
        proxy.close()
        slapd.end()


@dataclass
class Load:
    """Two clients that search and two that bind as people, again and again, each answer with its code and its time."""

    upstream: Upstream
    searches: list[int] = field(default_factory=list)
    binds: list[tuple[int, float]] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def search(self) -> None:
        with connect(self.upstream) as client:
            assert client.bind(self.upstream.portal) == ACCEPTED
            while not self.over.is_set():
                entries, done = client.search(search_request(PEOPLE, "(uid=user000003)"))
                assert len(entries) == 1
                self.searches.append(done.code)

    def bind(self, number: int) -> None:
        with connect(self.upstream) as client:
            while not self.over.is_set():
                began = monotonic()
                code = client.bind(person(number))
                self.binds.append((code, monotonic() - began))
                if code != ACCEPTED:
                    self.over.wait(0.02)  # an answer that costs nothing would fill the log

    def guarded(self, work: str, *arguments: int) -> None:
        try:
            getattr(self, work)(*arguments)
        except BaseException as error:
            self.broken.append(error)

    def goes_on(self) -> None:
        """Both kinds of clients have been answered some more times."""
        searches, binds = len(self.searches), len(self.binds)
        until(lambda: self.broken or (len(self.searches) > searches + 20 and len(self.binds) > binds + 4), "answers")

    def until_bound(self, code: int) -> None:
        """The next binds have this result."""
        until(lambda: self.broken or {one for one, _ in self.binds[-4:]} == {code}, f"binds are answered with {code}")


@contextmanager
def load_on(upstream: Upstream) -> Iterator[Load]:
    """While it runs no search may fail, and no bind be answered late, or with anything but yes and `unavailable`."""
    load = Load(upstream)
    works = [("search",), ("search",), ("bind", 3), ("bind", 5)]
    threads = [Thread(target=load.guarded, args=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        load.until_bound(ACCEPTED)
        yield load
    finally:
        load.over.set()
        for thread in threads:
            thread.join(20)
    assert load.broken == []
    assert set(load.searches) == {FOUND}
    assert {code for code, _ in load.binds} <= {ACCEPTED, UNAVAILABLE}
    assert max(seconds for _, seconds in load.binds) < IN_TIME_SECONDS


def connect(upstream: Upstream) -> WireClient:
    host, port = upstream.serving.addresses["ldap"].split(":")
    return WireClient(socket.create_connection((host, int(port)), timeout=20))


def person(number: int) -> Account:
    return Account(f"uid=user{number:06d},{PEOPLE}", person_password(number))


def test_while_it_is_stopped_binds_are_unavailable_and_work_again_when_it_is_back(upstream: Upstream) -> None:
    with load_on(upstream) as load:
        upstream.slapd.stop()
        load.until_bound(UNAVAILABLE)
        load.goes_on()
        upstream.slapd.start()
        load.until_bound(ACCEPTED)


def test_while_it_hangs_binds_are_unavailable_in_time_and_work_again_when_it_goes_on(upstream: Upstream) -> None:
    with load_on(upstream) as load:
        upstream.slapd.suspend()
        load.until_bound(UNAVAILABLE)
        load.goes_on()
        upstream.slapd.resume()
        load.until_bound(ACCEPTED)


def test_while_it_is_slower_than_the_configured_time_binds_are_unavailable_and_merely_slow_before(upstream: Upstream) -> None:
    with load_on(upstream) as load:
        upstream.proxy.delay_seconds = BIND_SECONDS / 4
        load.goes_on()
        load.until_bound(ACCEPTED)
        assert load.binds[-1][1] > BIND_SECONDS / 4
        upstream.proxy.delay_seconds = BIND_SECONDS * 2
        load.until_bound(UNAVAILABLE)
        upstream.proxy.delay_seconds = 0.0
        load.until_bound(ACCEPTED)


def test_a_restart_costs_at_most_the_binds_that_were_asked_meanwhile(upstream: Upstream) -> None:
    with load_on(upstream) as load:
        for _ in range(2):
            upstream.slapd.restart()
            load.until_bound(ACCEPTED)
            load.goes_on()
