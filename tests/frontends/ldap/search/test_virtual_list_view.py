"""Virtual list views (draft-ietf-ldapext-ldapv3-vlv-09): windows by position and by value, what is refused, what is kept."""

import ldap
import pytest
from ldap.controls.sss import SSSRequestControl
from ldap.controls.vlv import VLVRequestControl

from gateway.frontends.ldap.core.limits import VIRTUAL_LISTS_PER_CONNECTION
from gateway.wire import oids
from gateway.wire.controls import (
    ListPosition,
    ListRequest,
    ListResponse,
    PagedResults,
    SortKey,
    SortRequest,
    SortResponse,
    control,
    find,
)
from gateway.wire.messages import Control, SearchRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap import company
from tests.frontends.ldap.client_programs import libldap
from tests.frontends.ldap.company import ANN, BASE, CROWD, PEOPLE
from tests.frontends.ldap.serving import Serving, World, blocking, eventually
from tests.frontends.ldap.wire_client import Done, WireClient, connected, search_request

CROWDED = search_request(BASE, "(uid=crowd*)", attributes=("1.1",))
BY_UID = SortRequest((SortKey("uid"),))
BACKWARDS = SortRequest((SortKey("uid", reverse=True),))


def window(
    client: WireClient,
    target: ListPosition | bytes,
    before: int = 1,
    after: int = 2,
    context_id: bytes | None = None,
    *,
    request: SearchRequest = CROWDED,
    sort: SortRequest = BY_UID,
) -> tuple[list[int], ListResponse, Done]:
    """The numbers in the window, and how it went."""
    entries, done = client.search(request, control(sort, True), control(ListRequest(before, after, target, context_id), True))
    response = find(done.controls, ListResponse)
    assert response is not None
    return [int(entry.object_name.partition(",")[0].removeprefix("uid=crowd")) for entry in entries], response, done


def snapshots(world: World) -> int:
    assert world.follower.reader is not None
    return world.follower.reader.snapshots.in_use


@pytest.mark.parametrize(
    ("target", "position", "numbers"),
    [
        (ListPosition(1), 1, [0, 1, 2]),
        (ListPosition(500), 500, [498, 499, 500, 501]),
        (ListPosition(CROWD), CROWD, [1998, 1999]),
        (ListPosition(7, CROWD), 7, [5, 6, 7, 8]),
        (ListPosition(99, 99), CROWD, [1998, 1999]),
        (ListPosition(50, 100), 1000, [998, 999, 1000, 1001]),
        (ListPosition(2, 2_000_000), 1, [0, 1, 2]),
        (b"CROWD0500", 501, [499, 500, 501, 502]),
        (b"crowd05005", 502, [500, 501, 502, 503]),
        (b"a", 1, [0, 1, 2]),
        (b"d", CROWD + 1, [1999]),
    ],
)
@blocking
def test_a_window_is_around_its_target(
    serving: Serving, target: ListPosition | bytes, position: int, numbers: list[int]
) -> None:
    with connected(serving, serving.portal) as client:
        found, response, done = window(client, target)
        assert (found, done.code) == (numbers, 0)
        assert (response.target_position, response.content_count, response.code) == (position, CROWD, 0)
        assert find(done.controls, SortResponse) == SortResponse(0)


@blocking
def test_in_a_reversed_list_a_value_is_the_first_that_is_not_greater(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        assert window(client, b"crowd0500", sort=BACKWARDS)[0] == [501, 500, 499, 498]
        assert window(client, b"crowd05005", sort=BACKWARDS)[0] == [501, 500, 499, 498]
        assert window(client, b"z", sort=BACKWARDS)[0] == [1999, 1998, 1997]


@blocking
def test_the_next_windows_are_of_the_same_state_as_long_as_the_context_id_is_sent(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        _, first, _ = window(client, ListPosition(1))
        company.hire(serving.world.database, "crowd0000a")
        try:
            serving.world.follow()
            numbers, second, _ = window(client, ListPosition(2), 0, 1, first.context_id)
            assert (numbers, second.content_count) == ([1, 2], CROWD)
            entries, done = client.search(
                CROWDED, control(BY_UID, True), control(ListRequest(0, 0, ListPosition(2), None), True)
            )
            response = find(done.controls, ListResponse)
            assert [entry.object_name for entry in entries] == [f"uid=crowd0000a,{PEOPLE}"]
            assert response is not None and response.content_count == CROWD + 1
        finally:
            company.dismiss(serving.world.database, "crowd0000a")
            serving.world.follow()


@blocking
def test_lists_are_kept_up_to_a_limit_and_one_that_is_not_kept_is_sorted_anew(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        contexts = [window(client, ListPosition(1))[1].context_id for _ in range(VIRTUAL_LISTS_PER_CONNECTION + 1)]
        assert snapshots(serving.world) == VIRTUAL_LISTS_PER_CONNECTION
        for context_id in (contexts[0], b"made up", contexts[-1]):
            assert window(client, ListPosition(3), 0, 0, context_id)[0] == [2]
        other = search_request(BASE, "(uid=crowd00*)", attributes=("1.1",))
        _, response, _ = window(client, ListPosition(1), context_id=contexts[-1], request=other)
        assert response.content_count == 100
        assert window(client, ListPosition(1), 0, 0, response.context_id, request=other, sort=BACKWARDS)[0] == [99]
        assert snapshots(serving.world) == VIRTUAL_LISTS_PER_CONNECTION
    eventually(lambda: snapshots(serving.world) == 0)
    reader = serving.world.follower.reader
    assert reader is not None and reader.snapshots.held_ids == 0


@pytest.mark.parametrize(
    ("sort", "target", "code"),
    [
        (BY_UID, ListPosition(0), ResultCode.OFFSET_RANGE_ERROR),
        (BY_UID, ListPosition(CROWD + 1), ResultCode.OFFSET_RANGE_ERROR),
        (BY_UID, ListPosition(101, 100), ResultCode.OFFSET_RANGE_ERROR),
        (SortRequest((SortKey("uidNumber"),)), b"ten", ResultCode.INAPPROPRIATE_MATCHING),
        (SortRequest((SortKey("nonsense"),)), ListPosition(1), ResultCode.INAPPROPRIATE_MATCHING),
        (None, ListPosition(1), ResultCode.SORT_CONTROL_MISSING),
    ],
)
@blocking
def test_a_window_that_cannot_be_had_is_refused_with_its_own_code(
    serving: Serving, sort: SortRequest | None, target: ListPosition | bytes, code: ResultCode
) -> None:
    controls = [control(ListRequest(0, 1, target), True), *([control(sort, True)] if sort else [])]
    with connected(serving, serving.portal) as client:
        entries, done = client.search(CROWDED, *controls)
        response = find(done.controls, ListResponse)
        assert (entries, done.code) == ([], ResultCode.VIRTUAL_LIST_VIEW_ERROR)
        assert response is not None and response.code == code


@blocking
def test_a_window_together_with_pages_or_on_one_entry_is_refused(serving: Serving) -> None:
    asked = (control(BY_UID, True), control(ListRequest(0, 1, ListPosition(1)), True))
    with connected(serving, serving.portal) as client:
        for request, controls in (
            (CROWDED, (*asked, control(PagedResults(10), True))),
            (search_request("", scope=0), asked),
            (search_request(ANN, scope=0), asked),
        ):
            assert client.search(request, *controls)[1].code == ResultCode.VIRTUAL_LIST_VIEW_ERROR
        assert client.search(CROWDED, Control(oids.LIST_REQUEST, False, b"x"))[1].code == ResultCode.PROTOCOL_ERROR


@blocking
def test_an_empty_list_has_an_empty_window(serving: Serving) -> None:
    nobody = search_request(BASE, "(uid=nobody)", attributes=("1.1",))
    with connected(serving, serving.portal) as client:
        for target in (ListPosition(1), b"x"):
            numbers, response, done = window(client, target, request=nobody)
            assert (numbers, response.target_position, response.content_count, done.code) == ([], 0, 0, 0)


@blocking
def test_the_size_limit_cuts_a_window(serving: Serving) -> None:
    limited = search_request(BASE, "(uid=crowd*)", attributes=("1.1",), size_limit=2)
    with connected(serving, serving.portal) as client:
        numbers, response, done = window(client, ListPosition(10), 3, 3, request=limited)
        assert (numbers, done.code, response.code) == ([6, 7], ResultCode.SIZE_LIMIT_EXCEEDED, 0)
        assert window(client, ListPosition(10), 0, 0, response.context_id, request=limited)[0] == [9]


@blocking
def test_python_ldap_scrolls(serving: Serving) -> None:
    controls = [
        SSSRequestControl(ordering_rules=["uid"]),
        VLVRequestControl(before_count=2, after_count=1, offset=100, content_count=0),
    ]
    with libldap(serving, serving.portal) as client:
        sent = client.search_ext(BASE, ldap.SCOPE_SUBTREE, "(uid=crowd*)", ["1.1"], serverctrls=controls)
        _, entries, _, answered = client.result3(sent)
    assert [name for name, _ in entries] == [f"uid=crowd{n:04d},{PEOPLE}" for n in (97, 98, 99, 100)]
    (response,) = [one for one in answered if one.controlType == oids.LIST_RESPONSE]
    assert (response.targetPosition, response.contentCount, response.virtualListViewResult) == (100, CROWD, 0)
