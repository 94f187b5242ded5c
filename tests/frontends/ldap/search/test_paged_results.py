"""Paged results (RFC 2696): pages of every size, snapshots, cookies that are wrong, and what is given back at the end."""

import ldap
import ldap3
import pytest
from ldap.controls.libldap import SimplePagedResultsControl
from twisted.internet.task import Clock

from gateway.frontends.ldap.core.limits import PAGED_SEARCH_SECONDS, PAGED_SEARCHES_PER_CONNECTION, SWEEP_SECONDS
from gateway.wire import oids
from gateway.wire.controls.search import PagedResults
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap import company
from tests.frontends.ldap.client_programs import libldap, pure
from tests.frontends.ldap.company import BASE, CROWD
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, World, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import Done, WireClient, connected, search_request

CROWDED = search_request(BASE, "(uid=crowd*)", attributes=("1.1",))
FEW = search_request(BASE, "(|(uid=ann)(uid=bob)(uid=dave))", attributes=("1.1",))


def paged(size: int, cookie: bytes = b"", *, critical: bool = True) -> Control:
    return Control(oids.PAGED_RESULTS, critical, PagedResults(size, cookie).encode())


def page(client: WireClient, request: SearchRequest, size: int, cookie: bytes = b"") -> tuple[list[str], bytes, Done]:
    """The names of one page, the cookie for the next one, and how it ended."""
    entries, done = client.search(request, paged(size, cookie))
    cookies = [PagedResults.decode(control.value).cookie for control in done.controls]
    return [entry.object_name for entry in entries], cookies[0] if cookies else b"", done


def snapshots(world: World) -> int:
    assert world.follower.reader is not None
    return world.follower.reader.snapshots.in_use


@pytest.mark.parametrize("size", [1, 7, 255, 256, 257, 1000, CROWD - 1, CROWD, CROWD + 1, 2**31 - 1])
@blocking
def test_pages_of_any_size_bring_every_entry_once(serving: Serving, size: int) -> None:
    request = FEW if size == 1 else CROWDED
    count = 3 if size == 1 else CROWD
    names: list[str] = []
    sizes: list[int] = []
    cookie = b""
    with connected(serving, serving.portal) as client:
        while cookie or not sizes:
            found, cookie, done = page(client, request, size, cookie)
            assert done.code == 0
            names += found
            sizes.append(len(found))
    assert len(names) == len(set(names)) == count
    assert sizes == [size] * (count // size) + [count % size] * (count % size > 0)
    eventually(lambda: snapshots(serving.world) == 0)


@blocking
def test_the_clients_own_paging_reads_everything_critical_or_not(serving: Serving) -> None:
    with pure(serving, serving.portal) as connection:
        for critical in (True, False):
            found = connection.extend.standard.paged_search(
                BASE, "(uid=*)", ldap3.SUBTREE, attributes=["1.1"], paged_size=300, paged_criticality=critical, generator=False
            )
            assert len(found) == CROWD + 4
        root = connection.extend.standard.paged_search("", "(objectClass=*)", ldap3.BASE, paged_size=10, generator=False)
        assert len(root) == 1
    with libldap(serving, serving.portal) as client:
        control, count = SimplePagedResultsControl(True, size=500, cookie=b""), 0
        while control.cookie or not count:
            sent = client.search_ext(BASE, ldap.SCOPE_SUBTREE, "(uid=*)", ["1.1"], serverctrls=[control])
            _, entries, _, controls = client.result3(sent)
            count += len(entries)
            control.cookie = controls[0].cookie
    assert count == CROWD + 4


@blocking
def test_a_paged_search_sees_one_state_of_the_view_while_it_changes(serving: Serving) -> None:
    request = search_request(BASE, "(uid=*)", attributes=("1.1",))
    with connected(serving, serving.portal) as client:
        names, cookie, _ = page(client, request, 100)
        company.hire(serving.world.database, "latecomer")
        try:
            serving.world.follow()
            assert len(client.search(search_request(BASE, "(uid=latecomer)"))[0]) == 1
            while cookie:
                more, cookie, _ = page(client, request, 500, cookie)
                names += more
        finally:
            company.dismiss(serving.world.database, "latecomer")
            serving.world.follow()
        assert len(names) == len(set(names)) == CROWD + 4
        assert client.search(search_request(BASE, "(uid=latecomer)"))[0] == []


@blocking
def test_a_cookie_is_good_once_and_only_on_its_own_connection(serving: Serving) -> None:
    with connected(serving, serving.portal) as client, connected(serving, serving.portal) as other:
        _, cookie, _ = page(client, CROWDED, 10)
        assert page(other, CROWDED, 10, cookie)[2].code == ResultCode.UNWILLING_TO_PERFORM
        assert page(client, CROWDED, 10, cookie)[2].code == 0
        assert page(client, CROWDED, 10, cookie)[2].code == ResultCode.UNWILLING_TO_PERFORM
        assert page(client, CROWDED, 10, b"made up")[2].code == ResultCode.UNWILLING_TO_PERFORM


@pytest.mark.parametrize(
    "other",
    [
        search_request(BASE, "(uid=*)", attributes=("1.1",)),
        search_request(BASE, "(uid=crowd*)", attributes=("uid",)),
        search_request(BASE, "(uid=crowd*)", 1, attributes=("1.1",)),
        search_request(company.PEOPLE, "(uid=crowd*)", attributes=("1.1",)),
        search_request(BASE, "(uid=crowd*)", attributes=("1.1",), types_only=1),
    ],
)
@blocking
def test_a_cookie_with_another_search_is_refused_and_ends_the_paged_search(serving: Serving, other: SearchRequest) -> None:
    with connected(serving, serving.portal) as client:
        _, cookie, _ = page(client, CROWDED, 10)
        assert page(client, other, 10, cookie)[2].code == ResultCode.UNWILLING_TO_PERFORM
        assert page(client, CROWDED, 10, cookie)[2].code == ResultCode.UNWILLING_TO_PERFORM
        assert snapshots(serving.world) == 0


@blocking
def test_the_page_size_may_change_from_page_to_page(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        cookie, sizes = b"", []
        for size in (1, 300, 2, 5000):
            names, cookie, _ = page(client, CROWDED, size, cookie)
            sizes.append(len(names))
    assert (sizes, cookie) == ([1, 300, 2, CROWD - 303], b"")


@blocking
def test_page_size_zero_ends_a_paged_search(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        _, cookie, _ = page(client, CROWDED, 10)
        assert snapshots(serving.world) == 1
        names, ended, done = page(client, CROWDED, 0, cookie)
        assert (names, ended, done.code) == ([], b"", 0)
        assert snapshots(serving.world) == 0
        assert page(client, CROWDED, 0)[:2] == ([], b"")


@blocking
def test_several_paged_searches_run_on_one_connection_and_the_oldest_makes_room(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        cookies = [page(client, CROWDED, 10)[1] for _ in range(PAGED_SEARCHES_PER_CONNECTION + 1)]
        assert snapshots(serving.world) == PAGED_SEARCHES_PER_CONNECTION
        codes = [page(client, CROWDED, 10, cookie)[2].code for cookie in cookies]
    assert codes == [ResultCode.UNWILLING_TO_PERFORM] + [0] * PAGED_SEARCHES_PER_CONNECTION


@pytest.mark.parametrize("ending", ["close", "rebind"])
@blocking
def test_the_end_of_the_connection_or_a_bind_gives_the_snapshots_back(serving: Serving, ending: str) -> None:
    with connected(serving, serving.portal) as client:
        _, cookie, _ = page(client, CROWDED, 10)
        assert snapshots(serving.world) == 1
        if ending == "rebind":
            client.bind(serving.portal)
            assert page(client, CROWDED, 10, cookie)[2].code == ResultCode.UNWILLING_TO_PERFORM
    eventually(lambda: snapshots(serving.world) == 0)


@blocking
def test_a_paged_search_that_is_left_alone_ends(serve: Serve) -> None:
    clock = ReactorClock()
    serving = serve(clock=clock)
    with connected(serving, serving.portal) as client:
        client.send(FEW, controls=(paged(1),))
        eventually(lambda: in_reactor(clock.tick) or snapshots(serving.world) == 1)
        eventually(lambda: in_reactor(clock.tick) or not in_reactor(lambda: any(c.is_busy for c in serving.server.connections)))
        in_reactor(clock.advance, PAGED_SEARCH_SECONDS - 1)
        in_reactor(clock.advance, SWEEP_SECONDS)
        assert snapshots(serving.world) == 0


class ReactorClock(Clock):
    """A clock that stands still until it is told, but for calls that are due at once."""

    def tick(self) -> None:
        self.advance(0)


@pytest.mark.parametrize("limit", [1, 10, 15, 30])
@blocking
def test_the_size_limit_holds_over_all_pages(serving: Serving, limit: int) -> None:
    request = search_request(BASE, "(uid=crowd*)", attributes=("1.1",), size_limit=limit)
    names: list[str] = []
    cookie, code = b"", 0
    with connected(serving, serving.portal) as client:
        while code == 0:
            found, cookie, done = page(client, request, 10, cookie)
            names += found
            code = done.code
            assert bool(cookie) is (code == 0)
    assert (len(names), code) == (limit, ResultCode.SIZE_LIMIT_EXCEEDED)


@pytest.mark.parametrize("value", [None, b"", b"\x30\x00", b"\x30\x05\x02\x01\xff\x04\x00", b"garbage"])
@blocking
def test_a_paged_results_control_that_cannot_be_read_is_a_protocol_error_of_that_search_alone(
    serving: Serving, value: bytes | None
) -> None:
    with connected(serving, serving.portal) as client:
        assert client.search(FEW, Control(oids.PAGED_RESULTS, True, value))[1].code == ResultCode.PROTOCOL_ERROR
        assert client.search(FEW, paged(5), paged(5))[1].code == ResultCode.PROTOCOL_ERROR
        assert len(client.search(FEW)[0]) == 3
