"""Server-side sorting (RFC 2891): orders, pages, what cannot be sorted, limits, and clients that nobody here wrote."""

import ldap
import pytest
from ldap.controls.sss import SSSRequestControl

from gateway.directory.search import sort_keys, sorted_search
from gateway.directory.search.shared import snapshot_pool
from gateway.wire import oids
from gateway.wire.controls import (
    ListPosition,
    ListRequest,
    PagedResults,
    SortKey,
    SortRequest,
    SortResponse,
    control,
    find,
)
from gateway.wire.messages import AbandonRequest, Control, SearchRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import libldap, tool
from tests.frontends.ldap.company import ANN, BASE, BOB, CROWD, DAVE, PEOPLE
from tests.frontends.ldap.serving import Serving, World, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import Done, WireClient, connected, search_request

FEW = search_request(BASE, "(|(uid=ann)(uid=bob)(uid=dave))", attributes=("1.1",))
CROWDED = search_request(BASE, "(uid=crowd*)", attributes=("1.1",))
DAVE_O_C = f"uid=dave\\, o'c,{PEOPLE}"


def sort(*keys: SortKey, critical: bool = True) -> Control:
    return control(SortRequest(keys), critical)


def sorted_names(client: WireClient, request: SearchRequest, *controls: Control) -> tuple[list[str], SortResponse | None, Done]:
    entries, done = client.search(request, *controls)
    return [entry.object_name for entry in entries], find(done.controls, SortResponse), done


def snapshots(world: World) -> int:
    assert world.follower.reader is not None
    return world.follower.reader.snapshots.in_use


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((SortKey("cn"),), [ANN, BOB, DAVE]),
        ((SortKey("CN", reverse=True),), [DAVE, BOB, ANN]),
        ((SortKey("2.5.4.3", "2.5.13.3"),), [ANN, BOB, DAVE]),
        ((SortKey("sn", "caseIgnoreOrderingMatch"),), [BOB, DAVE, ANN]),
        ((SortKey("uidNumber"),), [ANN, DAVE, BOB]),
        ((SortKey("uidNumber", "integerOrderingMatch", reverse=True),), [BOB, DAVE, ANN]),
        ((SortKey("title"), SortKey("cn", reverse=True)), [BOB, ANN, DAVE]),
        ((SortKey("title", reverse=True), SortKey("cn")), [DAVE, ANN, BOB]),
        ((SortKey("mail"),), [ANN, BOB, DAVE]),
        ((SortKey("entryDN", reverse=True),), [DAVE, BOB, ANN]),
    ],
)
@blocking
def test_entries_come_in_order_and_those_without_the_attribute_last_or_when_reversed_first(
    serving: Serving, keys: tuple[SortKey, ...], expected: list[str]
) -> None:
    with connected(serving, serving.portal) as client:
        names, response, done = sorted_names(client, FEW, sort(*keys))
    assert (names, done.code, response) == (expected, 0, SortResponse(0))


@blocking
def test_a_large_search_is_sorted_whole_or_page_by_page(serving: Serving) -> None:
    by_number = sort(SortKey("employeeNumber", reverse=True))
    with connected(serving, serving.portal) as client:
        whole, response, _ = sorted_names(client, CROWDED, by_number)
        assert (len(whole), response) == (CROWD, SortResponse(0))
        numbers = [name.partition(",")[0].removeprefix("uid=crowd").lstrip("0") or "0" for name in whole]
        assert numbers == sorted(map(str, range(CROWD)), reverse=True)  # employeeNumber is text
        paged: list[str] = []
        cookie = b""
        while cookie or not paged:
            names, response, done = sorted_names(client, CROWDED, by_number, control(PagedResults(300, cookie), True))
            assert response == SortResponse(0)
            page = find(done.controls, PagedResults)
            assert page is not None
            paged += names
            cookie = page.cookie
    assert paged == whole
    eventually(lambda: snapshots(serving.world) == 0)
    reader = serving.world.follower.reader
    assert reader is not None and reader.snapshots.held_ids == 0


@blocking
def test_the_size_limit_gives_the_first_in_the_order(serving: Serving) -> None:
    limited = search_request(BASE, "(uid=crowd*)", attributes=("1.1",), size_limit=2)
    few = search_request(BASE, "(|(uid=ann)(uid=bob)(uid=dave))", attributes=("1.1",), size_limit=2)
    with connected(serving, serving.portal) as client:
        names, _, done = sorted_names(client, limited, sort(SortKey("uid", reverse=True)))
        assert (names, done.code) == ([f"uid=crowd{n},{PEOPLE}" for n in (1999, 1998)], ResultCode.SIZE_LIMIT_EXCEEDED)
        names, _, done = sorted_names(client, few, sort(SortKey("uid", reverse=True)))
        assert (names, done.code) == ([DAVE, BOB], ResultCode.SIZE_LIMIT_EXCEEDED)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (SortKey("noSuchThing"), ResultCode.NO_SUCH_ATTRIBUTE),
        (SortKey("cn;lang-en"), ResultCode.NO_SUCH_ATTRIBUTE),
        (SortKey("member"), ResultCode.INAPPROPRIATE_MATCHING),
        (SortKey("memberOf"), ResultCode.INAPPROPRIATE_MATCHING),
        (SortKey("cn", "1.2.3.4"), ResultCode.INAPPROPRIATE_MATCHING),
        (SortKey("cn", "caseExactOrderingMatch"), ResultCode.INAPPROPRIATE_MATCHING),
    ],
)
@blocking
def test_what_cannot_be_sorted_ends_the_search_when_critical_and_is_told_otherwise(
    serving: Serving, key: SortKey, code: ResultCode
) -> None:
    with connected(serving, serving.portal) as client:
        for request in (FEW, search_request("", scope=0)):
            names, response, done = sorted_names(client, request, sort(key))
            assert (names, done.code) == ([], ResultCode.UNAVAILABLE_CRITICAL_EXTENSION)
            assert response == SortResponse(code, key.attribute)
        names, response, done = sorted_names(client, FEW, sort(key, critical=False))
        assert (sorted(names), done.code) == (sorted((ANN, BOB, DAVE)), 0)
        assert response == SortResponse(code, key.attribute)


@blocking
def test_a_sort_control_that_cannot_be_read_is_a_protocol_error_of_the_operation_alone(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        for value in (None, b"", b"\x30\x00", b"x"):
            assert client.search(FEW, Control(oids.SORT_REQUEST, False, value))[1].code == ResultCode.PROTOCOL_ERROR
        assert len(client.search(FEW)[0]) == 3


@blocking
def test_no_more_ids_are_kept_than_there_is_room_for(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_HELD_IDS", CROWD + 10)
    monkeypatch.setattr(sorted_search, "_IDS_AT_ONCE", 100)
    page = control(PagedResults(10), True)
    with connected(serving, serving.portal) as client:
        assert client.search(CROWDED, sort(SortKey("uid")), page)[1].code == 0
        assert client.search(CROWDED, sort(SortKey("cn")), page)[1].code == ResultCode.BUSY
        assert client.search(CROWDED, page)[1].code == 0, "what is not sorted needs none"
    eventually(lambda: snapshots(serving.world) == 0)
    with connected(serving, serving.portal) as client:
        assert client.search(CROWDED, sort(SortKey("cn")), page)[1].code == 0


@pytest.mark.parametrize("beside", [(), (control(ListRequest(0, 9, ListPosition(1)), True),)])
@blocking
def test_sorting_that_takes_too_long_is_interrupted_or_abandoned_and_others_are_served_meanwhile(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, beside: tuple[Control, ...]
) -> None:
    endless = "SELECT max(a.id + b.id + c.id + d.id) FROM entry a, entry b, entry c, entry d"
    monkeypatch.setattr(sort_keys, "statement", lambda *_: endless)
    reader = serving.world.follower.reader
    assert reader is not None
    everything = search_request(BASE, attributes=("1.1",), time_limit=1)
    order = sort(SortKey("gecos"), SortKey("loginShell"))
    try:
        with connected(serving, serving.portal) as client, connected(serving, serving.portal) as other:
            (message_id,) = client.send(everything, controls=(order, *beside))
            eventually(lambda: snapshots(serving.world) == 1)
            assert len(other.search(FEW)[0]) == 3
            message = client.receive()
            assert message.message_id == message_id
            assert message.operation.result.code == ResultCode.TIME_LIMIT_EXCEEDED  # type: ignore[union-attr]
            client.send(search_request(BASE, attributes=("1.1",)), controls=(order, *beside))
            eventually(lambda: snapshots(serving.world) == 1)
            client.send(AbandonRequest(message_id + 1))
            eventually(lambda: snapshots(serving.world) == 0)
            assert len(client.search(FEW)[0]) == 3
    finally:
        in_reactor(reader.plans._plans.clear)


@blocking
def test_one_entry_is_in_any_order(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        for name in ("", "cn=Subschema", ANN):
            entries, done = client.search(search_request(name, scope=0, attributes=("1.1",)), sort(SortKey("cn")))
            assert ([entry.object_name for entry in entries], done.code) == ([name], 0)
            assert find(done.controls, SortResponse) == SortResponse(0)


@blocking
def test_ldapsearch_and_python_ldap_sort(serving: Serving) -> None:
    arguments = ("-LLL", "-E", "!sss=-cn", "-b", PEOPLE, "(|(uid=ann)(uid=bob)(uid=dave*))", "1.1")
    found = tool("ldapsearch", serving.url, serving.portal, *arguments)
    assert [line for line in found.stdout.splitlines() if line.startswith("dn:")] == [
        f"dn: {name}" for name in (DAVE, DAVE_O_C, BOB, ANN)
    ]
    with libldap(serving, serving.portal) as client:
        sent = client.search_ext(
            BASE, ldap.SCOPE_SUBTREE, "(uid=crowd19*)", ["1.1"], serverctrls=[SSSRequestControl(ordering_rules=["-uid"])]
        )
        _, entries, _, controls = client.result3(sent)
    assert [name for name, _ in entries] == [f"uid=crowd{n},{PEOPLE}" for n in range(1999, 1899, -1)]
    assert controls[0].sortResult == 0
